/** Randomness that can be repeated. */

/** Numbers in 0…1. */
export type Random = () => number

/** A whole number in 0…end-1. */
export const below = (random: Random, end: number): number => Math.floor(random() * end)

/** Numbers in 0…1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `SEED` of the environment repeats a run. */
export const seedOf = (): number => Number(process.env.SEED ?? Date.now() % 1_000_000_000)
