/**
 * One block of MD5, and nothing around it: Skynet takes that for its hmac64, and `node:crypto` has
 * MD5 as a whole only.
 */

const STEPS = 64
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const
/** Of each step: the sine of its number, in 32 bits. */
const SINES = Int32Array.from(
  { length: STEPS },
  (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32) | 0,
)

/** The state after one block of 16 words, begun as MD5 begins. What it began with is not added. */
export function md5Block(words: Int32Array): [a: number, b: number, c: number, d: number] {
  let a = 0x67452301 | 0
  let b = 0xefcdab89 | 0
  let c = 0x98badcfe | 0
  let d = 0x10325476 | 0
  for (let step = 0; step < STEPS; step++) {
    const round = step >> 4
    const mixed = (a + mix(round, b, c, d) + SINES[step]! + words[wordOf(round, step)]!) | 0
    const shift = SHIFTS[round]![step & 3]!
    a = d
    d = c
    c = b
    b = (b + ((mixed << shift) | (mixed >>> (32 - shift)))) | 0
  }
  return [a, b, c, d]
}

function mix(round: number, b: number, c: number, d: number): number {
  if (round === 0) return (b & c) | (~b & d)
  if (round === 1) return (d & b) | (~d & c)
  if (round === 2) return b ^ c ^ d
  return c ^ (b | ~d)
}

function wordOf(round: number, step: number): number {
  if (round === 0) return step
  if (round === 1) return (5 * step + 1) & 15
  if (round === 2) return (3 * step + 5) & 15
  return (7 * step) & 15
}
