/** Keep a load up for its time, and count what was completed in it. */
import type { Measure } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'

export interface Loop {
  /** Counts up. */
  readonly completed: number
  runFor(seconds: number): void
}

/** A machine that is busy may need longer than was given for the first one. */
const MORE_SECONDS = 0.01

/** @param run What is measured. Default: the loop, for `seconds`. */
export function measured(
  loop: Loop,
  { seconds, warmSeconds }: Pace,
  run = (): void => loop.runFor(seconds),
): Measure {
  loop.runFor(warmSeconds)
  const before = loop.completed
  const startedAt = performance.now()
  run()
  while (loop.completed === before) loop.runFor(MORE_SECONDS)
  const completed = loop.completed - before
  return { completed, value: (completed * 1000) / (performance.now() - startedAt) }
}
