/** Keeps one sender to the pace of its receiver, another service: what is under way is bounded. */
import {
  PACE_BYTES,
  PACE_MESSAGES,
  PACE_NOTICE_MS,
  PACE_PAUSE_MS,
  PACE_PAUSE_MS_MAX,
  PACE_UNFINISHED_MAX,
} from '../base/limits.ts'
import { askTaking } from '../service/inbox.ts'
import type { OrderingHost } from '../service/ordering.ts'

/** What a pace needs of the service that sends. */
export interface PaceHost {
  readonly service: OrderingHost
  sleep(ms: number): Promise<unknown>
  /** How many senders share that receiver, as far as is known. */
  sharersOf(receiver: number): number
  /** A sender waits for long, as so many handlers are not done. */
  isHeld(receiver: number, unfinished: number): void
}

export class Pace {
  readonly #host: PaceHost
  /** Handle of the receiver. */
  readonly #to: number
  /** Of what was sent behind the last question. */
  #messages = 0
  #bytes = 0
  /** Until the receiver has handled what was sent before the question. */
  #asked: Promise<void> | undefined

  constructor(host: PaceHost, to: number) {
    this.#host = host
    this.#to = to
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

  async #ask(): Promise<void> {
    try {
      await this.#untilFew()
    } catch {
      // One of the two has ended.
    }
    this.#asked = undefined
  }

  /** Handlers that wait for others are as good as messages that wait. */
  async #untilFew(): Promise<void> {
    const { service } = this.#host
    let pauseMs = PACE_PAUSE_MS
    let toNoticeMs = PACE_NOTICE_MS
    for (;;) {
      const unfinished = await askTaking(service, this.#to)
      if (unfinished <= this.#host.sharersOf(this.#to) * PACE_UNFINISHED_MAX) return
      if (toNoticeMs > 0 && toNoticeMs <= pauseMs) this.#host.isHeld(this.#to, unfinished)
      toNoticeMs -= pauseMs
      await this.#host.sleep(pauseMs)
      pauseMs = Math.min(pauseMs * 2, PACE_PAUSE_MS_MAX)
    }
  }
}
