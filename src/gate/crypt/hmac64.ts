/** Codes that show who has a secret: of eight bytes, made of eight bytes and a key of eight. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { refusal } from '../../base/check.ts'
import { type Bytes, dataOf, KEY_BYTES, keyOf } from './bytes.ts'
import { hashKey } from './hash-key.ts'
import { md5Block } from './md5-block.ts'

const WORDS = 16

/**
 * Skynet's code of a number and a secret. It is one block of MD5, and no HMAC of any standard.
 *
 * @throws {SkynetError} `ERR_CRYPT` not eight bytes.
 */
export function hmac64(x: Bytes, y: Bytes): Buffer {
  const what = 'make an hmac64'
  const [first, second] = [keyOf(what, 'x', x), keyOf(what, 'y', y)]
  const group = [first.readInt32LE(4), first.readInt32LE(0)]
  group.push(second.readInt32LE(4), second.readInt32LE(0))
  const words = Int32Array.from({ length: WORDS }, (_, at) => group[at % group.length]!)
  const [a, b, c, d] = md5Block(words)
  const code = Buffer.allocUnsafe(KEY_BYTES)
  code.writeInt32LE(c ^ d, 0)
  code.writeInt32LE(a ^ b, 4)
  return code
}

/** The same on the whole of MD5: the halves of the digest, xored. Throws as `hmac64`. */
export function hmac64Md5(x: Bytes, y: Bytes): Buffer {
  const what = 'make an hmac64'
  const pair = Buffer.concat([keyOf(what, 'x', x), keyOf(what, 'y', y)])
  const digest = createHash('md5')
    .update(Buffer.concat([pair, pair, pair]))
    .digest()
  return xorStr(digest.subarray(0, KEY_BYTES), digest.subarray(KEY_BYTES))
}

/** The code of a text of any length: `hmac64(hashKey(text), key)`. Throws as that. */
export function hmacHash(key: Bytes, text: Bytes): Buffer {
  return hmac64(hashKey(text), key)
}

/** How long it takes tells nobody how much of a code is right. */
export function isSameCode(given: Buffer, code: Buffer): boolean {
  return given.length === code.length && timingSafeEqual(given, code)
}

/** The digest of the standard: 20 bytes. */
export function sha1(text: Bytes): Buffer {
  return createHash('sha1')
    .update(dataOf('hash', 'text', text))
    .digest()
}

/** The code of the standard (RFC 2104): 20 bytes. */
export function hmacSha1(key: Bytes, text: Bytes): Buffer {
  const what = 'make an hmac'
  return createHmac('sha1', dataOf(what, 'key', key))
    .update(dataOf(what, 'text', text))
    .digest()
}

/**
 * `text` xored with `key`, which is repeated to its length.
 *
 * @throws {RangeError} For a key of no bytes.
 */
export function xorStr(text: Bytes, key: Bytes): Buffer {
  const bytes = dataOf('xor', 'text', text)
  const mask = dataOf('xor', 'key', key)
  if (mask.length === 0) throw refusal('range', 'xor', 'key', 'one byte long, or more', key)
  return Buffer.from(bytes.map((byte, at) => byte ^ mask[at % mask.length]!))
}
