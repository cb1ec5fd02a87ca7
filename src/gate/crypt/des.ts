/** DES, block by block (ECB), padded to whole blocks. */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { checkChoice } from '../../base/check.ts'
import { type Bytes, dataOf, keyOf, refused } from './bytes.ts'

const BLOCK_BYTES = 8
/**
 * OpenSSL 3 has DES no more, but where it is thrice: encrypt, decrypt, encrypt. With one key for
 * all three that is DES.
 */
const CIPHER = 'des-ede3-ecb'

export type DesPadding = 'iso7816_4' | 'pkcs7'

/** How the last block is filled up. There is always a filling, of one byte to eight. */
interface Padding {
  fill(count: number): Buffer
  /** How many bytes of the last block are filling; 0: it has none. */
  countIn(block: Buffer): number
}

const PADDINGS: Readonly<Record<DesPadding, Padding>> = {
  /** A byte 80 (hex), then zeros. */
  iso7816_4: {
    fill(count) {
      const filling = Buffer.alloc(count)
      filling[0] = 0x80
      return filling
    },
    countIn(block) {
      const mark = block.findLastIndex((byte) => byte !== 0)
      return block[mark] === 0x80 ? block.length - mark : 0
    },
  },
  /** The number of filling bytes, so many times. */
  pkcs7: {
    fill: (count) => Buffer.alloc(count, count),
    countIn(block) {
      const count = block.at(-1)!
      if (count > block.length) return 0
      return block.subarray(-count).every((byte) => byte === count) ? count : 0
    },
  },
}

function paddingOf(what: string, padding: DesPadding): Padding {
  checkChoice(what, 'padding', padding, Object.keys(PADDINGS))
  return PADDINGS[padding]
}

const thrice = (key: Buffer): Buffer => Buffer.concat([key, key, key])

/**
 * Encrypt with DES. What it gives is a multiple of eight bytes, longer than `text`.
 *
 * @param key Eight bytes, of which DES uses 56 bits.
 * @throws {SkynetError} `ERR_CRYPT` a key of other than eight bytes.
 */
export function desEncode(key: Bytes, text: Bytes, padding: DesPadding = 'iso7816_4'): Buffer {
  const what = 'encrypt with DES'
  const { fill } = paddingOf(what, padding)
  const bytes = dataOf(what, 'text', text)
  const cipher = createCipheriv(CIPHER, thrice(keyOf(what, 'key', key)), null)
  cipher.setAutoPadding(false)
  const filling = fill(BLOCK_BYTES - (bytes.length % BLOCK_BYTES))
  return Buffer.concat([cipher.update(bytes), cipher.update(filling), cipher.final()])
}

/**
 * Decrypt what `desEncode` gave.
 *
 * @throws {SkynetError} `ERR_CRYPT` no whole blocks, another key or padding than it was encrypted
 * with, as far as the padding shows it; a key of other than eight bytes.
 */
export function desDecode(key: Bytes, data: Bytes, padding: DesPadding = 'iso7816_4'): Buffer {
  const what = 'decrypt with DES'
  const { countIn } = paddingOf(what, padding)
  const bytes = dataOf(what, 'data', data)
  const decipher = createDecipheriv(CIPHER, thrice(keyOf(what, 'key', key)), null)
  if (bytes.length === 0 || bytes.length % BLOCK_BYTES !== 0) {
    throw refused(what, `${bytes.length} bytes are no whole blocks of ${BLOCK_BYTES}`)
  }
  decipher.setAutoPadding(false)
  const text = Buffer.concat([decipher.update(bytes), decipher.final()])
  const count = countIn(text.subarray(-BLOCK_BYTES))
  if (count === 0) throw refused(what, 'it does not end as encrypted text does')
  return text.subarray(0, text.length - count)
}
