/**
 * How a client enters a message server: its first frame.
 *
 *     base64(uid)@base64(server)#base64(subid):index:base64(code)
 *
 * What is before the first colon is the username. The code is made of what is before the second,
 * and of the secret of the login. The index counts the connections of a session: each must be
 * higher than the one before, so that nobody can send a handshake that was overheard.
 */
import { checkNumber, checkString, isObject, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { base64Decode, base64Encode } from './crypt/base64.ts'
import type { Bytes } from './crypt/bytes.ts'
import { hmacHash, isSameCode } from './crypt/hmac64.ts'
import { luaNumber } from './lua-number.ts'

/** The first frame of the server. All but `done` are its last. */
export const HANDSHAKE = {
  done: '200 OK',
  malformed: '400 Bad Request',
  unauthorized: '401 Unauthorized',
  expired: '403 Index Expired',
  unknown: '404 User Not Found',
} as const

/** A session of a user at a game server. */
export interface MsgUserId {
  readonly uid: string
  /** Name of the game server. */
  readonly server: string
  readonly subid: string
}

/** `base64(uid)@base64(server)#base64(subid)`. */
export function usernameOf({ uid, server, subid }: MsgUserId): string {
  return `${base64Encode(uid)}@${base64Encode(server)}#${base64Encode(subid)}`
}

/** @throws {SkynetError} `ERR_CRYPT` It is no username. */
export function userIdOf(username: string): MsgUserId {
  checkString('read a username', 'username', username)
  const [found, ...parts] = /^([^@]*)@([^#]*)#(.*)$/s.exec(username) ?? []
  if (found === undefined) {
    throw new SkynetError('ERR_CRYPT', { what: 'read a username', reason: 'it has no @ and no #' })
  }
  const [uid = '', server = '', subid = ''] = parts.map((part) => base64Decode(part).toString())
  return { uid, server, subid }
}

/**
 * The first frame of a client.
 *
 * @throws {SkynetError} `ERR_CRYPT` for a secret that has not eight bytes. `TypeError`,
 * `RangeError` for what is no user or no index.
 */
export function handshakeText(user: MsgUserId, index: number, secret: Bytes): string {
  const what = 'make a handshake'
  if (!isObject(user)) throw refusal('type', what, 'user', 'uid, server and subid', user)
  checkNumber(what, 'index', index)
  if (!Number.isFinite(index)) throw refusal('range', what, 'index', 'a finite number', index)
  const text = `${usernameOf(user)}:${index}`
  return `${text}:${base64Encode(codeOf(text, secret))}`
}

const codeOf = (text: string, secret: Bytes): Buffer =>
  hmacHash(secret, Buffer.from(text, 'latin1'))

/** A first frame, taken apart. */
export interface Handshake {
  readonly username: string
  /** What its code is made of. */
  readonly text: string
  readonly index: string
  readonly code: string
}

const COLON = 0x3a

/** Undefined: it names no user. Each byte is looked at once: nobody knows who has sent it. */
export function readHandshake(frame: Buffer): Handshake | undefined {
  const first = frame.indexOf(COLON)
  const second = first < 0 ? -1 : frame.indexOf(COLON, first + 1)
  if (second < 0) return undefined
  const third = frame.indexOf(COLON, second + 1)
  const part = (from: number, to: number): string => frame.toString('latin1', from, to)
  return {
    username: part(0, first),
    text: part(0, second),
    index: part(first + 1, second),
    code: part(second + 1, third < 0 ? frame.length : third),
  }
}

/** What a server knows of a user. */
export interface KnownUser {
  readonly secret: Buffer
  /** The index of the newest connection. */
  readonly version: number | bigint
}

/**
 * Is it really that user, and later than the connections before?
 *
 * @returns The index, or why not.
 */
export function checkHandshake(
  { text, index, code }: Handshake,
  { secret, version }: KnownUser,
): number | bigint | (typeof HANDSHAKE)[keyof typeof HANDSHAKE] {
  const number = luaNumber(index)
  if (number === undefined) return HANDSHAKE.malformed
  let given: Buffer
  try {
    given = base64Decode(code)
  } catch {
    return HANDSHAKE.malformed
  }
  // Said so, a NaN would not be later either.
  if (!(number > version)) return HANDSHAKE.expired
  return isSameCode(given, codeOf(text, secret)) ? number : HANDSHAKE.unauthorized
}
