/** Timers of a wheel that just call a function, and a clock that only a test moves. */
import type { Clock } from '../base/clock.ts'
import { Timer } from '../kernel/timer.ts'
import { NO_TIMER } from '../kernel/timers.ts'
import type { Wheel } from '../kernel/wheel.ts'

/** Each with an owner of its own. */
export function setTimer(wheel: Wheel, dueMs: number, fire: () => void): Timer {
  const owner = { firstTimer: NO_TIMER, timerFired: () => fire() }
  return new Timer(wheel.timers, wheel.add(dueMs, owner))
}

/** Time stands still until the test says otherwise. */
export class VirtualClock implements Clock {
  #now: number

  constructor(now = 0) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  move(ms: number): void {
    this.#now += ms
  }
}
