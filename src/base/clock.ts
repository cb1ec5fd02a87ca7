/** Time is handed in, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the node started, with fractions. It never goes back. */
  now(): number
  /** True: it moves only when it is told to, so that no timer of the system can follow it. */
  readonly isManual?: boolean
}

/**
 * @param startedAt `performance.timeOrigin + performance.now()` at the start of the node: threads
 * have time origins of their own, and share this one.
 */
export function realClock(startedAt: number): Clock {
  // The global is a getter: asked once, each reading costs a sixth less.
  const source = performance
  const shift = source.timeOrigin - startedAt
  return { now: () => source.now() + shift }
}
