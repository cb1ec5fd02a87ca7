/** A key of any text. */
import { type Bytes, dataOf, KEY_BYTES } from './bytes.ts'

/** Two hashes that are common for tables: Bernstein's, and that of Justin Sobel. */
const BERNSTEIN = 5381
const SOBEL = 1_315_423_911

/** Eight bytes that stand for a text of any length. It is a hash for tables, and hides nothing. */
export function hashKey(text: Bytes): Buffer {
  let bernstein = BERNSTEIN
  let sobel = SOBEL
  for (const byte of dataOf('hash a key', 'text', text)) {
    bernstein = (Math.imul(bernstein, 33) + byte) | 0
    sobel ^= (sobel << 5) + byte + (sobel >>> 2)
  }
  const key = Buffer.allocUnsafe(KEY_BYTES)
  key.writeInt32LE(bernstein, 0)
  key.writeInt32LE(sobel, 4)
  return key
}
