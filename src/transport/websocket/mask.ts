/** Masks of client frames: four bytes that are added to the payload, bit by bit (RFC 6455, 5.3). */
import { randomFillSync } from 'node:crypto'

/** The memory that was looked at last: what comes one after the other lies in the same. */
let memory: ArrayBufferLike | undefined
let view: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0))

function viewOf(buffer: ArrayBufferLike): DataView {
  if (buffer !== memory) {
    memory = buffer
    view = new DataView(buffer)
  }
  return view
}

/** The mask as a word whose lowest byte is the first one, `by` bytes further on. */
export const rotated = (mask: number, by: number): number => {
  const bits = (by & 3) << 3
  return bits === 0 ? mask : (mask >>> bits) | (mask << (32 - bits))
}

/**
 * Mask, or unmask, `bytes` in their place, in words of 32 bits.
 *
 * @returns All bytes after that, or-ed. Below 0x80 in each: they are ASCII, see `isAscii`.
 */
export function mask(bytes: Buffer, from: number, to: number, word: number): number {
  const { byteOffset } = bytes
  const words = viewOf(bytes.buffer)
  const end = byteOffset + to
  let at = byteOffset + from
  let seen = 0
  for (const last = end - 4; at <= last; at += 4) {
    const four = words.getInt32(at, true) ^ word
    words.setInt32(at, four, true)
    seen |= four
  }
  for (let rest = word; at < end; at++, rest >>>= 8) {
    const one = words.getUint8(at) ^ (rest & 0xff)
    words.setUint8(at, one)
    seen |= one
  }
  return seen
}

export const isAscii = (seen: number): boolean => (seen & 0x80808080) === 0

const POOL_WORDS = 1024
let pool: Int32Array | undefined
let used = POOL_WORDS

/** One that nobody can foresee: what a client sends must not be chosen by who gives it its text. */
export function newMask(): number {
  if (used === POOL_WORDS) {
    pool ??= new Int32Array(POOL_WORDS)
    randomFillSync(pool)
    used = 0
  }
  return pool![used++]!
}
