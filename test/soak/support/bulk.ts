/** Bytes that tell their place in a stream, as both ends know them. */

const ALPHABET = Buffer.from('abcdefghijklmnopqrstuvwxy\n')
const LONGEST = 256 * 1024
const stream = Buffer.alloc(LONGEST + ALPHABET.length, ALPHABET)

/** `length` bytes, at most 256 KiB, from `offset` on. Read only: they are shared. */
export function bulk(offset: number, length: number): Buffer {
  const from = offset % ALPHABET.length
  return stream.subarray(from, from + Math.min(length, LONGEST))
}
