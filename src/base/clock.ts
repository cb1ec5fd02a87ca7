/** Time is handed in, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the node started, with fractions. It never goes back. */
  now(): number
}

/**
 * @param startedAt `performance.timeOrigin + performance.now()` at the start of the node: threads
 * have time origins of their own, and share this one.
 */
export function realClock(startedAt: number): Clock {
  const shift = performance.timeOrigin - startedAt
  return { now: () => performance.now() + shift }
}
