/** What may happen to bytes on the way from a peer that is broken, or hostile. */
import { below, type Random } from './seed.ts'

/** Numbers that are the first or the last of their kind: lengths are set to them. */
const EXTREMES = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
]
const RUN_MAX = 200
const PLACES = [1, 2, 4, 8] as const

type Spoil = (bytes: Buffer, random: Random, other: () => Buffer) => Buffer

/** The same bytes with `size` of them from `at` on replaced. */
function replaced(bytes: Buffer, at: number, size: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + size)])
}

function extreme(random: Random): Buffer {
  const size = PLACES[below(random, PLACES.length)]!
  const value = BigInt(EXTREMES[below(random, EXTREMES.length)]!)
  const number = Buffer.alloc(8)
  // Cut to the size; of 8 bytes the upper four are all ones or all zeros.
  number.writeBigUInt64LE(BigInt.asUintN(64, random() < 0.3 ? BigInt.asIntN(32, value) : value))
  const bytes = number.subarray(0, size)
  return random() < 0.5 ? bytes : Buffer.from(bytes.toReversed())
}

const place = (bytes: Buffer, random: Random): number => below(random, bytes.length + 1)

const SPOILS: readonly Spoil[] = [
  // a bit, a byte
  (bytes, random) => {
    const changed = Buffer.from(bytes)
    if (bytes.length > 0) changed[below(random, bytes.length)]! ^= 1 << below(random, 8)
    return changed
  },
  (bytes, random) => {
    const changed = Buffer.from(bytes)
    if (bytes.length > 0) changed[below(random, bytes.length)] = below(random, 256)
    return changed
  },
  // cut at the end, cut out, twice the same
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
  (bytes, random) => replaced(bytes, place(bytes, random), below(random, 8), Buffer.alloc(0)),
  (bytes, random) => {
    const from = place(bytes, random)
    return replaced(bytes, from, 0, bytes.subarray(from, from + below(random, 16)))
  },
  // a length: over what is there, or between
  (bytes, random) => {
    const number = extreme(random)
    return replaced(bytes, place(bytes, random), number.length, number)
  },
  (bytes, random) => replaced(bytes, place(bytes, random), 0, extreme(random)),
  // one byte, many times: what nests is opened again and again
  (bytes, random) => {
    const byte = bytes[below(random, bytes.length)] ?? below(random, 256)
    return replaced(bytes, place(bytes, random), 0, Buffer.alloc(below(random, RUN_MAX), byte))
  },
  // the begin of one, the end of another one
  (bytes, random, other) => {
    const end = other()
    return Buffer.concat([
      bytes.subarray(0, place(bytes, random)),
      end.subarray(place(end, random)),
    ])
  },
  // anything
  (_, random) => Buffer.from(Array.from({ length: below(random, 64) }, () => below(random, 256))),
]

/** How many things happen to the same bytes, at most. */
const SPOILS_MAX = 4

/** Bytes as `make` gives them, or spoiled once or a few times; one in sixteen is left as it is. */
export function spoiled(make: (random: Random) => Buffer, random: Random): Buffer {
  let bytes = make(random)
  if (below(random, 16) === 0) return bytes
  for (let left = 1 + below(random, SPOILS_MAX); left > 0; left--) {
    bytes = SPOILS[below(random, SPOILS.length)]!(bytes, random, () => make(random))
  }
  return bytes
}

/** Chunks of the same bytes: single ones, or of random sizes. */
export function chunked(bytes: Buffer, random: Random): Buffer[] {
  const sizeMax = random() < 0.3 ? 1 : 1 + below(random, bytes.length + 1)
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + below(random, sizeMax)
    chunks.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  return chunks
}

/** Bytes that a parser may have to look behind, to find what ends them. */
const DULL = [0x20, 0x09, 0x0a, 0x0d, 0x00, 0x30, 0x22, 0x28, 0x5b, 0x80, 0xff]

/**
 * The same with something in it again and again, up to so many bytes: one of a few, or all of them.
 * A longer one of the same seed has more of the same.
 */
export function stretched(bytes: Buffer, length: number, random: Random): Buffer {
  const at = place(bytes, random)
  const kind = below(random, 4)
  const dull = Buffer.of(DULL[below(random, DULL.length)]!)
  const some = bytes.subarray(at, at + 1 + below(random, 8))
  const again = [dull, some, bytes, bytes.subarray(at, at + 1)][kind]!
  const unit = again.length === 0 ? dull : again
  // Alone, or between what there was.
  const around = random() < 0.3 ? Buffer.alloc(0) : bytes
  const run = Buffer.alloc(Math.max(0, length - around.length), unit)
  return replaced(around, Math.min(at, around.length), 0, run)
}
