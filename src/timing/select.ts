/** Several calls at once, their ends in the order they come: Skynet's `request:select`. */
import { checkArray, checkFunction } from '../base/check.ts'
import { abortError } from '../base/errors.ts'
import { Queue } from '../base/queue.ts'
import { Waiter, type WaitHost } from '../service/wait.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'

/** Begins one call: `(limits) => ref.with(limits).call.get('key')`. */
export type SelectRequest<T> = (
  limits: WaitOptions & { readonly signal: AbortSignal },
) => Promise<T>

/** How one of the calls ended. `index` is its place in what `select` was given. */
export type SelectResult<T> =
  | { readonly index: number; readonly ok: true; readonly value: T }
  | { readonly index: number; readonly ok: false; readonly error: unknown }

/** What a selection needs of its service. */
export interface SelectionHost extends WaitHost {
  /** A timer of the runtime. */
  after(ms: number, task: () => void): { cancel(): void }
}

/**
 * The ends of some calls, to be looped over once. The calls begin with the loop; those that are not
 * done when it is left are aborted.
 */
export class Selection<T> implements AsyncIterable<SelectResult<T>> {
  readonly #service: SelectionHost
  readonly #requests: readonly SelectRequest<T>[]
  readonly #options: WaitOptions | undefined
  #hasBegun = false
  #hasTimedOut = false

  constructor(
    service: SelectionHost,
    requests: readonly SelectRequest<T>[],
    options: WaitOptions | undefined,
  ) {
    checkWait('select', options)
    checkArray('select', 'requests', requests)
    for (const [i, request] of requests.entries()) {
      checkFunction('select', `requests[${i}]`, request)
    }
    this.#service = service
    this.#requests = requests
    this.#options = options
  }

  /** The loop ended as `timeoutMs` had passed: not all calls have answered. */
  get hasTimedOut(): boolean {
    return this.#hasTimedOut
  }

  /** @throws {TypeError} The second time. */
  [Symbol.asyncIterator](): AsyncGenerator<SelectResult<T>, void, void> {
    if (this.#hasBegun) throw new TypeError('Cannot loop over a selection twice')
    this.#hasBegun = true
    return this.#loop()
  }

  async *#loop(): AsyncGenerator<SelectResult<T>, void, void> {
    const { timeoutMs = 0, signal } = this.#options ?? {}
    if (signal?.aborted) throw abortError(signal)
    const service = this.#service
    const abort = new AbortController()
    const done = new Queue<SelectResult<T>>()
    let left = this.#requests.length
    let waiter: Waiter<void> | undefined
    this.#begin(abort.signal, (result) => {
      done.push(result)
      waiter?.resolve()
    })
    const giveUp = (): void => {
      this.#hasTimedOut = true
      waiter?.resolve()
    }
    // Answers that have come are taken first, and what awaits them goes on.
    const deadline = (): void => {
      service.afterMail(() => {
        timer = service.after(0, giveUp)
      })
    }
    let timer = timeoutMs === 0 ? undefined : service.after(timeoutMs, deadline)
    try {
      for (; left > 0; left--) {
        if (done.length === 0 && !this.#hasTimedOut) {
          const about = { kind: 'select', what: `${left} calls` } as const
          waiter = new Waiter<void>(service, about, { signal })
          await waiter.promise
        }
        const result = done.shift()
        if (result === undefined) return
        yield result
      }
    } finally {
      timer?.cancel()
      abort.abort()
    }
  }

  #begin(signal: AbortSignal, ended: (result: SelectResult<T>) => void): void {
    this.#requests.forEach((request, index) => {
      // In a promise of its own: what throws at once is an end like the others.
      new Promise<T>((resolve) => resolve(request({ signal }))).then(
        (value) => ended({ index, ok: true, value }),
        (error: unknown) => ended({ index, ok: false, error }),
      )
    })
  }
}
