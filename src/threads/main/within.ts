/** Waiting for something, but not for ever. */
import { clearTimeout, setTimeout } from '../../base/event-loop.ts'

/**
 * The time is counted in so many parts, each of which begins when the one before is over. A process
 * that was stopped, or a thread that had no core, finds one part over when it goes on, and not all.
 */
const PARTS = 8

/** True when `work` was done in time. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let cancel = (): void => {}
  const late = new Promise<boolean>((resolve) => {
    cancel = inParts(ms, () => resolve(false))
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    cancel()
  }
}

/** Resolves after so many milliseconds in which the process ran. */
export function ranFor(ms: number): Promise<void> {
  return new Promise((resolve) => void inParts(ms, resolve))
}

/** Hold this thread until the first cell is not 0 any more, and was notified; or for `ms`. */
export function holdWithin(ms: number, cell: Int32Array): void {
  for (let part = 0; part < PARTS; part++) {
    if (Atomics.wait(cell, 0, 0, ms / PARTS) !== 'timed-out') return
  }
}

/** @returns Ends it. */
function inParts(ms: number, over: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (left: number, parts: number): void => {
    // A timer of Node.js leaves fractions out: of parts alike the whole would be too short.
    const part = Math.ceil(left / parts)
    timer = setTimeout(() => (left > part ? wait(left - part, parts - 1) : over()), part)
  }
  wait(ms, PARTS)
  return () => clearTimeout(timer)
}
