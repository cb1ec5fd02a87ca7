import { monotonicNow, timeOrigin } from './event-loop.ts'

/** Time is handed in, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the node started, with fractions. It never goes back. */
  now(): number
  /** True: it moves only when it is told to, so that no timer of the system can follow it. */
  readonly isManual?: boolean
}

/**
 * @param startedAt `epochNow()` at the start of the node: threads have time origins of their own,
 * and share this one.
 */
export function realClock(startedAt: number): Clock {
  const shift = timeOrigin - startedAt
  return { now: () => monotonicNow() + shift }
}
