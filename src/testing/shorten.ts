/** Runs of a simulation by their seeds; and of one that fails, the steps that are needed for it. */

const LINES_MAX = 200

/** One kind of simulated runs. */
export interface SeededRuns {
  /** Each run has so many steps at most, numbered from 0. */
  readonly stepsMax: number
  /** The test that makes one run again by `SKYNET_SEED`. */
  readonly test: string
  /**
   * @param skipped Steps to leave out.
   * @param trace Gets a line for whatever happens.
   * @throws When a promise was broken.
   */
  run(seed: number, skipped: ReadonlySet<number>, trace?: string[]): void
}

/** @throws The first promise that was broken, with the steps that led there. */
export function runSeed(runs: SeededRuns, seed: number): void {
  try {
    runs.run(seed, new Set())
  } catch (error) {
    const { message } = error as Error
    const kept = shorten(runs, seed, message)
    const trace: string[] = []
    const again = failureOf(runs, seed, kept, trace)
    const lines = [
      message,
      `SKYNET_SEED=${seed} npm test -- ${runs.test}`,
      `${kept.length} steps are enough for it:`,
      ...trace.slice(-LINES_MAX),
      again?.stack ?? '',
    ]
    throw new Error(lines.join('\n  '), { cause: error })
  }
}

/** The first seed from `first` on whose run breaks a promise; undefined: none of `count` does. */
export function findBrokenSeed(runs: SeededRuns, first: number, count: number): number | undefined {
  for (let seed = first; seed < first + count; seed++) {
    if (failureOf(runs, seed, allSteps(runs)) !== undefined) return seed
  }
  return undefined
}

const allSteps = ({ stepsMax }: SeededRuns): number[] =>
  Array.from({ length: stepsMax }, (_, index) => index)

/** Leave out halves, quarters, … and single steps, as long as the same failure comes. */
function shorten(runs: SeededRuns, seed: number, message: string): readonly number[] {
  let kept = allSteps(runs)
  for (let size = runs.stepsMax >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < kept.length; ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)]
      const error = failureOf(runs, seed, fewer)
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
  runs: SeededRuns,
  seed: number,
  kept: readonly number[],
  trace?: string[],
): Error | undefined {
  try {
    runs.run(seed, new Set(allSteps(runs).filter((index) => !kept.includes(index))), trace)
    return undefined
  } catch (error) {
    return error as Error
  }
}
