/** Keep a load up for its time, and count what was completed in it. */
import type { Measure } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'

export interface Loop {
  /** Counts up. */
  readonly completed: number
  runFor(seconds: number): void
}

export function measured(loop: Loop, { seconds, warmSeconds }: Pace): Measure {
  loop.runFor(warmSeconds)
  const before = loop.completed
  const startedAt = performance.now()
  loop.runFor(seconds)
  const completed = loop.completed - before
  return { completed, value: (completed * 1000) / (performance.now() - startedAt) }
}
