/** When something was said, for all instances of `clusterd` that a node has one after the other. */
import { epochNow } from '../base/event-loop.ts'

/** More than what a number loses of the milliseconds since 1970. */
const STEP_MS = 1 / 1024

export class Stamps {
  #last = 0

  /** Later than all before. */
  next(): number {
    this.#last = Math.max(epochNow(), this.#last + STEP_MS)
    return this.#last
  }

  /** Another instance gave that one. */
  seen(stamp: number): void {
    if (stamp > this.#last) this.#last = stamp
  }
}
