/**
 * How a thread of this process has had its turns on a core, as Linux counts them: what waits for a
 * core holds nothing, though it does not come back either. Other systems do not tell.
 */
import { readFileSync } from 'node:fs'

/** So late the system may be to count what a thread runs. */
const TICK_MS_MAX = 10

export interface Turns {
  /** For how long it ran, and for how long it waited for a core, in milliseconds since it began. */
  readonly ranMs: number
  readonly waitedMs: number
  /** It runs, or waits for a core: it is not inside a system call that takes time. */
  readonly isRunnable: boolean
}

/** @param threadId As the thread has told it; 0: unknown. */
export function turnsOf(threadId: number): Turns | undefined {
  if (threadId === 0) return undefined
  try {
    const folder = `/proc/self/task/${threadId}`
    const [ran, waited] = readFileSync(`${folder}/schedstat`, 'latin1').split(' ').map(Number)
    // A kernel that does not count says 0 for ever.
    if (!ran || waited === undefined) return undefined
    // `123 (name) R …`, where the name may hold anything.
    const state = readFileSync(`${folder}/stat`, 'latin1').replace(/^.*\) /s, '')
    return { ranMs: ran / 1e6, waitedMs: waited / 1e6, isRunnable: state.startsWith('R') }
  } catch {
    return undefined
  }
}

/**
 * How much of a look's period a thread held its worker, 0..1, when it did not come back meanwhile:
 * it ran, or was inside a system call.
 *
 * @param elapsedMs How long ago the look before was.
 */
export function heldShare(
  periodMs: number,
  elapsedMs: number,
  before: Turns | undefined,
  after: Turns | undefined,
): number {
  // The process was stopped, or this thread had no core: nobody knows what the other one would have
  // done, and only what it ran counts.
  const isLate = elapsedMs > 2 * periodMs
  if (before === undefined || after === undefined) return isLate ? 0 : 1
  const ranMs = after.ranMs - before.ranMs
  const waitedMs = after.waitedMs - before.waitedMs
  // The system counts a wait when it is over: of one who may be waiting only what he ran is known.
  const unknownMs = elapsedMs - ranMs - waitedMs
  const mayWait = after.isRunnable && (ranMs === 0 || unknownMs > TICK_MS_MAX)
  const heldMs = isLate || mayWait ? ranMs : elapsedMs - waitedMs
  return Math.min(1, Math.max(0, heldMs / periodMs))
}
