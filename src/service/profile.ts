/**
 * How long the code of one service has held its worker. Only what runs at once is measured: a
 * handler or a task up to its first `await`. What comes behind runs between those of others, when a
 * promise says so, and nobody could tell whose it is but at a cost for every `await`.
 */
import { monotonicNow } from '../base/event-loop.ts'
export class Profile {
  #ms = 0
  /** When the code began that runs now. */
  #since = 0
  #isRunning = false

  /** Milliseconds so far, of all that is over. */
  get ms(): number {
    return this.#ms
  }

  /** Milliseconds since the code began that runs now; 0: none does. */
  get current(): number {
    return this.#isRunning ? monotonicNow() - this.#since : 0
  }

  /** Run `task` and count its time: once, also of one within another. */
  measure<T>(task: () => T): T {
    if (this.#isRunning) return task()
    this.#isRunning = true
    this.#since = monotonicNow()
    try {
      return task()
    } finally {
      this.#ms += this.current
      this.#isRunning = false
    }
  }
}
