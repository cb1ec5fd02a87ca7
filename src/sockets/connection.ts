/** A TCP connection of a service: its life, its reading and its writing, put together. */
import type { Framed, WriteOptions } from '../net/client/writer.ts'
import { checkSettings, SEND_POLICY, type SocketSettings } from '../net/settings.ts'
import type { SocketOption } from '../os/os.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { ByteStream } from './byte-stream.ts'
import { type BytesOptions, type CodecOptions, FramedStream } from './framed-stream.ts'
import type { SocketPool } from './pool.ts'
import type { LineOptions } from './read-options.ts'
import { handlers } from './socket-events.ts'
import { SocketLife } from './socket-life.ts'
import { type Frame, type Frames, StreamReader } from './stream-reader.ts'
import { StreamWriter } from './stream-writer.ts'

/**
 * Bytes in, bytes out. Obtained from a listener, `skynet.socket.connect` or `skynet.socket.start`.
 *
 * An accepted connection is not read before it is first used; handing its `id` to another service
 * before that costs nothing. One read may wait at a time.
 */
export class Connection implements ByteStream {
  /** Handing this number to `skynet.socket.start` in another service moves the connection there. */
  readonly id: number
  readonly #life: SocketLife
  #reader: StreamReader | undefined
  #writer: StreamWriter | undefined
  #remoteAddress: string | undefined

  /** Made by listener.ts and open-connection.ts only. */
  constructor(pool: SocketPool, id: number, stage: 'waiting' | 'opening', remoteAddress?: string) {
    this.id = id
    this.#remoteAddress = remoteAddress
    this.#life = new SocketLife(pool, this, stage)
  }

  get #reading(): StreamReader {
    this.#reader ??= new StreamReader(this.#life, this)
    return this.#reader
  }

  get #writing(): StreamWriter {
    this.#writer ??= new StreamWriter(this.#life)
    return this.#writer
  }

  /** Writes that were dropped as too much waited. */
  get dropped(): number {
    return this.#writer?.dropped ?? 0
  }

  set dropped(count: number) {
    this.#writing.dropped = count
  }

  /** Called with the KiB that wait to be sent, at each doubling; 0: all is sent. Default: a log. */
  get onWarning(): ((kib: number) => void) | undefined {
    return this.#writer?.onWarning
  }

  set onWarning(warn: ((kib: number) => void) | undefined) {
    this.#writing.onWarning = warn
  }

  /** `ip:port` of the peer, IPv6 in brackets; empty when the connection is gone already. */
  get remoteAddress(): string {
    this.#remoteAddress ??= this.#life.pool.addressOf(this.id, 'peer')
    return this.#remoteAddress
  }

  /** False once it was closed here, failed, moved, or both sides ended; not by the peer alone. */
  get isOpen(): boolean {
    return this.#life.isOpen && this.#writer?.isGone !== true
  }

  /** Bytes written and not yet taken by the kernel. */
  get bufferedAmount(): number {
    return (this.#writer?.gathered ?? 0) + this.#life.pool.client.slots.queuedOf(this.id)
  }

  /**
   * The next bytes as they come, or null at the end, which `close` is too.
   * With `count`: exactly that many, at most 256 MiB. All of them are kept in memory.
   *
   * @returns A buffer that is yours.
   * @throws {SkynetError} `ERR_SOCKET_ENDED` the peer ended before `count` bytes (they stay
   * readable); `ERR_SOCKET_FAILED`, `ERR_SOCKET_BUSY`, `ERR_SOCKET_MOVED`;
   * `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for. `RangeError` for another count.
   */
  read(count?: undefined, options?: WaitOptions): Promise<Buffer | null>
  read(count: number, options?: WaitOptions): Promise<Buffer>
  read(count?: number, options?: WaitOptions): Promise<Buffer | null> {
    return this.#reading.read(count, options)
  }

  /**
   * The next line as UTF-8, without `\n` or `\r\n`; null at the end. A last line without an end is
   * a line.
   *
   * @throws `ERR_LINE_TOO_LONG` after `max` bytes without an end (they stay readable); as `read`.
   */
  readLine(options?: LineOptions): Promise<string | null> {
    return this.#reading.readLine(options)
  }

  /** Everything up to the end. Mind who sends: it is all kept in memory. */
  readAll(options?: WaitOptions): Promise<Buffer> {
    return this.#reading.readAll(options)
  }

  /**
   * Lines until the end; leaving the loop closes the connection. A failed read (a line too long, a
   * timeout) does not close it: there may be something to say about it first. See `readLine`.
   */
  lines(options?: LineOptions): AsyncGenerator<string, void, void> {
    return this.#reading.lines(options)
  }

  /** Chunks as they come, until the end; leaving the loop closes the connection. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined, void> {
    return this.#reading
  }

  /**
   * Messages instead of bytes, each in a frame: a header that tells its length, or a line.
   *
   *     const players = connection.frames({ header: 'u16be', max: 4096 })
   *     await players.each((message) => void players.send(message))
   *
   * From now on `read` and its like reject with `ERR_SOCKET_STATE`. What came before and was not
   * read is the begin of the first frame. With a codec the types of messages follow from it.
   *
   * @throws {SkynetError} `ERR_SOCKET_STATE` the second time, `ERR_SOCKET_BUSY` while a read waits.
   * `TypeError`, `RangeError` naming the option.
   */
  frames<In, Out>(options: CodecOptions<In, Out>): FramedStream<In, Out>
  frames(options: BytesOptions): FramedStream
  frames<In, Out>(options: BytesOptions | CodecOptions<In, Out>): FramedStream<In, Out> {
    return new FramedStream(this, options)
  }

  /**
   * Write. What one turn writes leaves in one system call at its end, in order; `data` is yours
   * again on return. Strings are sent as UTF-8.
   *
   * @returns False when more than 1 MiB waits to be sent (see `drain`), or when the policy
   * `drop-new` dropped it. Beyond `sendLimitBytes`, 16 MiB if not told otherwise, `sendPolicy`
   * decides: by default the connection fails with `ERR_SOCKET_FAILED`.
   * @throws {SkynetError} `ERR_SOCKET_CLOSED` it was closed or moved, or it failed;
   * `ERR_SOCKET_FULL` with the policy `pause-producer`: nothing was taken.
   */
  write(data: string | Uint8Array, options?: WriteOptions): boolean {
    return this.#writing.write(data, options)
  }

  /** Resolves once everything written so far was taken by the kernel. Errors as `write`, `read`. */
  drain(options?: WaitOptions): Promise<void> {
    return this.#writing.drain(options)
  }

  /**
   * Set an option of the socket: `keepIdleSeconds`, `userTimeoutMs` … A flag is 0 or 1.
   *
   * @throws {SkynetError} `ERR_SYSCALL` the system refused it, `ERR_SOCKET_CLOSED`.
   */
  setOption(name: SocketOption, value: number): void {
    if (!this.isOpen) throw this.#life.closed()
    this.#life.pool.setOption(this.id, name, value)
  }

  /**
   * Change limits and timeouts of this connection; those not named stay as they are.
   *
   * @throws `TypeError`, `RangeError` naming the setting.
   */
  configure(settings: Partial<SocketSettings>): void {
    const changes = checkSettings('configure a connection', settings)
    if (changes !== undefined) this.#life.pool.client.orderWith('configure', this.id, changes)
  }

  /**
   * Send small writes at once (TCP_NODELAY) instead of waiting for an answer to earlier ones. Does
   * nothing when the connection is closed, as in Node.js.
   */
  setNoDelay(on = true): void {
    this.#life.pool.setNoDelay(this, on)
  }

  /**
   * Close: what was written still leaves (for at most 10 s). What came and was not read is dropped;
   * a read that waits gets the end. Resolves when the connection is closed for this service; its
   * descriptor is closed when all has left and the peer has ended too, or after 2 s more. It closes
   * all the same when nobody waits any more: `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  close(options?: WaitOptions): Promise<void> {
    return this.#life.close(options)
  }

  /**
   * Say FIN after what was written: the peer sees the end, and may still answer. Reading goes on;
   * nothing can be written any more. The connection closes when the peer ends too, or by `close`.
   */
  end(): void {
    if (!this.#life.isOver) this.#writing.end()
  }

  /** Close at once. When what was written has not left it is dropped, and the peer gets RST. */
  shutdown(): void {
    if (this.#life.isOver) return
    this.leave()
    // Who reads bytes may still have those that came; frames are dropped.
    if (this.#reader?.frames !== undefined) this.#reader.takeAll()
    this.#life.order('shutdown')
    this.#end('closed')
  }

  /** It stays with this service, as `ByteStream.hold` says. */
  hold(isSealed = false): void {
    this.#life.order('hold', isSealed ? 1 : 0)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --- as its frames see it --------------------------------------------------------------------

  /** @internal */
  startFrames(frames: Frames): void {
    this.#reading.startFrames(frames)
    if (frames.stays === true) this.hold()
  }

  /** @internal */
  nextFrame(): Frame | undefined {
    return this.#reading.nextFrame()
  }

  /** @internal */
  handOut(take: (frame: Frame) => unknown): Promise<Frame | null | undefined> {
    return this.#reading.handOut(take)
  }

  /** @internal */
  readFrame(options: WaitOptions | undefined): Promise<Frame | null> {
    return this.#reading.readFrame(options)
  }

  /** @internal */
  writeFrame(format: Framed, body: string | Uint8Array): boolean {
    return this.#writing.writeFrame(format, body)
  }

  // --- its life, as the pool and socket-life.ts see it -----------------------------------------

  /** @internal Wait until it is this service's. Called by open-connection.ts, which asks for it. */
  open(options?: WaitOptions): Promise<this> {
    return this.#life.open('open', options).then(
      () => this,
      (error: unknown) => {
        if (this.isOpen) this.shutdown()
        throw error
      },
    )
  }

  /** @internal */
  leave(): void {
    this.#writer?.flush()
  }

  /** @internal After the end of the peer, and of the service, no CLOSE will come. */
  letGo(): boolean {
    this.#reader?.takeAll()
    if (this.#life.stage !== 'ended' && !this.#life.pool.service.hasEnded) return false
    this.#end('closed')
    return true
  }

  /** @internal Reads get the end from now on. */
  abandon(): void {
    const frames = this.isOpen && !this.#life.isClosing ? this.#reader?.frames : undefined
    const farewell = frames?.farewell?.()
    if (farewell !== undefined) {
      this.#writing.write(farewell, undefined)
      this.leave()
    }
    this.#life.move('closed')
  }

  /** @internal The read that waits rejects, and loses no byte. @returns False: none did wait. */
  giveUpRead(): boolean {
    return this.#reader?.fail(true) === true
  }

  /** @internal Run `then` behind all that has come for it by now. For who reads it in a wait. */
  lastLook(then: () => void): void {
    this.#life.wait('read from').lastLook(then)
  }

  /** @internal See Backlog. A writer is made for the one policy that asks it. */
  mustWait(): boolean {
    const policy = this.#life.pool.client.slots.policyOf(this.id)
    return policy === SEND_POLICY['pause-producer'] && this.#writing.mustWait()
  }

  static readonly #events = handlers<Connection>({
    DATA: (self, _, bytes) => self.#reading.received(bytes),
    OPEN: (self) => self.#life.opened(),
    CLOSE: (self) => self.#end('ended'),
    ERROR: (self, _, reason) => self.#failed(reason.toString()),
    DRAIN: (self, sign) => {
      self.#writer?.drained(sign)
      self.#reader?.goOn()
    },
    YIELD: (self, request) => self.#yield(request),
    WARNING: (self, kib) => self.#writing.warned(kib),
  })

  /** @internal */
  happened(kind: number, ud: number, payload: Buffer): void {
    Connection.#events[kind]?.(this, ud, payload)
  }

  #failed(reason: string): void {
    const life = this.#life
    life.fail(reason)
    this.#writer?.fail()
    // Only what was open is told its end besides.
    if (life.stage === 'opening') this.#end('closed')
  }

  /** Nothing more will come; what came before stays readable. */
  #end(stage: 'ended' | 'closed'): void {
    const life = this.#life
    const isClosed = stage === 'closed' || life.isClosing || life.error !== undefined
    life.move(isClosed ? 'closed' : 'ended')
    life.failOpening()
    if (isClosed) this.#writer?.fail()
    this.#reader?.goOn()
    if (isClosed) life.gone()
  }

  /** Another service takes the connection over: give back what nobody read here. */
  #yield(request: number): void {
    const life = this.#life
    this.leave()
    const unread = this.#reader?.takeAll() ?? Buffer.alloc(0)
    life.pool.client.handover(this.id, unread, request)
    life.move('moved')
    life.failOpening()
    life.gone()
    this.#reader?.fail()
    this.#writer?.fail()
  }
}
