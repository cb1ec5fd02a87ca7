/** Parsers of what nodes of a cluster say to each other over TCP, and of what strangers may say. */
import { isSkynetError } from '../../src/base/errors.ts'
import { PeerHandshake } from '../../src/cluster/tcp/handshake.ts'
import { helloBytes } from '../../src/cluster/tcp/hello.ts'
import {
  PACKET,
  type PacketKind,
  PacketReader,
  writePacket,
} from '../../src/cluster/tcp/packets.ts'
import {
  answerBytes,
  askBytes,
  entryBytes,
  readAsk,
  readEntry,
  readStoreAnswer,
} from '../../src/cluster/tcp/store-packets.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const BYTES_MAX = 300
const SECRET = 'of the whole cluster, nobody else'
const IDENTITY = { cluster: 'skynet', secret: SECRET }
const US = { ...IDENTITY, node: 'b', instance: '11'.repeat(16) }

function packetsOf(...packets: readonly (readonly [kind: number, body: Uint8Array])[]): Buffer {
  const parts: Buffer[] = []
  const sink = { write: (data: Uint8Array) => parts.push(Buffer.from(data)) }
  for (const [kind, body] of packets) writePacket(sink, kind as PacketKind, body)
  return Buffer.concat(parts)
}

function helloOf(random: Random): Buffer {
  const nonce = Buffer.alloc(32, below(random, 256))
  const node = 'é'.repeat(1 + below(random, 20))
  return helloBytes({ min: 1, max: 1, nonce, instance: '22'.repeat(16), node, cluster: 'skynet' })
}

/** @param take Of each packet; what it throws ends the stream. */
function read(chunks: readonly Buffer[], take: (kind: number, body: Buffer) => unknown): unknown {
  const given: unknown[] = []
  const reader = new PacketReader(BYTES_MAX, (kind, bytes, at, end) => {
    given.push(take(kind, bytes.subarray(at, end)))
  })
  try {
    for (const chunk of chunks) reader.push(Buffer.from(chunk))
    reader.end()
    return given
  } catch (error) {
    if (!isSkynetError(error)) throw error
    return [...given, error.code]
  }
}

function entryOf(random: Random) {
  const value = below(random, 4) === 0 ? undefined : Buffer.alloc(below(random, 40), 7)
  return { key: 'k'.repeat(below(random, 30)), revision: below(random, 2 ** 40), value }
}

export const TCP_PARSERS: readonly Parser[] = [
  {
    name: 'cluster over TCP: packets',
    isStream: true,
    bytesOf: (random) =>
      packetsOf(
        ...Array.from({ length: below(random, 6) }, () => {
          const body = Buffer.alloc(Math.floor(random() ** 4 * (BYTES_MAX - 1)), below(random, 256))
          return [below(random, 256), body] as const
        }),
      ),
    parse: (chunks) => read(chunks, (kind, body) => `${kind} ${body.toString('hex')}`),
  },
  {
    name: 'cluster over TCP: a handshake',
    isStream: true,
    bytesOf: (random) =>
      packetsOf([PACKET.hello, helloOf(random)], [PACKET.proof, Buffer.alloc(32)]),
    parse: (chunks) => {
      const host = { address: 'x', say: () => {}, isConnected: () => false, doubt: () => undefined }
      const handshake = new PeerHandshake('accept', US, host)
      return read(chunks, (kind, body) => handshake.take(kind, body, 0, body.length))
    },
  },
  {
    name: 'cluster over TCP: the store',
    isStream: true,
    bytesOf: (random) => {
      const [id, entry] = [below(random, 2 ** 32), entryOf(random)]
      const answer = { id, status: below(random, 4), number: 7, ageMs: 9, reason: 'no' }
      return packetsOf(
        [PACKET.ask, askBytes({ id, kind: below(random, 6), era: 7, entry })],
        [PACKET.answer, answerBytes({ ...answer, entry: below(random, 2) ? entry : undefined })],
        [PACKET.entry, entryBytes(id, entry)],
      )
    },
    parse: (chunks) =>
      read(chunks, (kind, body) => {
        if (kind === PACKET.ask) return readAsk(body, 0, body.length)
        if (kind === PACKET.answer) return readStoreAnswer(body, 0, body.length)
        return readEntry(body, 0, body.length)
      }),
  },
]
