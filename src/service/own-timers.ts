/**
 * Timers that the runtime sets for a service, and not its code: they are no task of it, stand in no
 * profile, and keep nobody from seeing what its setup waits for. They end with the service.
 */
import { Timer } from '../kernel/timer.ts'
import { NO_TIMER, type TimerOwner } from '../kernel/timers.ts'
import type { Runtime } from './runtime.ts'

export class OwnTimers implements TimerOwner {
  firstTimer = NO_TIMER
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Run `task` after `ms`. It runs no code of a user. */
  set(ms: number, task: () => void): Timer {
    return new Timer(this.#runtime.options.wheel.timers, this.#runtime.addTimer(ms, this, task))
  }

  /** Called by the wheel. */
  timerFired(task: () => void): void {
    task()
  }

  end(): void {
    this.#runtime.options.wheel.cancelAll(this)
  }
}
