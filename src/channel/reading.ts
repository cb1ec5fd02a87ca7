/** From bytes to answers: the ways in which a connection may be read. */
import { refusal, shown } from '../base/check.ts'
import { queueMicrotask } from '../base/event-loop.ts'
import { SOCKETCHANNEL_UNASKED_MAX } from '../base/limits.ts'
import { begin } from '../service/scope.ts'
import type { Answer, AnswerSink, ChunkParser, SessionReader, SessionSink } from './answers.ts'
import { type Book, type BookHost, OrderBook, SessionBook } from './book.ts'
import { ChannelInput } from './input.ts'

/** What a connection tells whoever reads it. */
export interface Reading {
  readonly book: Book
  /** The peer has to wait until somebody asks for what is there. */
  readonly isFull: boolean
  /** @throws What the parser does not like. */
  hear(chunk: Buffer): void
  /** Somebody waits for an answer now. */
  asked(): void
  /** Nothing more comes. What is there is read to its end; then the connection is lost. */
  end(error: Error): void
}

/** What a reading needs of its connection. */
export interface ReadingHost extends BookHost {
  readonly isOver: boolean
  /** More may be read. */
  goOn(): void
  /** The connection is of no use any more. */
  lose(error: Error): void
  /** The same, as the parser has thrown that. */
  misread(error: unknown): void
}

export type MakeReading = (host: ReadingHost) => Reading

/** Each request brings the function that reads its answer. */
export class OrderReading implements Reading {
  readonly book: OrderBook
  readonly #host: ReadingHost
  readonly #input: ChannelInput
  #isRunning = false
  #end: Error | undefined

  constructor(host: ReadingHost) {
    this.#host = host
    this.#input = new ChannelInput(() => host.goOn())
    this.book = new OrderBook(host)
  }

  get isFull(): boolean {
    return this.#input.isFull
  }

  hear(chunk: Buffer): void {
    this.#input.push(chunk)
    this.asked()
  }

  asked(): void {
    if (!this.#isRunning) void this.#run()
  }

  end(error: Error): void {
    this.#end = error
    this.#input.end(error)
    this.asked()
  }

  /** Who waits for what the peer sends by itself begins with its first byte. */
  get #isDue(): boolean {
    const { next } = this.book
    return next?.kind === 'request' || (next !== undefined && this.#input.length > 0)
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      while (this.#isDue) {
        const { reader } = this.book.begin()
        const { taken } = this.#input
        const answer = await begin(() => reader!(this.#input))
        if (this.#host.isOver) return
        if (answer?.ok === true && answer.padding === true) checkTaken(this.#input, taken)
        put(this.book, answer)
      }
      if (this.#end !== undefined) this.#over(this.#end)
    } catch (error) {
      if (this.#end === undefined) this.#host.misread(error)
      else this.#host.lose(this.#end)
    } finally {
      this.#isRunning = false
    }
  }

  #over(end: Error): void {
    const { length } = this.#input
    if (length > 0) this.#host.dropped(`${length} bytes that nobody has waited for`)
    this.#host.lose(end)
  }
}

/** One function reads all answers, and says whose each is. */
export class SessionReading implements Reading {
  readonly book: SessionBook
  readonly #host: ReadingHost
  readonly #reader: SessionReader
  readonly #input: ChannelInput
  #end: Error | undefined

  constructor(host: ReadingHost, reader: SessionReader) {
    this.#host = host
    this.#reader = reader
    this.#input = new ChannelInput(() => host.goOn())
    this.book = new SessionBook(host)
    // Later: what the reader does at once may end the connection, which is not whole yet.
    queueMicrotask(() => void this.#run())
  }

  get isFull(): boolean {
    return this.#input.isFull
  }

  hear(chunk: Buffer): void {
    this.#input.push(chunk)
  }

  asked(): void {}

  end(error: Error): void {
    this.#end = error
    this.#input.end(error)
  }

  async #run(): Promise<void> {
    const input = this.#input
    try {
      while (!this.#host.isOver) {
        const { taken } = input
        const answer = await begin(() => this.#reader(input))
        if (this.#host.isOver) return
        checkTaken(input, taken)
        putFor(this.book, answer)
      }
    } catch (error) {
      if (this.#end === undefined) this.#host.misread(error)
      else this.#host.lose(this.#end)
    }
  }
}

/** A parser is given the bytes, and puts the answers into the book. */
export class ParsedReading<B extends Book> implements Reading {
  readonly book: B
  readonly #host: ReadingHost
  readonly #parser: ChunkParser

  constructor(host: ReadingHost, book: B, make: (sink: B) => ChunkParser) {
    this.#host = host
    this.book = book
    this.#parser = begin(() => make(book))
    if (typeof this.#parser?.take === 'function') return
    throw refusal('type', 'make a parser', 'parser', 'an object with take()', this.#parser)
  }

  get isFull(): boolean {
    const { book } = this
    if (!(book instanceof OrderBook)) return false
    return book.unasked >= SOCKETCHANNEL_UNASKED_MAX && book.next === undefined
  }

  hear(chunk: Buffer): void {
    this.#parser.take(chunk)
  }

  asked(): void {}

  end(error: Error): void {
    this.#host.lose(error)
  }
}

/** Who is called again, and takes nothing, would go on so for ever, and let nobody else run. */
function checkTaken(input: ChannelInput, before: number): void {
  if (input.taken === before) throw new TypeError('the response function has read nothing')
}

function put(sink: AnswerSink<unknown>, answer: Answer): void {
  if (answer?.ok === true) sink.answer(answer.data, answer.padding)
  else if (answer?.ok === false) sink.failure(answer.data)
  else throw new TypeError(`an answer has 'ok', true or false: current value is ${shown(answer)}`)
}

function putFor(sink: SessionSink<unknown, unknown>, answer: Answer & { session?: unknown }): void {
  const session = answer?.session
  if (session === undefined) throw new TypeError('an answer has a session: there is none')
  put(
    {
      answer: (data, padding) => sink.answer(session, data, padding),
      failure: (reason) => sink.failure(session, reason),
    },
    answer,
  )
}
