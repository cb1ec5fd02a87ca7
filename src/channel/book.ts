/** Who waits for which answer of one connection. */
import { shown } from '../base/check.ts'
import { Queue } from '../base/queue.ts'
import type { AnswerSink, SessionSink } from './answers.ts'
import type { Request } from './request.ts'

/** What both kinds of books are for the connection. */
export interface Book {
  /** Requests whose answer has not come, those that were given up included. */
  readonly size: number
  /** Of these, whom the peer owes an answer. */
  readonly owed: number
  /** Why it cannot be asked now; undefined: it can. */
  refusal(request: Request): Error | undefined
  add(request: Request): void
  /** Who waited for what the peer sends by itself waits no more: nothing is owed. */
  left(request: Request): void
  /** Nothing more will come. */
  fail(error: unknown): void
}

/** What a book needs of its channel. */
export interface BookHost {
  /** Parts that one answer may have. */
  readonly partsMax: number
  /** The error for an answer that says no. */
  failed(reason: string | Error): Error
  /** The error for a session that is in use. */
  taken(session: unknown): Error
  /** Something came that nobody waits for, and is dropped. */
  dropped(what: string): void
}

/** So many that have left are not worth a look. */
const LEFT_FREE = 16

type Unasked =
  | { readonly data: unknown; readonly padding: boolean | undefined }
  | { readonly failure: string | Error }

/**
 * Answers come in the order of the requests. A request that was given up keeps its place, so that
 * its answer is nobody else's. A `response` has none until something comes: it waits in vain, or
 * is given up, and nothing is owed.
 */
export class OrderBook implements Book, AnswerSink<unknown> {
  readonly #host: BookHost
  #places = new Queue<Request>()
  /** Of these, the ones that wait no more and are owed nothing. */
  #leftCount = 0
  owed = 0
  /** Whose answer has begun. */
  #current: Request | undefined
  /** Answers that nobody had asked for: for who waits for a `response` next. */
  readonly #unasked = new Queue<Unasked>(2)

  constructor(host: BookHost) {
    this.#host = host
  }

  get size(): number {
    return this.places - this.#leftCount + (this.#current === undefined ? 0 : 1)
  }

  /** Places of those whose answer has not begun, and of some that have left. */
  get places(): number {
    return this.#places.length
  }

  /** Answers that nobody has asked for so far. */
  get unasked(): number {
    return this.#unasked.length
  }

  refusal(): undefined {
    return undefined
  }

  add(request: Request): void {
    this.#places.push(request)
    if (request.kind === 'request') this.owed++
    while (this.#unasked.length > 0 && this.#first()?.kind === 'response') {
      const each = this.#unasked.shift()!
      if ('failure' in each) this.failure(each.failure)
      else this.answer(each.data, each.padding)
    }
  }

  /** What stands behind a request that waits long would be ever more: it is put away at times. */
  left(request: Request): void {
    request.hasLeft = true
    this.#leftCount++
    if (this.#leftCount * 2 > this.places + LEFT_FREE) this.#putAway()
    this.#first()
  }

  #putAway(): void {
    const all = this.#places
    this.#places = new Queue()
    this.#leftCount = 0
    for (let at = all.shift(); at !== undefined; at = all.shift()) {
      if (!at.hasLeft) this.#places.push(at)
    }
  }

  /** Whose answer comes next; those that wait in vain are passed over. */
  #first(): Request | undefined {
    for (;;) {
      const first = this.#places.peek()
      if (first === undefined || !first.hasLeft) return first
      this.#places.shift()
      this.#leftCount--
    }
  }

  /** Whose answer begins, or goes on. */
  get next(): Request | undefined {
    return this.#current ?? this.#first()
  }

  /** The answer of `next`, which there is, begins: nobody comes between any more. */
  begin(): Request {
    if (this.#current === undefined) {
      this.#current = this.#places.shift()!
      this.#current.place = undefined
    }
    return this.#current
  }

  answer(data: unknown, padding?: boolean): void {
    const request = this.#taker()
    if (request === undefined) {
      this.#unasked.push({ data, padding })
      return
    }
    if (this.#isLost(request)) this.#host.dropped('a message: who waited for it gave up')
    if (request.take(data, padding, this.#host.partsMax)) this.#done(request)
  }

  failure(reason: string | Error): void {
    const request = this.#taker()
    if (request === undefined) {
      this.#unasked.push({ failure: reason })
      return
    }
    request.reject(this.#host.failed(reason))
    this.#done(request)
  }

  #done({ kind }: Request): void {
    this.#current = undefined
    if (kind === 'request') this.owed--
  }

  #taker(): Request | undefined {
    if (this.#current === undefined && this.#first() !== undefined) this.begin()
    return this.#current
  }

  /** It had begun to read what was sent to it, and then gave up. */
  #isLost(request: Request): boolean {
    return request.isOver && request.kind === 'response'
  }

  fail(error: unknown): void {
    const { length } = this.#unasked
    if (length > 0) this.#host.dropped(`${length} answers that nobody has waited for`)
    this.#current?.reject(error)
    this.#current = undefined
    this.owed = 0
    this.#leftCount = 0
    for (let at = this.#places.shift(); at !== undefined; at = this.#places.shift()) {
      at.place = undefined
      at.reject(error)
    }
  }
}

/**
 * Answers name their request by its session. One that was given up keeps its session until its
 * answer has come, and is dropped then: it cannot be taken for the answer of a later request.
 */
export class SessionBook implements Book, SessionSink<unknown, unknown> {
  readonly #host: BookHost
  readonly #waiting = new Map<unknown, Request>()
  owed = 0

  constructor(host: BookHost) {
    this.#host = host
  }

  get size(): number {
    return this.#waiting.size
  }

  refusal({ session }: Request): Error | undefined {
    return this.#waiting.has(session) ? this.#host.taken(session) : undefined
  }

  add(request: Request): void {
    this.#waiting.set(request.session, request)
    if (request.kind === 'request') this.owed++
  }

  left(request: Request): void {
    const { session } = request
    if (this.#waiting.get(session) === request) this.#waiting.delete(session)
  }

  answer(session: unknown, data: unknown, padding?: boolean): void {
    const request = this.#known(session)
    if (request?.take(data, padding, this.#host.partsMax)) this.#done(request)
  }

  failure(session: unknown, reason: string | Error): void {
    const request = this.#known(session)
    if (request === undefined) return
    request.reject(this.#host.failed(reason))
    this.#done(request)
  }

  #done({ kind, session }: Request): void {
    this.#waiting.delete(session)
    if (kind === 'request') this.owed--
  }

  #known(session: unknown): Request | undefined {
    const request = this.#waiting.get(session)
    if (request === undefined) this.#host.dropped(`unknown session: ${shown(session)}`)
    return request
  }

  fail(error: unknown): void {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    this.owed = 0
    for (const request of all) request.reject(error)
  }
}
