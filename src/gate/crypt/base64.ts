/** Base64, as Skynet reads it: more is accepted than the standard allows. */
import { type Bytes, charsOf, dataOf, refused } from './bytes.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PAD = 64
const FOREIGN = 65
const LETTERS_PER_GROUP = 4

/** By character below 256: its six bits, `PAD`, or `FOREIGN`. */
const VALUES = Uint8Array.from({ length: 256 }, (_, char) => {
  const letter = String.fromCharCode(char)
  if (letter === '=') return PAD
  const value = LETTERS.indexOf(letter)
  return value < 0 ? FOREIGN : value
})

/** The standard alphabet, padded. */
export function base64Encode(data: Bytes): string {
  return dataOf('encode as base64', 'data', data).toString('base64')
}

/**
 * As Skynet does, which is laxer than the standard: what is no letter of base64 is skipped, `=` may
 * be missing at the end, and padded groups may follow each other. Stricter in one thing: behind the
 * last group there must be nothing, also no end of line.
 *
 * @throws {SkynetError} `ERR_CRYPT` a group that is cut, or whose spare bits are not zero.
 */
export function base64Decode(text: Bytes): Buffer {
  const chars = charsOf('decode base64', 'text', text)
  const bytes = Buffer.allocUnsafe(Math.ceil(chars.length / LETTERS_PER_GROUP) * 3)
  let length = 0
  for (let at = 0; at < chars.length; ) {
    let bits = 0
    let letters = 0
    let isPadded = false
    for (let place = 0; place < LETTERS_PER_GROUP; ) {
      const value = at < chars.length ? valueIn(chars.charCodeAt(at++)) : PAD
      if (value === FOREIGN) continue
      place++
      if (value === PAD) isPadded = true
      else if (isPadded) throw refused('decode base64', `a letter behind '=', at ${at - 1}`)
      else letters++
      bits = (bits << 6) | (value === PAD ? 0 : value)
    }
    if (letters < 2) throw refused('decode base64', `a group of ${letters} letters, up to ${at}`)
    const count = letters - 1
    if ((bits & (0xffffff >>> (count * 8))) !== 0) {
      throw refused('decode base64', `bits that stand for nothing, up to ${at}`)
    }
    for (let byte = 0; byte < count; byte++) bytes[length++] = bits >>> (16 - byte * 8)
  }
  return bytes.subarray(0, length)
}

const valueIn = (char: number): number => VALUES[char] ?? FOREIGN
