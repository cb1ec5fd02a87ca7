/** A run by its seed; and of one that fails, the steps that are needed for it. */
import { run, STEPS_MAX } from './schedule.ts'
import { clearMemory } from './world.ts'

const STEPS = Array.from({ length: STEPS_MAX }, (_, index) => index)

/** @throws The first promise that was broken, with the steps that led there. */
export function simulate(seed: number): void {
  try {
    run(seed)
  } catch (error) {
    const { message } = error as Error
    const steps = shorten(seed, message)
    const trace: string[] = []
    const again = failureOf(seed, steps, trace)
    const lines = [
      message,
      `SKYNET_SEED=${seed} npm test -- test/long/socket-simulation.test.ts`,
      `${steps.length} steps are enough for it:`,
      ...trace,
      again?.stack ?? '',
    ]
    throw new Error(lines.join('\n  '), { cause: error })
  }
}

/** Leave out halves, quarters, … and single steps, as long as the same failure comes. */
function shorten(seed: number, message: string): readonly number[] {
  let kept = STEPS
  for (let size = STEPS_MAX >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < kept.length; ) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)]
      const error = failureOf(seed, fewer)
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

function failureOf(seed: number, kept: readonly number[], trace?: string[]): Error | undefined {
  clearMemory()
  try {
    run(seed, new Set(STEPS.filter((index) => !kept.includes(index))), trace)
    return undefined
  } catch (error) {
    return error as Error
  } finally {
    clearMemory()
  }
}
