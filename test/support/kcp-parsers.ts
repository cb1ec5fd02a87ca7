/** What comes to a port of KCP, as rows of `PARSERS`: from strangers, and within a conversation. */

import { FAST } from '../../src/transport/kcp/fast.kit.ts'
import { KcpClient, type KcpClientHost } from '../../src/transport/kcp/kcp-client.ts'
import { KcpServer, type KcpServerHost } from '../../src/transport/kcp/kcp-server.ts'
import {
  acceptBytes,
  closeBytes,
  cookieBytes,
  DATA_HEAD_BYTES,
  kcpHelloBytes,
  openBytes,
  PACKET_KIND,
  pingBytes,
  proofBytes,
  readServerAnswer,
  readToken,
  refuseBytes,
  type Token,
  writeFront,
} from '../../src/transport/kcp/packets.ts'
import type { Carrier, DatagramAddress } from '../../src/transport/kcp/route.ts'
import { SEGMENT_COMMAND, writeHead } from '../../src/transport/kcp/segment.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const TIMES = { keepAliveMs: 15_000, idleTimeoutMs: 60_000, lingerMs: 10_000 }
const NOW = 1000
const NONCE = Buffer.alloc(8, 7)
const ADDRESS: DatagramAddress = {
  bytes: Uint8Array.of(4, 1, 2, 127, 0, 0, 1),
  toString: () => '127.0.0.1:513',
}
const SCRATCH = new Uint8Array(2048)

/** Whatever is random is always the same: what a seed makes here is understood there. */
class Place implements Carrier {
  readonly scratch = SCRATCH
  readonly sent: string[] = []
  #count = 0

  randomBytes(count: number): Buffer {
    return Buffer.alloc(count, ++this.#count)
  }

  send(packet: Uint8Array): void {
    this.sent.push(Buffer.from(packet).toString('hex'))
  }

  isTouched(): void {}

  kept(address: DatagramAddress): DatagramAddress {
    return address
  }
}

const SERVER: KcpServerHost = {
  knocks: () => ({ begins() {}, enters() {}, leaves() {} }),
  isOver() {},
}
const CLIENT: KcpClientHost = { connected() {}, refused() {}, isOver() {} }

function serverOf(place: Place): KcpServer {
  const settings = { core: FAST, ...TIMES, maxConnections: 10, handshakeTimeoutMs: 5000 }
  return new KcpServer(settings, place, SERVER, NOW)
}

function cookieOf(place: Place, server: KcpServer): Buffer {
  server.packet(kcpHelloBytes(NONCE), ADDRESS, NOW)
  const answer = readServerAnswer(Buffer.from(place.sent.pop()!, 'hex'), NONCE)
  if (answer?.kind !== 'cookie') throw new Error('no cookie')
  return Buffer.from(answer.cookie)
}

/** A conversation is there. */
function opened(place: Place): { server: KcpServer; conv: number; up: Token } {
  const server = serverOf(place)
  server.packet(openBytes(NONCE, cookieOf(place, server), 1200), ADDRESS, NOW)
  const answer = readServerAnswer(Buffer.from(place.sent.pop()!, 'hex'), NONCE)
  if (answer?.kind !== 'accept') throw new Error('no conversation')
  const { conv, up } = answer.agreed
  server.packet(pingBytes(up, conv), ADDRESS, NOW)
  return { server, conv, up }
}

const AGREED = {
  conv: 0x01020304,
  up: readToken(Buffer.alloc(8, 1), 0),
  down: readToken(Buffer.alloc(8, 2), 0),
  mtu: 1200,
  keepAliveMs: 15_000,
  idleTimeoutMs: 60_000,
}

/** Segments of KCP: messages in parts, acknowledgements, questions. */
function segmentsOf(random: Random, conv: number): Buffer {
  const parts: Buffer[] = []
  for (let i = below(random, 5); i >= 0; i--) {
    const data = Buffer.alloc(below(random, 60), i)
    const head = Buffer.alloc(24)
    const command = SEGMENT_COMMAND.push + below(random, 4)
    const length = command === SEGMENT_COMMAND.push ? data.length : 0
    const base = { conv, window: below(random, 200), una: below(random, 3) }
    writeHead(head, 0, base, command, below(random, 3), NOW, below(random, 6), length)
    parts.push(head, data.subarray(0, length))
  }
  return Buffer.concat(parts)
}

/** Something that a peer says who has the token. */
function wordOf(random: Random, token: Token, conv: number): Buffer {
  const segments = segmentsOf(random, conv)
  const data = Buffer.concat([Buffer.alloc(DATA_HEAD_BYTES), segments])
  writeFront(data, PACKET_KIND.data, token)
  const close = { sentUpTo: below(random, 3), code: below(random, 5000), reason: 'é'.repeat(9) }
  const proof = below(random, 2) ? PACKET_KIND.prove : PACKET_KIND.proof
  const words = [
    data,
    data,
    pingBytes(token, conv),
    closeBytes(token, conv, close),
    proofBytes(proof, token, conv, Buffer.alloc(20)),
  ]
  return words[below(random, words.length)]!
}

export const KCP_PARSERS: readonly Parser[] = [
  {
    name: 'KCP: strangers at a server',
    bytesOf: (random) => {
      const place = new Place()
      const cookie = cookieOf(place, serverOf(place))
      return below(random, 3) ? openBytes(NONCE, cookie, below(random, 3000)) : kcpHelloBytes(NONCE)
    },
    parse: ([bytes]) => {
      const place = new Place()
      const server = serverOf(place)
      server.packet(bytes!, ADDRESS, NOW)
      return [place.sent, server.dropped, server.size]
    },
  },
  {
    name: 'KCP: a conversation at a server',
    bytesOf: (random) => {
      const { conv, up } = opened(new Place())
      return wordOf(random, up, conv)
    },
    parse: ([bytes]) => {
      const place = new Place()
      const { server } = opened(place)
      server.packet(bytes!, ADDRESS, NOW)
      for (const conversation of server.conversations) {
        conversation.flush(NOW)
        for (let next = conversation.take(); next !== undefined; ) next = conversation.take()
      }
      return [place.sent, server.dropped]
    },
  },
  {
    name: 'KCP: answers at a client',
    bytesOf: (random) =>
      [
        cookieBytes(NONCE, Buffer.alloc(20, 9)),
        acceptBytes(NONCE, { ...AGREED, mtu: below(random, 65_536) }),
        refuseBytes(NONCE, below(random, 6)),
      ][below(random, 3)]!,
    parse: ([bytes]) => {
      const place = new Place()
      const client = clientOf(place)
      client.packet(bytes!, ADDRESS, NOW)
      client.conversation?.post(Buffer.from('x'))
      client.conversation?.flush(NOW)
      return [place.sent, client.dropped]
    },
  },
  {
    name: 'KCP: a conversation at a client',
    bytesOf: (random) => wordOf(random, AGREED.down, AGREED.conv),
    parse: ([bytes]) => {
      const place = new Place()
      const client = clientOf(place)
      client.packet(acceptBytes(NONCE, AGREED), ADDRESS, NOW)
      client.packet(bytes!, ADDRESS, NOW)
      client.conversation!.flush(NOW)
      return [place.sent, client.dropped]
    },
  },
]

function clientOf(place: Place): KcpClient {
  const settings = { core: FAST, ...TIMES, connectTimeoutMs: 10_000 }
  const client = new KcpClient(settings, place, CLIENT, ADDRESS)
  place.randomBytes = () => NONCE
  client.greet(NOW)
  return client
}
