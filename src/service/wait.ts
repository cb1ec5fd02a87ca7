/** A promise that somebody waits for in a service, and all the ways in which it can end. */

import { setMaxListeners } from 'node:events'
import { checkMs, checkOptions, checkSignal } from '../base/check.ts'
import { abortError } from '../base/errors.ts'
import { ListNode } from '../base/list.ts'
import { NO_TIMER, type TimerOwner } from '../kernel/timers.ts'
import type { Origin, Tracer } from './tasks.ts'

/** How long to wait, on everything that waits. */
export interface WaitOptions {
  /** Give up after this many milliseconds. 0 or absent: no limit of its own. */
  readonly timeoutMs?: number | undefined
  /** Give up when it aborts: rejects with `ABORT_ERR`, its cause the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** @throws `TypeError`, `RangeError` naming what is wrong with them. */
export function checkWait(what: string, options: WaitOptions): void {
  checkOptions(what, 'options', options)
  const { timeoutMs, signal } = options
  if (timeoutMs !== undefined) checkMs(what, 'timeoutMs', timeoutMs)
  checkSignal(what, signal)
}

/** What `checkWait` finds, to be rejected with also where nothing has to be waited for. */
export function wrongWait(what: string, options: WaitOptions | undefined): unknown {
  if (options === undefined) return undefined
  try {
    checkWait(what, options)
    return undefined
  } catch (error) {
    return error
  }
}

/** What a waiter needs of its service. */
export interface WaitHost {
  addWaiter(waiter: ListNode & { reject(error: unknown): void }): void
  removeWaiter(waiter: ListNode & { reject(error: unknown): void }): void
  addTimer(ms: number, owner: TimerOwner, task?: unknown): number
  cancelTimers(owner: TimerOwner): void
  /** Notes where waits begin; undefined: nobody asked for that. */
  readonly tracer?: Tracer | undefined
}

/**
 * Ends exactly once: with a value, an error, the timeout, the signal, or the end of its service.
 * `onEnd` runs then, whatever it was.
 */
export class Waiter<T> extends ListNode implements TimerOwner {
  readonly promise: Promise<T>
  firstTimer = NO_TIMER
  /** Number in the list of tasks; 0 until it is listed. */
  id = 0
  readonly origin: Origin | undefined
  readonly #host: WaitHost
  readonly #onTimeout: (timeoutMs: number) => Error
  #resolve!: (value: T | PromiseLike<T>) => void
  #reject: ((error: unknown) => void) | undefined
  #signal: AbortSignal | undefined
  #onAbort: (() => void) | undefined
  #onEnd: (() => void) | undefined
  #isOver = false

  constructor(
    host: WaitHost,
    options: WaitOptions | undefined,
    onTimeout: (timeoutMs: number) => Error,
    onEnd?: () => void,
  ) {
    super()
    this.#host = host
    this.#onTimeout = onTimeout
    this.#onEnd = onEnd
    this.origin = host.tracer?.origin()
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (this.#reject === undefined) {
      // The stack ended in there: the promise has rejected with that already.
      this.#isOver = true
      return
    }
    host.addWaiter(this)
    if (options !== undefined) this.#limit(options)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** What would be said if it took too long says what is waited for, too. */
  get about(): Error {
    return this.#onTimeout(0)
  }

  resolve(value: T): void {
    if (this.#isOver) return
    this.#resolve(value)
    this.#end()
  }

  reject(error: unknown): void {
    if (this.#isOver) return
    this.#reject!(error)
    this.#end()
  }

  /** Called by the wheel, with the limit that has passed; or without: it was to last so long. */
  timerFired(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined) this.resolve(undefined as T)
    else this.reject(this.#onTimeout(timeoutMs))
  }

  #limit(options: WaitOptions): void {
    const wrong = wrongWait('wait', options)
    if (wrong !== undefined) {
      this.reject(wrong)
      return
    }
    const { timeoutMs, signal } = options
    if (signal !== undefined) {
      if (signal.aborted) {
        this.reject(abortError(signal))
        return
      }
      this.#signal = signal
      this.#onAbort = () => this.reject(abortError(signal))
      // Many waits share one signal: that is no leak, so let nobody warn of one.
      setMaxListeners(0, signal)
      signal.addEventListener('abort', this.#onAbort, { once: true })
    }
    if (timeoutMs !== undefined && timeoutMs > 0) this.#host.addTimer(timeoutMs, this, timeoutMs)
  }

  /**
   * The stack may end at each call in here: whatever was not done is done when the waiter is told
   * again, and the end of its service tells all that are in its list.
   */
  #end(): void {
    if (this.firstTimer !== NO_TIMER) this.#host.cancelTimers(this)
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#onEnd?.()
    this.#host.removeWaiter(this)
    this.#isOver = true
  }
}
