/** Bytes as text: two digits each, lower case. */
import { type Bytes, charsOf, dataOf, refused } from './bytes.ts'

/** In lower case. */
export function hexEncode(data: Bytes): string {
  return dataOf('encode as hex', 'data', data).toString('hex')
}

/**
 * As Skynet does: in lower case only. (There, `g` counts as 16; here it is refused.)
 *
 * @throws {SkynetError} `ERR_CRYPT` an odd number of digits, or what is no digit.
 */
export function hexDecode(text: Bytes): Buffer {
  const digits = charsOf('decode hex', 'text', text)
  if (digits.length % 2 !== 0) throw refused('decode hex', `an odd number: ${digits.length}`)
  const wrong = digits.search(/[^0-9a-f]/)
  if (wrong >= 0) throw refused('decode hex', `no digit in 0..9, a..f, at ${wrong}`)
  return Buffer.from(digits, 'hex')
}
