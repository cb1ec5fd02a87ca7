/**
 * How long the code of one service has held its worker. Only what runs at once is measured: a
 * handler or a task up to its first `await`. What comes behind runs between those of others, when a
 * promise says so, and nobody could tell whose it is but at a cost for every `await`.
 */
import { monotonicNow } from '../base/event-loop.ts'
import type { OrderAbout, Orders } from './orders.ts'

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

/** Of one service, or of all that are here and those to come: handle 0. */
export interface ProfileOrder extends OrderAbout {
  readonly order: 'profile'
  readonly isOn: boolean
}

interface Profiled {
  setProfile(isOn: boolean): void
}

/** What the orders need of the worker that takes them. */
export interface ProfileHost {
  /** Services begin with their profile on. */
  readonly launching: { isProfiled: boolean }
  find(handle: number): Profiled | undefined
  all(): Iterable<Profiled>
}

export function addProfileOrders(orders: Orders, host: ProfileHost): void {
  orders.add<ProfileOrder>('profile', (_message, { handle, isOn }) => {
    if (handle === 0) {
      host.launching.isProfiled = isOn
      for (const service of host.all()) service.setProfile(isOn)
      return true
    }
    const service = host.find(handle)
    service?.setProfile(isOn)
    return service !== undefined
  })
}
