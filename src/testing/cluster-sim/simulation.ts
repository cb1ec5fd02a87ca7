/** A run of a simulated cluster by its seed; and of one that fails, the steps that it needs. */
import { CLUSTER_STEPS_MAX, runCluster } from './schedule.ts'
import { REAL, type Variant } from './variants.ts'

const ALL_STEPS = Array.from({ length: CLUSTER_STEPS_MAX }, (_, index) => index)
const LINES_MAX = 200

/** @throws The first promise that was broken, with the steps that led there. */
export function simulateCluster(seed: number, variant: Variant = REAL): void {
  try {
    runCluster(seed, variant)
  } catch (error) {
    const { message } = error as Error
    const steps = shorten(seed, variant, message)
    const trace: string[] = []
    const again = failureOf(seed, variant, steps, trace)
    const lines = [
      message,
      `SKYNET_SEED=${seed} npm test -- test/long/cluster-simulation.test.ts`,
      `${steps.length} steps are enough for it:`,
      ...trace.slice(-LINES_MAX),
      again?.stack ?? '',
    ]
    throw new Error(lines.join('\n  '), { cause: error })
  }
}

/** The seed of the first run from `first` on that finds out; undefined: none of `runs` does. */
export function findBroken(variant: Variant, first: number, runs: number): number | undefined {
  for (let seed = first; seed < first + runs; seed++) {
    if (failureOf(seed, variant, ALL_STEPS) !== undefined) return seed
  }
  return undefined
}

/** Leave out halves, quarters, … and single steps, as long as the same failure comes. */
function shorten(seed: number, variant: Variant, message: string): readonly number[] {
  let kept = ALL_STEPS
  for (let size = CLUSTER_STEPS_MAX >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < kept.length; ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)]
      const error = failureOf(seed, variant, fewer)
      if (error !== undefined && isSame(error.message, message)) kept = fewer
      else at += size
    }
  }
  return kept
}

/** Numbers in the text change when steps are left out. */
function isSame(one: string, other: string): boolean {
  return one.replace(/\d+/g, '#') === other.replace(/\d+/g, '#')
}

function failureOf(
  seed: number,
  variant: Variant,
  kept: readonly number[],
  trace?: string[],
): Error | undefined {
  try {
    runCluster(seed, variant, new Set(ALL_STEPS.filter((index) => !kept.includes(index))), trace)
    return undefined
  } catch (error) {
    return error as Error
  }
}
