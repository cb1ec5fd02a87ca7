/**
 * The requests of one session that its client may still ask about: they run, or their answers are
 * not acknowledged. Knows no connection.
 *
 * Why each request runs once: a client numbers its requests from 1 on, and sends them in this
 * order. `take` says `run` for the number above all others only, and remembers it as `upTo`; a
 * number at or below `upTo` never runs again, whether its answer is kept or not.
 */
import type { SessionCounters } from './session-counters.ts'
import type { SessionLimits } from './session-limits.ts'

/** Its answer was given up: more bytes than are kept. */
const GONE = new Uint8Array(0)
/** It runs. */
type Running = 'asked' | 'quiet'

/** What is to be done with a request that comes. */
type Take = 'run' | 'runs' | 'send' | 'broken'

export class KeptAnswers {
  /** Highest number that has come. */
  upTo = 0
  readonly #counters: SessionCounters
  readonly #open = new Map<number, Running | Uint8Array>()
  readonly #window: number
  readonly #bytesMax: number
  #bytes = 0

  constructor(limits: SessionLimits, counters: SessionCounters) {
    this.#window = limits.window
    this.#bytesMax = limits.answerBytesMax
    this.#counters = counters
  }

  /** Numbers of requests that run, or whose answers are kept, ascending. */
  get open(): readonly number[] {
    return [...this.#open.keys()]
  }

  get count(): number {
    return this.#open.size
  }

  /** Bytes of the answers that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** A request has come: `run` it; it `runs`; `send` its answer again; or `broken`: it is none. */
  take(number: number, isQuiet: boolean): Take {
    if (number === this.upTo + 1) {
      if (this.#open.size >= this.#window) return 'broken'
      this.upTo = number
      this.#open.set(number, isQuiet ? 'quiet' : 'asked')
      return 'run'
    }
    const open = this.#open.get(number)
    if (open === undefined) return 'broken'
    return typeof open === 'string' ? 'runs' : 'send'
  }

  /** Does it run, and does anybody wait for it? Undefined: it does not run. */
  running(number: number): Running | undefined {
    const open = this.#open.get(number)
    return typeof open === 'string' ? open : undefined
  }

  /** It has run: keep the message that answers it. */
  keep(number: number, message: Uint8Array): void {
    this.#open.set(number, message)
    this.#bytes += message.length
    if (this.#bytes > this.#bytesMax) this.#giveUp(number)
  }

  /** The message that answers it; `gone`; or undefined: there is none. */
  message(number: number): Uint8Array | 'gone' | undefined {
    const open = this.#open.get(number)
    if (open === undefined || typeof open === 'string') return undefined
    return open === GONE ? 'gone' : open
  }

  /**
   * The client has all answers up to `upTo`, and those of `others`.
   *
   * @returns False: it cannot have them.
   */
  acknowledge(upTo: number, others: readonly number[]): boolean {
    if (upTo > this.upTo) return false
    for (const [number, open] of this.#open) {
      if (number > upTo) break
      if (typeof open === 'string') return false
      this.#forget(number, open)
    }
    for (const number of others) {
      const open = this.#open.get(number)
      if (typeof open === 'string' || number > this.upTo) return false
      // Acknowledged before, on a connection that was cut.
      if (open !== undefined) this.#forget(number, open)
    }
    return true
  }

  #forget(number: number, message: Uint8Array): void {
    this.#open.delete(number)
    this.#bytes -= message.length
  }

  /** The oldest answers, until the rest is small enough; of all that are kept the last at last. */
  #giveUp(newest: number): void {
    for (const [number, open] of this.#open) {
      if (typeof open === 'string' || number === newest) continue
      if (this.#bytes <= this.#bytesMax) return
      this.#replace(number, open)
    }
    const last = this.#open.get(newest)
    if (this.#bytes > this.#bytesMax && last instanceof Uint8Array) this.#replace(newest, last)
  }

  #replace(number: number, message: Uint8Array): void {
    if (message === GONE) return
    this.#open.set(number, GONE)
    this.#bytes -= message.length
    this.#counters.answersGone++
  }
}
