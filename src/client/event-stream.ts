/** Events for a loop, which may be slower than they come: kept up to a limit. */
import { ClientError } from './client-error.ts'

type Result<T> = IteratorResult<T, undefined>

/** Events of one kind, from when it was made on. */
export class EventStream<T> implements AsyncIterable<T> {
  readonly #limit: number
  readonly #leave: () => void
  readonly #kept: T[] = []
  readonly #waiting: ((result: Result<T> | Promise<Result<T>>) => void)[] = []
  #isOver = false
  /** Why it is over; told once, behind what is kept. */
  #error: unknown

  /** @param leave Called once, when no more events are wanted. */
  constructor(limit: number, leave: () => void) {
    this.#limit = limit
    this.#leave = leave
  }

  /** The next event. Several may wait: each gets one, in order. */
  next(): Promise<Result<T>> {
    return new Promise((resolve) => {
      if (this.#kept.length > 0) resolve({ done: false, value: this.#kept.shift() as T })
      else if (this.#isOver) resolve(this.#last())
      else this.#waiting.push(resolve)
    })
  }

  /** No more events are wanted: what a loop does when it is left. */
  return(): Promise<Result<T>> {
    this.#kept.length = 0
    this.end(undefined)
    this.#error = undefined
    return this.#last()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @internal */
  add(value: T): void {
    if (this.#isOver) return
    const resolve = this.#waiting.shift()
    if (resolve !== undefined) resolve({ done: false, value })
    else if (this.#kept.length < this.#limit) this.#kept.push(value)
    else this.end(new ClientError('ERR_CLIENT_LAG', 'listen'))
  }

  /** What is kept is still given, then the error or the end. @internal */
  end(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    this.#leave()
    for (const resolve of this.#waiting.splice(0)) resolve(this.#last())
  }

  async #last(): Promise<Result<T>> {
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
    return { done: true, value: undefined }
  }
}
