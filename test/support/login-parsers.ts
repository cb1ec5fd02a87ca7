/** Parsers of what clients and servers of a login say. */
import { isSkynetError } from '../../src/base/errors.ts'
import { crypt } from '../../src/gate/crypt.ts'
import { LoginHandshake, LoginRequest } from '../../src/gate/login-handshake.ts'
import { LineCutter } from '../../src/gate/login-lines.ts'
import { readAnswer, readRequest, requestFrame } from '../../src/gate/msg-frame.ts'
import {
  checkHandshake,
  handshakeText,
  readHandshake,
  userIdOf,
} from '../../src/gate/msg-handshake.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const KEY = Buffer.from('a secret')
const CHALLENGE = Buffer.from('challeng')
const LINE_BYTES_MAX = 200

const bytes = (random: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => below(random, 256)))
const keyLine = (random: Random): string =>
  `${crypt.base64Encode(crypt.dhExchange(Buffer.concat([Buffer.from([1]), bytes(random, 7)])))}\n`

/** Hand each line to `take`, until that says that it is done. */
function linesTo(chunks: readonly Buffer[], take: (line: string) => unknown): void {
  const lines = new LineCutter(1, LINE_BYTES_MAX)
  for (const chunk of chunks) {
    lines.add(chunk)
    for (let line = lines.take(); line !== undefined; line = lines.take()) {
      if (take(line)) return
    }
  }
}

/** @param step Where the server is: what came before would need a client that knows its keys. */
function serve(chunks: readonly Buffer[], step: 'key' | 'proof'): unknown {
  const server = new LoginHandshake(CHALLENGE)
  server.step = step
  server.secret = KEY
  let said = 0
  linesTo(chunks, (line) => {
    server.take(line, () => said++)
    return server.token !== undefined
  })
  return [server.step, server.token, said]
}

export const LOGIN_PARSERS: readonly Parser[] = [
  {
    name: 'login: the public key of a client',
    isStream: true,
    bytesOf: (random) => Buffer.from(keyLine(random) + keyLine(random)),
    parse: (chunks) => serve(chunks, 'key'),
  },
  {
    name: 'login: the proof and the token of a client',
    isStream: true,
    bytesOf(random) {
      const proof = crypt.base64Encode(crypt.hmac64(CHALLENGE, KEY))
      const token = crypt.desEncode(KEY, bytes(random, below(random, 60)))
      return Buffer.from(`${proof}\n${crypt.base64Encode(token)}\n`)
    },
    parse: (chunks) => serve(chunks, 'proof'),
  },
  {
    name: 'login: the lines of a server',
    isStream: true,
    bytesOf: (random) =>
      Buffer.from(
        below(random, 4) === 0
          ? `${keyLine(random)}401 Unauthorized\n`
          : `${keyLine(random)}${keyLine(random)}200 ${crypt.base64Encode(bytes(random, 6))}\n`,
      ),
    parse(chunks) {
      const request = new LoginRequest('token', KEY)
      const said: unknown[] = []
      linesTo(chunks, (line) => {
        const ticket = request.take(line, (answer) => said.push(answer))
        said.push(ticket)
        return ticket
      })
      return said
    },
  },
  {
    name: 'message server: a handshake',
    bytesOf(random) {
      const user = { uid: `${below(random, 9)}`, server: 'sample', subid: `${below(random, 99)}` }
      return Buffer.from(handshakeText(user, below(random, 2 ** 40), KEY))
    },
    parse([frame]) {
      const handshake = readHandshake(frame!)
      if (handshake === undefined) return undefined
      const result = checkHandshake(handshake, { secret: KEY, version: 7 })
      return [result, userIdOf(handshake.username)]
    },
  },
  {
    name: 'message server: a request, an answer',
    bytesOf: (random) => requestFrame(bytes(random, below(random, 99)), below(random, 2 ** 32)),
    parse: ([frame]) => [readRequest(frame!), readAnswer(frame!)],
  },
  {
    name: 'crypt: base64, hex, DES',
    bytesOf(random) {
      const data = bytes(random, below(random, 99))
      const forms = [crypt.base64Encode(data), crypt.hexEncode(data), crypt.desEncode(KEY, data)]
      return Buffer.from(forms[below(random, forms.length)] as string)
    },
    parse: ([data]) =>
      [crypt.base64Decode, crypt.hexDecode, (each: Buffer) => crypt.desDecode(KEY, each)].map(
        (decode) => outcomeOf(() => decode(data!)),
      ),
  },
]

/** What `decode` gives, or the code by which it refuses. */
function outcomeOf(decode: () => unknown): unknown {
  try {
    return decode()
  } catch (error) {
    if (isSkynetError(error)) return error.code
    throw error
  }
}
