/**
 * Has the process run, or was it stopped: by SIGSTOP, a debugger, with its machine? The socket
 * thread finds that out by its clock, which it looks at several times in each turn.
 *
 * A stop leaves less behind than a clock says. What came just before it has been read, and who is
 * to answer, on another thread, was stopped as well. So timeouts begin anew when the process goes
 * on. Lives on the socket thread.
 */
import type { Clock } from '../../base/clock.ts'
import { STOP_MS_MIN } from '../../base/limits.ts'

export class Running {
  readonly #clock: Clock
  #seenAt: number
  #wentOnAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
    this.#seenAt = clock.now()
  }

  /**
   * The time. Of all that passed since it was asked for last, what is no sleep was work, or a stop:
   * no work between two of these questions takes as long as a stop.
   *
   * @param sleepMs How long the thread may have slept since.
   */
  now(sleepMs = 0): number {
    const now = this.#clock.now()
    if (now - this.#seenAt - sleepMs >= STOP_MS_MIN) this.#wentOnAt = now
    this.#seenAt = now
    return now
  }

  /** Of a sleep of `ms`, the part before the next look at the clock: no stop hides in it. */
  sleepMs(ms: number): number {
    return Math.min(ms, STOP_MS_MIN)
  }

  /** What `now` said last. */
  get seenAt(): number {
    return this.#seenAt
  }

  /** When it was seen last, it had run for so long. */
  get forMs(): number {
    return this.#seenAt - this.#wentOnAt
  }

  /** The end of a time of `ms` that was to end at `at`: it begins anew when the process goes on. */
  endOf(at: number, ms: number): number {
    return Math.max(at, this.#wentOnAt + ms)
  }
}
