/** What users of a timer hold. Nothing refers to it: it may be dropped. */
import type { Timers } from './timers.ts'

export class Timer {
  readonly #timers: Timers
  #index!: number
  #serial!: number

  /** @param index Of a pending timer; with NO_TIMER, one that is never pending. */
  constructor(timers: Timers, index: number) {
    this.#timers = timers
    this.renew(index)
  }

  /** @internal Stand for another timer from now on: the next of one that repeats. */
  renew(index: number): void {
    this.#index = index
    this.#serial = this.#timers.serialOf(index)
  }

  /** Still to come: neither fired nor cancelled. While its task runs: only if it repeats. */
  get pending(): boolean {
    return this.#timers.serialOf(this.#index) === this.#serial
  }

  /** It will not fire, nor repeat. Harmless when it has fired already, or is cancelled. */
  cancel(): void {
    if (this.pending) this.#timers.remove(this.#index)
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}
