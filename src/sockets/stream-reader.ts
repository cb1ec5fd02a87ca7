/** Reading from a connection: what has come, who waits for more, and when the peer has to wait. */
import { SkynetError } from '../base/errors.ts'
import { setImmediate } from '../base/event-loop.ts'
import { RECEIVE_MAIL_MAX } from '../base/limits.ts'
import { isPlain } from '../service/scope.ts'
import { type SocketWait, Waiter, type WaitFor, type WaitHost } from '../service/wait.ts'
import { type WaitOptions, wrongWait } from '../service/wait-options.ts'
import { keptBuffer, NOTHING_READ, newBuffer } from './read-buffer.ts'
import { type LineOptions, lineOptions, wrongCount } from './read-options.ts'
import type { Stage } from './socket-life.ts'

/**
 * A way to read: looks at what has come. The result, or undefined while it is not there yet; it may
 * throw. `limit` is what the caller has asked for: a count, the length of a line.
 */
type Way<T> = (from: StreamReader, limit: number) => T | undefined

/** How a loop ends: the connection is closed with it. */
const DONE = Object.freeze({ done: true as const, value: undefined })

/** Where the bytes come from: the life of a socket, or what stands in its place. */
export interface Source {
  readonly id: number
  readonly stage: Stage
  /** Why it has failed. */
  readonly error: SkynetError | undefined
  /** What comes is dropped: somebody has closed it. */
  readonly isClosing: boolean
  /** Why nothing more will come, for who waits. */
  readonly failure: SkynetError
  readonly pool: {
    readonly service: WaitHost
    /** More that nobody has read makes the peer wait. */
    readonly receiveLimitBytes: number
    /** Messages that wait for the service. Absent, as the next: what is below sees to it. */
    readonly mail?: number
    /** Run `then` once the service has got to all that has come by now. */
    look?(id: number, then: () => void): void
  }
  /** Somebody reads. Does nothing but the first time. */
  start(): void
  /** Bring no more for now; go on. */
  order(type: 'pause' | 'start'): void
  close(): Promise<void>
  wait(verb: string): SocketWait
}

/** What is in a frame: bytes, or a text, where frames tell which. */
export type Frame = Buffer | string

/** What makes frames of the bytes that have come. A FrameParser is one. */
export interface Frames<T extends Frame = Frame> {
  /** The peer has said in a frame that it was the last one. Absent: there is no such frame. */
  readonly isOver?: boolean
  /** More than bytes is known of what has begun: so its service keeps the socket. Absent: no. */
  readonly stays?: boolean
  /** What the peer is told when the service ends. Absent: its end alone. */
  farewell?(): Buffer | undefined
  push(chunk: Buffer): void
  /** The next one; undefined: more must come. It throws for what is none, again and again. */
  next(): T | undefined
  /** Nothing more will come. It throws when a frame is not whole. */
  end(): void
  /** What is in no frame; it is gone there. */
  rest(): Buffer
}

/** Gets a frame. What it returns is a promise, or nothing to wait for. */
type Take = (frame: Frame) => unknown

/** A socket that brings so much at a time may bring more than is read. */
const MUCH_BYTES = 16 * 1024

/** What a reader needs of the other direction. */
export interface Backlog {
  /** So much waits to be sent that nothing is handed out for now: `goOn` will be called. */
  mustWait(): boolean
}

/**
 * Made with the first read, or the first bytes. It is itself what its waits are for: an idle
 * connection holds this, one waiter, and nothing else for who reads.
 */
export class StreamReader implements WaitFor, AsyncIterator<Buffer, undefined, void> {
  readonly #source: Source
  readonly #backlog: Backlog
  #buffer = NOTHING_READ
  /** Who waits, in which way. One at a time. */
  #waiter: Waiter<unknown> | undefined
  #way: Way<unknown> | undefined
  #limit = 0
  /** The socket thread does not read: it was told so. `behind`: until the service has got to it. */
  #flow: 'on' | 'paused' | 'behind' = 'on'
  /** Who reads waits for the peer to take what waits to be sent. */
  #isHeld = false
  /** Takes what comes, and is the only one who reads: it has begun with frames. */
  #frames: Frames | undefined
  /** Who is handed frames as they come. */
  #take: Take | undefined
  /** It is being called. */
  #isTaking = false

  constructor(source: Source, backlog: Backlog) {
    this.#source = source
    this.#backlog = backlog
  }

  // --- ways to read --------------------------------------------------------------------------

  static readonly #chunk: Way<Buffer | null> = (from) =>
    from.#buffer.takeChunk() ?? from.#atEnd(null)

  static readonly #exactly: Way<Buffer> = (from, count) => {
    const bytes = from.#buffer.take(count)
    if (bytes !== undefined || from.#atEnd(true) === undefined) return bytes
    const info = { id: from.#source.id, wanted: count, received: from.#buffer.length }
    throw new SkynetError('ERR_SOCKET_ENDED', info)
  }

  static readonly #line: Way<string | null> = (from, max) => {
    const buffer = from.#buffer
    if (buffer.lineExceeds(max)) {
      throw new SkynetError('ERR_LINE_TOO_LONG', { id: from.#source.id, limit: max })
    }
    const line = buffer.takeLine()
    if (line !== undefined) return line
    if (from.#atEnd(true) === undefined) return undefined
    return buffer.length > 0 ? buffer.takeAll().toString() : null
  }

  static readonly #all: Way<Buffer> = (from) =>
    from.#atEnd(true) ? from.#buffer.takeAll() : undefined

  /** Who gets a frame gets no byte of the next: what is behind it may move to another service. */
  static readonly #frame: Way<Frame | null> = (from) => {
    const frames = from.#frames!
    for (;;) {
      const frame = frames.next()
      if (frame !== undefined) return frame
      if (frames.isOver === true) return null
      const chunk = from.#buffer.takeChunk()
      if (chunk !== undefined) frames.push(chunk)
      else if (from.#atEnd(true) === undefined) return undefined
      else {
        frames.end()
        return null
      }
    }
  }

  /**
   * Hands out frames as they come, by a call and no promise each. With a frame it ends where code
   * must run in the scope of who waits: he takes that one himself.
   */
  static readonly #hand: Way<Frame | null | Promise<undefined>> = (from) => {
    for (;;) {
      const frame = StreamReader.#frame(from, 0)
      if (frame === undefined || frame === null || !isPlain()) return frame
      const taken = from.#handTo(from.#take!, frame)
      const promise = typeof taken === 'object' && taken !== null ? settled(taken) : undefined
      if (from.#waiter === undefined) {
        // It has ended the service: nobody is there who could be told of anything.
        promise?.catch(() => {})
        return undefined
      }
      if (promise !== undefined) return promise
      if (from.#mustWaitForPeer()) return undefined
    }
  }

  static readonly #next: Way<IteratorResult<Buffer, undefined>> = (from) => {
    const value = from.#buffer.takeChunk()
    return value === undefined ? from.#atEnd(DONE) : { done: false, value }
  }

  read(count: number | undefined, options: WaitOptions | undefined): Promise<Buffer | null> {
    if (count === undefined) return this.#read(StreamReader.#chunk, 0, options)
    const wrong = wrongCount(count)
    if (wrong !== undefined) return Promise.reject(wrong)
    return this.#read(StreamReader.#exactly, count, options)
  }

  /**
   * From now on it is read in frames alone: what others took would be missing in them.
   *
   * @throws {SkynetError} `ERR_SOCKET_STATE` the second time, `ERR_SOCKET_BUSY` while a read waits.
   */
  startFrames(frames: Frames): void {
    const { id } = this.#source
    if (this.#frames !== undefined) throw this.#hasFrames()
    if (this.#waiter !== undefined) throw new SkynetError('ERR_SOCKET_BUSY', { id })
    this.#frames = frames
  }

  /** The next frame when it has come, and may be handed out. */
  nextFrame(): Frame | undefined {
    return this.#mustWaitForPeer() ? undefined : this.#frames!.next()
  }

  /**
   * Hand frames to `take` until there is something to wait for.
   *
   * @returns Null: that was the end. A frame: whoever called takes it himself. Undefined: a promise
   * that `take` has returned is settled.
   */
  handOut(take: Take): Promise<Frame | null | undefined> {
    const wrong = this.#wrongNow(StreamReader.#hand)
    if (wrong !== undefined) return Promise.reject(wrong)
    const { pool } = this.#source
    this.#source.start()
    const waiter = new Waiter<Frame | null | undefined>(pool.service, this, undefined)
    if (waiter.isOver) return waiter.promise
    this.#waiter = waiter as Waiter<unknown>
    this.#way = StreamReader.#hand
    this.#take = take
    this.#serve()
    this.#resumeIfLow()
    this.#buffer = keptBuffer(this.#buffer)
    return waiter.promise
  }

  #handTo(take: Take, frame: Frame): unknown {
    this.#isTaking = true
    try {
      return take(frame)
    } finally {
      this.#isTaking = false
    }
  }

  readFrame(options: WaitOptions | undefined): Promise<Frame | null> {
    return this.#read(StreamReader.#frame, 0, options)
  }

  readLine(options: LineOptions | undefined): Promise<string | null> {
    try {
      const { max, limits } = lineOptions(options)
      return this.#read(StreamReader.#line, max, limits)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  readAll(options: WaitOptions | undefined): Promise<Buffer> {
    return this.#read(StreamReader.#all, 0, options)
  }

  /** @throws At once for options that are wrong. */
  lines(options: LineOptions | undefined): AsyncGenerator<string, void, void> {
    lineOptions(options)
    return this.#lines(options)
  }

  async *#lines(options: LineOptions | undefined): AsyncGenerator<string, void, void> {
    let hasFailed = false
    try {
      for (;;) {
        hasFailed = true
        const line = await this.readLine(options)
        hasFailed = false
        if (line === null) return
        yield line
      }
    } finally {
      if (!hasFailed) await this.#source.close()
    }
  }

  /** A step of a `for await` over the chunks, of which it is the iterator itself. */
  next(): Promise<IteratorResult<Buffer, undefined>> {
    return this.#read(StreamReader.#next, 0, undefined)
  }

  /** The loop was left. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#source.close()
    return DONE
  }

  // --- waiting -------------------------------------------------------------------------------

  /** `value` when nothing more will come; throws when that is because of a failure. */
  #atEnd<T>(value: T): T | undefined {
    const { stage, error } = this.#source
    if (stage !== 'ended' && stage !== 'closed') return undefined
    if (error !== undefined) throw error
    return value
  }

  #read<T>(way: Way<T>, limit: number, options: WaitOptions | undefined): Promise<T> {
    const wrong = wrongWait('read', options) ?? this.#wrongNow(way)
    if (wrong !== undefined) return Promise.reject(wrong)
    const source = this.#source
    source.start()
    let result: T | undefined
    try {
      result = this.#mustWaitForPeer() ? undefined : way(this, limit)
    } catch (error) {
      return Promise.reject(error)
    }
    if (result !== undefined) {
      if (result === DONE) void source.close()
      this.#resumeIfLow()
      this.#buffer = keptBuffer(this.#buffer)
      return Promise.resolve(result)
    }
    const waiter = new Waiter<T>(source.pool.service, this, options)
    if (waiter.isOver) return waiter.promise
    this.#waiter = waiter as Waiter<unknown>
    this.#way = way
    this.#limit = limit
    this.#resumeIfLow()
    return waiter.promise
  }

  #wrongNow(way: Way<unknown>): SkynetError | undefined {
    const { id, stage } = this.#source
    if (stage === 'moved') return new SkynetError('ERR_SOCKET_MOVED', { id })
    const isOfFrames = way === StreamReader.#frame || way === StreamReader.#hand
    if (this.#frames !== undefined && !isOfFrames) return this.#hasFrames()
    return this.#waiter && new SkynetError('ERR_SOCKET_BUSY', { id })
  }

  #hasFrames(): SkynetError {
    const { id } = this.#source
    return new SkynetError('ERR_SOCKET_STATE', { id, reason: 'it is read by its frames' })
  }

  /** Something has changed: does who waits get it? Who is just taking looks again by himself. */
  #serve(): void {
    const waiter = this.#waiter
    if (waiter === undefined || this.#isTaking || this.#mustWaitForPeer()) return
    try {
      const result = this.#way!(this, this.#limit)
      if (result === undefined) return
      waiter.resolve(result)
      if (result === DONE) void this.#source.close()
    } catch (error) {
      waiter.reject(error)
    }
  }

  /**
   * Who waits is told why there is nothing to wait for; no byte is lost.
   *
   * @param isLeft Somebody else will read, and there may be much.
   * @returns False: nobody waits, or he has what he waited for.
   */
  fail(isLeft = false): boolean {
    const waiter = this.#waiter
    waiter?.reject(isLeft ? new SkynetError('ABORT_ERR', {}) : this.#source.failure)
    return waiter !== undefined
  }

  get kind(): 'socket' {
    return 'socket'
  }

  get what(): string {
    return this.#source.wait('read from').what
  }

  late(timeoutMs: number): Error {
    return this.#source.wait('read from').late(timeoutMs)
  }

  lastLook(then: () => void): void {
    this.#source.wait('read from').lastLook(then)
  }

  over(): void {
    this.#waiter = undefined
    this.#take = undefined
  }

  // --- flow ----------------------------------------------------------------------------------

  received(chunk: Buffer): void {
    if (this.#source.isClosing) return
    if (this.#buffer === NOTHING_READ) this.#buffer = newBuffer()
    this.#buffer.push(chunk)
    this.#serve()
    this.#pauseIfHigh()
    if (chunk.length >= MUCH_BYTES && this.#flow === 'on') this.#pauseIfBehind()
    this.#buffer = keptBuffer(this.#buffer)
  }

  /** Much of what waited to be sent has left, or nothing more will come. */
  goOn(): void {
    this.#serve()
    this.#resumeIfLow()
  }

  /** Undefined: bytes are read. */
  get frames(): Frames | undefined {
    return this.#frames
  }

  /** What nobody has read, also what is no whole frame; it is here no more. */
  takeAll(): Buffer {
    const unread = this.#buffer.takeAll()
    return this.#frames === undefined ? unread : Buffer.concat([this.#frames.rest(), unread])
  }

  #mustWaitForPeer(): boolean {
    this.#isHeld = this.#backlog.mustWait()
    return this.#isHeld
  }

  get #wantsMore(): boolean {
    return this.#waiter !== undefined && !this.#isHeld
  }

  /** Nobody reads and much is there: let the peer's window fill instead of our memory. */
  #pauseIfHigh(): void {
    const { pool, stage } = this.#source
    if (this.#flow !== 'on' || this.#wantsMore) return
    if (this.#buffer.length <= pool.receiveLimitBytes || stage !== 'open') return
    this.#flow = 'paused'
    this.#source.order('pause')
  }

  /**
   * Who reads takes more time for it than the socket thread to bring it: what is read waits in the
   * mailbox then, where nobody counts it.
   */
  #pauseIfBehind(): void {
    const { id, pool, stage } = this.#source
    if (stage !== 'open' || (pool.mail ?? 0) < RECEIVE_MAIL_MAX) return
    this.#flow = 'behind'
    pool.look?.(id, () => this.#caughtUp())
    this.#source.order('pause')
  }

  /** What comes now is seen only behind all that waits: as long as much does, for a turn. */
  #caughtUp(): void {
    this.#flow = 'paused'
    if (!this.#resumeIfLow()) return
    setImmediate(() => {
      if (this.#flow === 'on') this.#pauseIfBehind()
    })
  }

  /** @returns Whether it has. */
  #resumeIfLow(): boolean {
    const { pool, stage } = this.#source
    if (this.#flow !== 'paused' || stage !== 'open') return false
    if (!this.#wantsMore && this.#buffer.length > pool.receiveLimitBytes / 2) return false
    this.#flow = 'on'
    this.#source.order('start')
    return true
  }
}

/** Whatever it is fulfilled with. */
async function settled(promise: object): Promise<undefined> {
  await promise
}
