/**
 * Numbers that a peer has chosen as the keys of one `Map`. V8 finds the place of a number by a sum
 * that everybody knows: a peer may choose them so that all are in one place, and then each is
 * compared with all before it. Texts are no such keys: their places are other ones in each process.
 */
import { CODEC_CROWD_MAX } from '../base/limits.ts'

/** What is wrong with a map whose keys `add` refuses. */
export const CROWDED = 'too many keys in one place of a map: they were chosen to slow us down'

/** The first so many are not looked at: whatever they are, they cost little. */
const FREE = 64
const U32 = 2 ** 32

const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const HIGH = isLittleEndian ? 1 : 0

export class NumberKeys {
  #count = 0
  /** Of all but the first ones: a power of two of them. */
  #hashes: Uint32Array | undefined
  /** How many are in each place; half as many places as hashes, as in V8. */
  #places: Uint8Array | undefined

  /**
   * One that is no number does not count.
   *
   * @returns False: too many of them are in one place.
   */
  add(key: unknown): boolean {
    if (typeof key !== 'number' && typeof key !== 'bigint') return true
    const at = this.#count - FREE
    this.#count++
    if (at < 0) return true
    const hash = numberHash(key)
    if (at === (this.#hashes?.length ?? 0)) this.#grow()
    this.#hashes![at] = hash
    return this.#put(hash)
  }

  #put(hash: number): boolean {
    const places = this.#places!
    const place = hash & (places.length - 1)
    places[place]!++
    return places[place]! <= CODEC_CROWD_MAX
  }

  #grow(): void {
    const old = this.#hashes
    const size = old === undefined ? FREE * 2 : old.length * 2
    this.#hashes = new Uint32Array(size)
    this.#places = new Uint8Array(size / 2)
    if (old === undefined) return
    this.#hashes.set(old)
    for (const hash of old) this.#put(hash)
  }
}

/** The sum by which V8 finds the place of a key: number-keys.test.ts sees whether it still is. */
export function numberHash(key: number | bigint): number {
  if (typeof key === 'bigint') {
    const size = key < 0n ? -key : key
    return size === 0n ? 0 : wide(Number((size >> 32n) & 0xffffffffn), Number(size & 0xffffffffn))
  }
  if ((key | 0) === key) return narrow(key | 0)
  double[0] = key
  return wide(halves[HIGH]!, halves[1 - HIGH]!)
}

function narrow(key: number): number {
  let hash = (~key + (key << 15)) | 0
  hash ^= hash >>> 12
  hash = (hash + (hash << 2)) | 0
  hash ^= hash >>> 4
  hash = Math.imul(hash, 2057)
  return (hash ^ (hash >>> 16)) & 0x3fffffff
}

/** The same for 64 bits, of which each step has both halves. */
function wide(keyHigh: number, keyLow: number): number {
  // hash = ~key + (key << 18)
  let sum = ((keyLow << 18) >>> 0) + (~keyLow >>> 0)
  let high = (((keyHigh << 18) | (keyLow >>> 14)) + ~keyHigh + (sum >= U32 ? 1 : 0)) | 0
  let low = sum | 0
  // hash ^= hash >> 31
  low ^= (high << 1) | (low >>> 31)
  high ^= high >>> 31
  // hash *= 21
  sum = (low >>> 0) * 21
  high = (Math.imul(high, 21) + Math.floor(sum / U32)) | 0
  low = sum | 0
  // hash ^= hash >> 11
  low ^= (low >>> 11) | (high << 21)
  high ^= high >>> 11
  // hash += hash << 6
  sum = ((low << 6) >>> 0) + (low >>> 0)
  high = (((high << 6) | (low >>> 26)) + high + (sum >= U32 ? 1 : 0)) | 0
  low = sum | 0
  // hash ^= hash >> 22
  return (low ^ ((low >>> 22) | (high << 10))) & 0x3fffffff
}
