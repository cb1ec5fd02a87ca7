/** Keeps one sender to the pace of its receiver, another service: what is under way is bounded. */
import {
  PACE_BYTES,
  PACE_MESSAGES,
  PACE_PAUSE_MS,
  PACE_PAUSE_MS_MAX,
  PACE_UNANSWERED_MAX,
} from '../base/limits.ts'
import { askTaking } from '../service/inbox.ts'
import type { OrderingHost } from '../service/ordering.ts'

export class Pace {
  /** Who sends. */
  readonly #service: OrderingHost
  /** Handle of the receiver. */
  readonly #to: number
  readonly #sleep: (ms: number) => Promise<unknown>
  /** How many senders share it, as far as is known. */
  readonly #sharers: () => number
  /** Of what was sent behind the last question. */
  #messages = 0
  #bytes = 0
  /** Until the receiver has handled what was sent before the question. */
  #asked: Promise<void> | undefined

  constructor(
    service: OrderingHost,
    to: number,
    sleep: (ms: number) => Promise<unknown>,
    sharers: () => number,
  ) {
    this.#service = service
    this.#to = to
    this.#sleep = sleep
    this.#sharers = sharers
  }

  /**
   * A message was sent. Undefined: go on. Else wait for it before the next one: the receiver has
   * not handled what came two windows before. At its end nobody waits any more.
   */
  sent(bytes: number): Promise<void> | undefined {
    this.#messages++
    this.#bytes += bytes
    if (this.#messages < PACE_MESSAGES && this.#bytes < PACE_BYTES) return undefined
    if (this.#asked !== undefined) return this.#asked
    this.#messages = 0
    this.#bytes = 0
    this.#asked = this.#ask()
    return undefined
  }

  /** Handlers that wait for others are as good as messages that wait. */
  get #mostUnanswered(): number {
    return this.#sharers() * PACE_UNANSWERED_MAX
  }

  async #ask(): Promise<void> {
    try {
      let pauseMs = PACE_PAUSE_MS
      while ((await askTaking(this.#service, this.#to)) > this.#mostUnanswered) {
        await this.#sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, PACE_PAUSE_MS_MAX)
      }
    } catch {
      // One of the two has ended.
    }
    this.#asked = undefined
  }
}
