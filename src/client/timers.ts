/**
 * Timers of the page or of Node.js, as they were when this file was loaded: a test of a user that
 * mocks the globals must not stop its client. `base` has the same, which needs Node.js.
 */
const { clearTimeout, performance: clock, queueMicrotask, setTimeout } = globalThis

/** Milliseconds since 1970, of a clock that never goes back. */
export const steadyNow = (): number => clock.timeOrigin + clock.now()

/** @returns What takes it back. Browsers want these functions to be called as no members. */
export function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}

/** Throws it where nobody can catch it: pages and processes have a place for such errors. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
