/**
 * Timers that the runtime sets for a service, and not its code: they are no task of it, stand in no
 * profile, and keep nobody from seeing what its setup waits for. They end with the service.
 */
import { Timer } from '../kernel/timer.ts'
import { NO_TIMER, type TimerOwner } from '../kernel/timers.ts'
import type { Wheel } from '../kernel/wheel.ts'

/** What OwnTimers need of their worker. */
export interface OwnTimersHost {
  readonly wheel: Wheel
  addTimer(ms: number, owner: TimerOwner, task: () => void): number
}

export class OwnTimers implements TimerOwner {
  firstTimer = NO_TIMER
  readonly #host: OwnTimersHost

  constructor(host: OwnTimersHost) {
    this.#host = host
  }

  /** Run `task` after `ms`. It runs no code of a user. */
  set(ms: number, task: () => void): Timer {
    return new Timer(this.#host.wheel.timers, this.#host.addTimer(ms, this, task))
  }

  /** Called by the wheel. */
  timerFired(task: () => void): void {
    task()
  }

  end(): void {
    this.#host.wheel.cancelAll(this)
  }
}
