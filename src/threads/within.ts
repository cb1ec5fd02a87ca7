/** Waiting for something, but not for ever. */
import { clearTimeout, setTimeout } from '../base/event-loop.ts'

/**
 * The time is counted in so many parts, each of which begins when the one before is over. A process
 * that was stopped, or a thread that had no core, finds one part over when it goes on, and not all.
 */
const PARTS = 8

/** True when `work` was done in time. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    const wait = (parts: number): void => {
      if (parts === 0) resolve(false)
      else timer = setTimeout(wait, ms / PARTS, parts - 1)
    }
    wait(PARTS)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
