/** One connection of a channel: what is written to it, who waits for its answers, and its end. */
import { shown } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { SOCKETCHANNEL_PARTS_MAX } from '../base/limits.ts'
import { beginOf } from '../base/text.ts'
import { messageOf } from '../base/thrown.ts'
import type { ByteStream } from '../sockets/byte-stream.ts'
import type { MakeReading, Reading, ReadingHost } from './reading.ts'
import type { Data, Request } from './request.ts'

/** Of a text that says no, so much is told. */
const TOLD_CHARS = 1024

/** What a connection needs of its channel. */
export interface LinkHost {
  readonly service: {
    readonly runtime: { readonly now: number }
    after(ms: number, task: () => void): { cancel(): void }
  }
  readonly options: {
    /** Nothing came for so long while somebody waited: it is lost. 0: never. */
    readonly silenceMs: number
  }
  /** Run `then` when all has come that had come by now. */
  lastLook(then: () => void): void
  /** Much waits to be sent, or all has left. */
  overloaded(isOverloaded: boolean): void
  /** @param wasWaiting Somebody waited for an answer. */
  lost(link: ChannelLink, error: Error, wasWaiting: boolean): void
  /** For the log. */
  note(text: string): void
}

export class ChannelLink implements ReadingHost {
  readonly stream: ByteStream
  readonly partsMax = SOCKETCHANNEL_PARTS_MAX
  readonly #host: LinkHost
  readonly #address: string
  readonly #reading: Reading
  #error: Error | undefined
  #isOverloaded = false
  /** Ends the pause of who reads the stream. */
  #resume: (() => void) | undefined
  /** When something came last, and when it was the first of what is owed that was asked for. */
  #heardAt = 0
  #askedAt = 0
  #watch: { cancel(): void } | undefined

  constructor(host: LinkHost, stream: ByteStream, address: string, make: MakeReading) {
    this.#host = host
    this.#address = address
    this.stream = stream
    this.#reading = make(this)
  }

  /** Read from now on. */
  start(): void {
    void this.#pump()
  }

  get isOver(): boolean {
    return this.#error !== undefined
  }

  /** Why it was lost. */
  get error(): Error | undefined {
    return this.#error
  }

  get #now(): number {
    return this.#host.service.runtime.now
  }

  /** Answers that have not come. */
  get size(): number {
    return this.#reading.book.size
  }

  // --- asking ----------------------------------------------------------------------------------

  /** Why it cannot be asked that now. */
  refusal(request: Request): Error | undefined {
    return this.#error ?? this.#reading.book.refusal(request)
  }

  /**
   * Write it, and give it its place.
   *
   * @throws {SkynetError} `ERR_SOCKET_CLOSED` the connection is gone: nothing was written.
   */
  ask(request: Request, data: Data | undefined): void {
    const isMuch = data !== undefined && this.#write(data)
    if (request.kind === 'send') request.resolve(undefined)
    else this.#place(request)
    // Whoever is told may ask more, or close the channel: this one has its place by now.
    if (isMuch && !this.#isOverloaded) void this.#relieve()
  }

  #place(request: Request): void {
    const { book } = this.#reading
    if (this.#host.options.silenceMs > 0 && book.owed === 0) this.#watchSilence()
    request.place = book
    book.add(request)
    this.#reading.asked()
    this.goOn()
  }

  /** @returns True: much waits to be sent. */
  #write(data: Data): boolean {
    const { stream } = this
    if (typeof data === 'string' || data instanceof Uint8Array) return !stream.write(data)
    let isMuch = false
    for (const piece of data) if (!stream.write(piece)) isMuch = true
    return isMuch
  }

  /** Much waits to be sent: say so, and again when it has left. */
  async #relieve(): Promise<void> {
    this.#isOverloaded = true
    this.#host.overloaded(true)
    try {
      // A drain waits for what was written before it. More may have been written since.
      do await this.stream.drain()
      while (this.#isOverloaded && this.stream.bufferedAmount > 0)
    } catch {
      // A stream that is lost says so to who reads it.
    }
    if (!this.#isOverloaded) return
    this.#isOverloaded = false
    this.#host.overloaded(false)
  }

  // --- hearing ---------------------------------------------------------------------------------

  async #pump(): Promise<void> {
    const { stream } = this
    try {
      for (;;) {
        if (this.#reading.isFull) await this.#room()
        const chunk = await stream.read()
        if (chunk === null || this.isOver) break
        this.#heardAt = this.#now
        this.#hear(chunk)
      }
      if (!this.isOver) this.#reading.end(this.#lostAs('the peer closed the connection'))
    } catch (error) {
      if (!this.isOver) this.#reading.end(this.#lostAs(messageOf(error), error))
    }
  }

  #hear(chunk: Buffer): void {
    try {
      this.#reading.hear(chunk)
    } catch (error) {
      this.misread(error)
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  goOn(): void {
    if (this.#resume === undefined || this.#reading.isFull) return
    this.#resume()
    this.#resume = undefined
  }

  /** Somebody asks, and nobody else waits. */
  #watchSilence(): void {
    this.#askedAt = this.#now
    this.#watch ??= this.#host.service.after(this.#host.options.silenceMs, () =>
      this.#lookForSilence(),
    )
  }

  #lookForSilence(): void {
    const { silenceMs } = this.#host.options
    this.#watch = undefined
    this.#host.lastLook(() => {
      if (this.isOver || this.#reading.book.owed === 0 || this.#watch !== undefined) return
      const since = Math.max(this.#heardAt, this.#askedAt)
      const leftMs = since + silenceMs - this.#now
      if (leftMs > 0) this.#watch = this.#host.service.after(leftMs, () => this.#lookForSilence())
      else this.lose(this.#lostAs(`nothing came for ${silenceMs} ms`))
    })
  }

  // --- its end ---------------------------------------------------------------------------------

  lose(error: Error): void {
    if (this.isOver) return
    this.#error = error
    this.#watch?.cancel()
    const wasWaiting = this.size > 0
    this.#reading.book.fail(error)
    this.#reading.end(error)
    this.#resume?.()
    void this.stream.close().catch(() => {})
    this.#host.lost(this, error, wasWaiting)
    // Behind it: whoever is told may ask, or connect, again.
    if (!this.#isOverloaded) return
    this.#isOverloaded = false
    this.#host.overloaded(false)
  }

  misread(cause: unknown): void {
    const info = { address: this.#address, reason: messageOf(cause) }
    this.lose(new SkynetError('ERR_SOCKETCHANNEL_PROTOCOL', info, { cause }))
  }

  #lostAs(reason: string, cause?: unknown): Error {
    const options = cause === undefined ? undefined : { cause }
    return new SkynetError('ERR_SOCKETCHANNEL_LOST', { address: this.#address, reason }, options)
  }

  failed(reason: string | Error): Error {
    if (reason instanceof Error) return reason
    const text = beginOf(`${reason}`, TOLD_CHARS)
    return new SkynetError('ERR_SOCKETCHANNEL_ANSWER', { address: this.#address, text })
  }

  taken(session: unknown): Error {
    const info = { address: this.#address, session: shown(session) }
    return new SkynetError('ERR_SOCKETCHANNEL_SESSION', info)
  }

  dropped(what: string): void {
    this.#host.note(`${this.#address} has sent ${what}`)
  }
}
