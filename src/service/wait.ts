/** A promise that somebody waits for in a service, and all the ways in which it can end. */

import { setMaxListeners } from 'node:events'
import { checkMs, checkSignal } from '../base/check.ts'
import { abortError } from '../base/errors.ts'
import { ListNode } from '../base/list.ts'
import type { TimerNode } from '../kernel/wheel.ts'

/** How long to wait, on everything that waits. */
export interface WaitOptions {
  /** Give up after this many milliseconds. 0 or absent: no limit of its own. */
  readonly timeoutMs?: number | undefined
  /** Give up when it aborts: rejects with `ABORT_ERR`, its cause the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** What a waiter needs of its service. */
export interface WaitHost {
  addWaiter(waiter: ListNode & { reject(error: unknown): void }): void
  removeWaiter(waiter: ListNode & { reject(error: unknown): void }): void
  addTimer(ms: number, fire: () => void): TimerNode
}

/**
 * Ends exactly once: with a value, an error, the timeout, the signal, or the end of its service.
 * `onEnd` runs then, whatever it was.
 */
export class Waiter<T> extends ListNode {
  readonly promise: Promise<T>
  readonly #host: WaitHost
  #resolve!: (value: T | PromiseLike<T>) => void
  #reject!: (error: unknown) => void
  #timer: TimerNode | undefined
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
    this.#onEnd = onEnd
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    host.addWaiter(this)
    if (options !== undefined) this.#limit(options, onTimeout)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  resolve(value: T): void {
    if (this.#end()) this.#resolve(value)
  }

  reject(error: unknown): void {
    if (this.#end()) this.#reject(error)
  }

  #limit(options: WaitOptions, onTimeout: (timeoutMs: number) => Error): void {
    const { timeoutMs, signal } = options
    try {
      if (timeoutMs !== undefined) checkMs('wait', 'timeoutMs', timeoutMs)
      checkSignal('wait', signal)
    } catch (error) {
      this.reject(error)
      return
    }
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
    if (timeoutMs !== undefined && timeoutMs > 0) {
      this.#timer = this.#host.addTimer(timeoutMs, () => this.reject(onTimeout(timeoutMs)))
    }
  }

  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#host.removeWaiter(this)
    this.#timer?.cancel()
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#onEnd?.()
    return true
  }
}
