/** Frames of WebSocket, at either end, and its handshakes, as rows of `PARSERS`. */
import { deflateRawSync, constants as zlib } from 'node:zlib'
import { isSkynetError } from '../../src/base/errors.ts'
import {
  type ClientHello,
  clientHello,
  readServerHello,
} from '../../src/transport/websocket/client-handshake.ts'
import { frame } from '../../src/transport/websocket/conformance.kit.ts'
import { acceptOffer, inflated } from '../../src/transport/websocket/deflate.ts'
import { type ReadingRules, WebSocketReader } from '../../src/transport/websocket/frame-reader.ts'
import { answerHandshake } from '../../src/transport/websocket/handshake.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const MESSAGE_BYTES_MAX = 300
const FIN = 0x80
const RSV1 = 0x40
const TEXTS = ['', 'a', 'κόσμε', '😀', '\0', '€', 'wolf '.repeat(9)]

const SERVER: ReadingRules = {
  messageBytesMax: MESSAGE_BYTES_MAX,
  masks: 'needed',
  isBinary: false,
}
const CLIENT: ReadingRules = { ...SERVER, masks: 'refused' }

export const WEBSOCKET_PARSERS: readonly Parser[] = [
  {
    name: 'websocket: frames of clients',
    isStream: true,
    bytesOf: (random) => framesOf(random, true, false),
    parse: (chunks) => parsed(chunks, SERVER, false),
  },
  {
    name: 'websocket: frames of servers',
    isStream: true,
    bytesOf: (random) => framesOf(random, false, false),
    parse: (chunks) => parsed(chunks, CLIENT, false),
  },
  {
    name: 'websocket: compressed frames',
    isStream: true,
    bytesOf: (random) => framesOf(random, true, true),
    parse: (chunks) => parsed(chunks, SERVER, true),
  },
  {
    name: 'websocket: handshakes of clients',
    bytesOf: () => Buffer.from(HELLO.text.split('\r\n').slice(1).join('\n')),
    parse: ([bytes]) => answered(bytes!.toString('latin1')),
  },
  {
    name: 'websocket: handshakes of servers',
    bytesOf: () => Buffer.from(ANSWER),
    parse: ([bytes]) => readServerHello(bytes!.toString('latin1'), HELLO),
  },
]

/** Messages in one piece and in fragments, with control frames between them. */
function framesOf(random: Random, isMasked: boolean, isDeflating: boolean): Buffer {
  const frames: Buffer[] = []
  for (let left = below(random, 6); left > 0; left--) {
    const opcode = 1 + below(random, 2)
    let payload = Buffer.from(TEXTS[below(random, TEXTS.length)]!)
    const isDeflated = isDeflating && below(random, 2) === 0
    if (isDeflated) {
      payload = deflateRawSync(payload, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4)
    }
    const rsv = isDeflated ? RSV1 : 0
    const cut = below(random, payload.length + 1)
    if (below(random, 2) === 0) frames.push(frame(opcode, payload, { isMasked, bits: FIN | rsv }))
    else {
      frames.push(frame(opcode, payload.subarray(0, cut), { isMasked, bits: rsv }))
      frames.push(frame(9 + below(random, 2), 'p', { isMasked }))
      frames.push(frame(0, payload.subarray(cut), { isMasked }))
    }
  }
  if (below(random, 3) === 0) frames.push(frame(8, Buffer.of(3, 0xe8, 0x61), { isMasked }))
  return Buffer.concat(frames)
}

/** An error does not take back what was before it. */
function parsed(chunks: readonly Buffer[], rules: ReadingRules, isDeflating: boolean): unknown {
  const got: unknown[] = []
  const host = {
    pinged: (payload: Buffer) => got.push(['ping', payload.toString('latin1')]),
    ponged: (payload: Buffer) => got.push(['pong', payload.toString('latin1')]),
  }
  const reader = new WebSocketReader(rules, host, isDeflating ? inflated : undefined)
  try {
    for (const chunk of chunks) {
      reader.push(chunk)
      for (let next = reader.next(); next !== undefined; next = reader.next()) {
        got.push(typeof next === 'string' ? next : next.toString('latin1'))
      }
    }
    reader.end()
    return [...got, reader.closed]
  } catch (error) {
    if (!isSkynetError(error)) throw error
    return [...got, error.code, reader.violation]
  }
}

const HELLO: ClientHello = clientHello('ws://game.test/', {
  subprotocols: ['chat', 'x'],
  headers: { Origin: 'http://game.test' },
  deflate: true,
})
const ANSWER = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Accept: ${HELLO.accept}`,
  'Sec-WebSocket-Protocol: chat',
  'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover',
].join('\r\n')

/** Headers, as somebody may have sent them and node:http has read them. */
function answered(text: string): unknown {
  const headers: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const [name = '', ...rest] = line.split(': ')
    headers[name.toLowerCase()] = rest.join(': ')
  }
  const rules = { origins: undefined, subprotocols: ['x'], deflate: true }
  acceptOffer(text)
  return answerHandshake({ method: 'GET', httpVersion: '1.1', headers }, rules)
}
