/** The timers of one worker. */
import { checkMs } from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import type { TimerOwner } from '../kernel/timers.ts'
import type { Wheel } from '../kernel/wheel.ts'

export interface TimersOptions {
  readonly clock: Clock
  readonly wheel: Wheel
  /** The worker may sleep: it has to wake up in time. */
  readonly scheduler: { timerAdded(due: number): void }
}

export class WorkerTimers {
  readonly #options: TimersOptions

  constructor(options: TimersOptions) {
    this.#options = options
  }

  get wheel(): Wheel {
    return this.#options.wheel
  }

  /**
   * Hand `task` to `owner` after `ms`. Returns the index of the timer.
   *
   * @throws {RangeError} When `ms` is no delay.
   */
  addTimer(ms: number, owner: TimerOwner, task?: unknown): number {
    checkMs('set a timer', 'ms', ms)
    return this.addTimerAt(this.#options.clock.now() + ms, owner, task)
  }

  /** The same at a time of the clock. */
  addTimerAt(due: number, owner: TimerOwner, task?: unknown): number {
    const { wheel, scheduler } = this.#options
    const timer = wheel.add(due, owner, task)
    scheduler.timerAdded(due)
    return timer
  }
}
