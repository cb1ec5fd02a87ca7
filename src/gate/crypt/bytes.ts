/** What the functions of crypt take: text or bytes; keys and numbers are exactly eight of them. */
import { types } from 'node:util'
import { bufferOf } from '../../base/bytes.ts'
import { checkBytes } from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'

/** A string stands for its UTF-8. */
export type Bytes = string | Uint8Array

/** Of a key, a number, a hash: 64 bits, the lowest first. */
export const KEY_BYTES = 8

/**
 * The bytes of an argument, not copied.
 *
 * @throws {TypeError} For what is no string and no bytes.
 */
export function dataOf(what: string, name: string, value: Bytes): Buffer {
  checkBytes(what, name, value)
  return typeof value === 'string' ? Buffer.from(value) : bufferOf(value)
}

/** The same of a key. Others than eight bytes come from a peer: `ERR_CRYPT`. */
export function keyOf(what: string, name: string, value: Bytes): Buffer {
  const bytes = dataOf(what, name, value)
  if (bytes.length === KEY_BYTES) return bytes
  throw refused(what, `${name} has ${bytes.length} bytes, not ${KEY_BYTES}`)
}

/** A text of one byte a character, as encoded data is. Foreign letters stay foreign. */
export function charsOf(what: string, name: string, value: Bytes): string {
  checkBytes(what, name, value)
  if (!types.isUint8Array(value)) return value
  return bufferOf(value).toString('latin1')
}

/** Why bytes of a peer are none that this could have made. */
export const refused = (what: string, reason: string): SkynetError<'ERR_CRYPT'> =>
  new SkynetError('ERR_CRYPT', { what, reason })
