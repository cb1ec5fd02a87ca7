/**
 * What both sides of a login say to each other, line by line, without a socket: who accepts
 * (`LoginHandshake`) and who comes (`LoginRequest`).
 *
 *     server   base64(challenge)
 *     client   base64(its public key)
 *     server   base64(its public key)                 from now on both have the secret
 *     client   base64(hmac64(challenge, secret))
 *     client   base64(DES(secret, token))
 *     server   200 base64(subid), or why not          and closes
 */
import { SkynetError } from '../base/errors.ts'
import { base64Decode, base64Encode } from './crypt/base64.ts'
import { type Bytes, dataOf, keyOf, refused as wrongBytes } from './crypt/bytes.ts'
import { desDecode, desEncode } from './crypt/des.ts'
import { dhExchange, dhSecret, randomKey } from './crypt/dh.ts'
import { hmac64, isSameCode } from './crypt/hmac64.ts'

/** The last line of the server. All but the first say why not. */
export const LOGIN_RESULT = {
  done: '200',
  unauthorized: '401 Unauthorized',
  forbidden: '403 Forbidden',
  busy: '406 Not Acceptable',
  overloaded: '503 Service Unavailable',
} as const

/** Takes a line to be sent, without its end. */
export type Say = (line: string) => void

function refused(status: number, reason: string): SkynetError<'ERR_LOGIN'> {
  return new SkynetError('ERR_LOGIN', { status, reason })
}

const outOfTurn = (line: string): SkynetError => wrongBytes('log in', `the server has sent ${line}`)

/** The next line from the client, by what has come before. */
const STEPS = {
  key(self: LoginHandshake, line: string, say: Say): void {
    const peerKey = keyOf('log in', 'the public key', base64Decode(line))
    const key = randomKey()
    // A key that is zero is answered before it is refused: so does Skynet.
    say(base64Encode(dhExchange(key)))
    self.secret = dhSecret(peerKey, key)
    self.step = 'proof'
  },
  proof(self: LoginHandshake, line: string): void {
    const code = hmac64(self.challenge, self.secret)
    if (!isSameCode(base64Decode(line), code)) throw refused(401, 'no proof of the secret')
    self.step = 'token'
  },
  token(self: LoginHandshake, line: string): void {
    self.token = desDecode(self.secret, base64Decode(line))
    self.step = 'done'
  },
  done(): void {},
} as const

/** The side that accepts. Any error ends it: it is answered by 401. */
export class LoginHandshake {
  readonly challenge: Buffer
  step: keyof typeof STEPS = 'key'
  /** Of both sides; eight bytes, from the public key on. */
  secret: Buffer = Buffer.alloc(0)
  /** What the client says about itself, once it has come. */
  token: Buffer | undefined

  constructor(challenge = randomKey()) {
    this.challenge = challenge
  }

  /** The first line of the server. */
  begin(say: Say): void {
    say(base64Encode(this.challenge))
  }

  /**
   * The next line of the client.
   *
   * @throws {SkynetError} `ERR_CRYPT`, `ERR_LOGIN` why it is refused.
   */
  take(line: string, say: Say): void {
    STEPS[this.step](this, line, say)
  }
}

/** What a login has given. */
export interface LoginTicket {
  /** Text that the game server chose for this session. */
  readonly subid: string
  /** Eight bytes that the game server has as well. */
  readonly secret: Buffer
}

/** The side that comes. */
export class LoginRequest {
  readonly #token: Buffer
  readonly #key: Buffer
  #challenge: Buffer | undefined
  #secret: Buffer | undefined

  /**
   * @param token What the server's `auth` reads. It travels encrypted.
   * @param key Private, of eight bytes. Default: a random one.
   */
  constructor(token: Bytes, key: Bytes = randomKey()) {
    this.#token = dataOf('log in', 'token', token)
    this.#key = keyOf('log in', 'key', key)
  }

  /**
   * The next line of the server. It may be the refusal at every step.
   *
   * @returns The ticket, once the server has said yes.
   * @throws {SkynetError} `ERR_LOGIN` refused, with the status of the server; `ERR_CRYPT` a line
   * that no server says.
   */
  take(line: string, say: Say): LoginTicket | undefined {
    const [, status, rest = ''] = /^(\d{3}) (.*)$/.exec(line) ?? []
    if (status === LOGIN_RESULT.done) return this.#ticket(rest)
    if (status !== undefined) throw refused(Number(status), rest)
    if (this.#secret !== undefined) throw outOfTurn('a line behind its key that is no result')
    const bytes = keyOf('log in', 'the line of the server', base64Decode(line))
    if (this.#challenge === undefined) {
      this.#challenge = bytes
      say(base64Encode(dhExchange(this.#key)))
    } else {
      this.#secret = dhSecret(bytes, this.#key)
      say(base64Encode(hmac64(this.#challenge, this.#secret)))
      say(base64Encode(desEncode(this.#secret, this.#token)))
    }
    return undefined
  }

  #ticket(subid: string): LoginTicket {
    if (this.#secret === undefined) throw outOfTurn('a yes before its key')
    return { subid: base64Decode(subid).toString(), secret: this.#secret }
  }
}
