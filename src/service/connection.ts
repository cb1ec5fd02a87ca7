/** A TCP connection of a service. */
import { checkFlag, checkFunction } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { SEND_WARNING_BYTES } from '../base/limits.ts'
import { EVENT } from '../net/event.ts'
import { checkSettings, SEND_POLICY, type SocketSettings } from '../net/settings.ts'
import { PROTOCOL } from '../net/slots.ts'
import { STATE } from '../net/state.ts'
import type { WriteOptions, Writer } from '../net/writer.ts'
import type { SocketOption } from '../os/os.ts'
import type { ByteStream } from './byte-stream.ts'
import { closeSocket } from './closing.ts'
import { Drains } from './drains.ts'
import type { SocketPool } from './pool.ts'
import { keptBuffer, NOTHING_READ, newBuffer } from './read-buffer.ts'
import { type LineOptions, lineOptions, wrongCount } from './read-options.ts'
import { begin, kept } from './scope.ts'
import { SocketWait, Waiter } from './wait.ts'
import { checkWait, type WaitOptions, wrongWait } from './wait-options.ts'

/** Looks at the buffer: the result, or undefined while it is not there yet. It may throw. */
type Attempt<T> = () => T | undefined

/**
 * Bytes in, bytes out. Obtained from a listener, `skynet.socket.connect` or `skynet.socket.start`.
 *
 * An accepted connection is not read before it is first used; handing its `id` to another service
 * before that costs nothing. One read may wait at a time.
 */
export class Connection implements ByteStream {
  /** Handing this number to `skynet.socket.start` in another service moves the connection there. */
  readonly id: number
  readonly #pool: SocketPool
  #buffer = NOTHING_READ
  #writer: Writer | undefined
  #remoteAddress: string | undefined
  /** `waiting`: accepted, not read yet. `ended`: nothing more will come. */
  #phase: 'waiting' | 'opening' | 'open' | 'ended' | 'closed' | 'moved'
  #error: SkynetError | undefined
  #isPaused = false
  /** A reader waits, for the peer to take what waits to be sent: see `#mustWaitForPeer`. */
  #isHeld = false
  #isEnding = false
  #opening: Waiter<void> | undefined
  #reader: { waiter: Waiter<unknown>; attempt: Attempt<unknown> } | undefined
  #drains: Drains | undefined
  #closing: Waiter<void> | undefined
  /** Writes that were dropped as too much waited. */
  dropped = 0
  #onWarning: ((kib: number) => void) | undefined
  /** The same, with the stores of who has set it. */
  #warn: ((kib: number) => void) | undefined

  /** Made by listener.ts and open-connection.ts only. */
  constructor(pool: SocketPool, id: number, phase: 'waiting' | 'opening', remoteAddress?: string) {
    this.#pool = pool
    this.id = id
    this.#phase = phase
    this.#remoteAddress = remoteAddress
    pool.add(this)
  }

  /** Called with the KiB that wait to be sent, at each doubling; 0: all is sent. Default: a log. */
  get onWarning(): ((kib: number) => void) | undefined {
    return this.#onWarning
  }

  set onWarning(warn: ((kib: number) => void) | undefined) {
    if (warn !== undefined) checkFunction('warn', 'onWarning', warn)
    this.#onWarning = warn
    this.#warn = warn && kept(warn)
  }

  /** `ip:port` of the peer, IPv6 in brackets; empty when the connection is gone already. */
  get remoteAddress(): string {
    this.#remoteAddress ??= this.#pool.addressOf(this.id, 'peer')
    return this.#remoteAddress
  }

  /** False once it was closed here, failed, moved, or both sides ended; not by the peer alone. */
  get isOpen(): boolean {
    if (this.#error !== undefined || this.#writer?.isGone === true) return false
    if (this.#phase === 'ended') return this.#pool.client.slots.stateOf(this.id) !== STATE.INVALID
    return this.#phase !== 'closed' && this.#phase !== 'moved'
  }

  /** Bytes written and not yet taken by the kernel. */
  get bufferedAmount(): number {
    return (this.#writer?.length ?? 0) + this.#pool.client.slots.queuedOf(this.id)
  }

  // --- reading -------------------------------------------------------------------------------

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
    if (count === undefined) {
      return this.#read(() => this.#buffer.takeChunk() ?? this.#atEnd(null), options)
    }
    const wrong = wrongCount(count)
    if (wrong !== undefined) return Promise.reject(wrong)
    return this.#read(() => {
      const bytes = this.#buffer.take(count)
      if (bytes !== undefined || this.#atEnd(true) === undefined) return bytes
      const info = { id: this.id, wanted: count, received: this.#buffer.length }
      throw new SkynetError('ERR_SOCKET_ENDED', info)
    }, options)
  }

  /**
   * The next line as UTF-8, without `\n` or `\r\n`; null at the end. A last line without an end is
   * a line.
   *
   * @throws `ERR_LINE_TOO_LONG` after `max` bytes without an end (they stay readable); as `read`.
   */
  readLine(options?: LineOptions): Promise<string | null> {
    try {
      const { max, limits } = lineOptions(options)
      return this.#read(() => this.#takeLine(max), limits)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Everything up to the end. Mind who sends: it is all kept in memory. */
  readAll(options?: WaitOptions): Promise<Buffer> {
    return this.#read(() => (this.#atEnd(true) ? this.#buffer.takeAll() : undefined), options)
  }

  /**
   * Lines until the end; leaving the loop closes the connection. A failed read (a line too long, a
   * timeout) does not close it: there may be something to say about it first. See `readLine`.
   */
  lines(options?: LineOptions): AsyncGenerator<string, void, void> {
    lineOptions(options)
    return this.#lines(options)
  }

  async *#lines(options?: LineOptions): AsyncGenerator<string, void, void> {
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
      if (!hasFailed) await this.close()
    }
  }

  /** Chunks as they come, until the end; leaving the loop closes the connection. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined, void> {
    const done = { done: true as const, value: undefined }
    const attempt = (): IteratorResult<Buffer, undefined> | undefined => {
      const value = this.#buffer.takeChunk()
      return value === undefined ? this.#atEnd(done) : { done: false, value }
    }
    return {
      next: () => this.#read(attempt, undefined, done),
      return: async () => {
        await this.close()
        return done
      },
    }
  }

  #takeLine(max: number): string | null | undefined {
    const buffer = this.#buffer
    if (buffer.lineExceeds(max)) {
      throw new SkynetError('ERR_LINE_TOO_LONG', { id: this.id, limit: max })
    }
    const line = buffer.takeLine()
    if (line !== undefined) return line
    if (this.#atEnd(true) === undefined) return undefined
    return buffer.length > 0 ? buffer.takeAll().toString() : null
  }

  /** `value` when nothing more will come; throws when that is because of a failure. */
  #atEnd<T>(value: T): T | undefined {
    if (this.#phase !== 'ended' && this.#phase !== 'closed') return undefined
    if (this.#error !== undefined) throw this.#error
    return value
  }

  /** @param end When given, reaching it closes the connection too. */
  #read<T>(attempt: Attempt<T>, options: WaitOptions | undefined, end?: T): Promise<T> {
    const wrong = wrongWait('read', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    const code = this.#phase === 'moved' ? 'ERR_SOCKET_MOVED' : 'ERR_SOCKET_BUSY'
    if (this.#phase === 'moved' || this.#reader !== undefined) {
      return Promise.reject(new SkynetError(code, { id: this.id }))
    }
    if (this.#phase === 'waiting') this.#start()
    let result: T | undefined
    try {
      result = this.#mustWaitForPeer() ? undefined : attempt()
    } catch (error) {
      return Promise.reject(error)
    }
    if (result !== undefined) {
      if (result === end) void this.close()
      this.#resumeIfLow()
      this.#buffer = keptBuffer(this.#buffer)
      return Promise.resolve(result)
    }
    const about = new SocketWait('read from', this.id, this.#pool)
    const waiter = new Waiter<T>(this.#pool.service, about, options, () => {
      this.#reader = undefined
    })
    if (waiter.isOver) return waiter.promise
    this.#reader = { waiter: waiter as Waiter<unknown>, attempt }
    this.#resumeIfLow()
    if (end === undefined) return waiter.promise
    return waiter.promise.then((value) => {
      if (value === end) void this.close()
      return value
    })
  }

  #serveReader(): void {
    const reader = this.#reader
    if (reader === undefined || this.#mustWaitForPeer()) return
    try {
      const result = reader.attempt()
      if (result !== undefined) reader.waiter.resolve(result)
    } catch (error) {
      reader.waiter.reject(error)
    }
  }

  /** Policy `pause-producer`: much waits to be sent, so what comes is not handed out. */
  #mustWaitForPeer(): boolean {
    const { slots } = this.#pool.client
    this.#isHeld = false
    if (slots.policyOf(this.id) !== SEND_POLICY['pause-producer']) return false
    if (this.bufferedAmount * 2 <= slots.limitOf(this.id)) return false
    this.#writer?.flush()
    this.#isHeld = true
    // The answer, once everything has left, serves the reader.
    this.#drains ??= new Drains()
    this.#drains.ask(this.#pool, this.id)
    return true
  }

  get #wantsMore(): boolean {
    return this.#reader !== undefined && !this.#isHeld
  }

  /** Nobody reads and much is there: let the peer's window fill instead of our memory. */
  #pauseIfHigh(): void {
    if (this.#isPaused || this.#wantsMore) return
    if (this.#buffer.length <= this.#pool.receiveLimitBytes || this.#phase !== 'open') return
    this.#isPaused = true
    this.#pool.client.order('pause', this.id)
  }

  #resumeIfLow(): void {
    if (!this.#isPaused || this.#phase !== 'open') return
    if (!this.#wantsMore && this.#buffer.length > this.#pool.receiveLimitBytes / 2) return
    this.#isPaused = false
    this.#pool.client.order('start', this.id, this.#pool.service.handle)
  }

  // --- writing -------------------------------------------------------------------------------

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
    const isTaken = this.#writable().write(data, options)
    return isTaken ? this.bufferedAmount < SEND_WARNING_BYTES : this.#refused()
  }

  #refused(): boolean {
    const { slots } = this.#pool.client
    if (slots.policyOf(this.id) !== SEND_POLICY['pause-producer']) {
      this.dropped++
      return false
    }
    const info = { id: this.id, queued: this.bufferedAmount, limit: slots.limitOf(this.id) }
    throw new SkynetError('ERR_SOCKET_FULL', info)
  }

  /** Resolves once everything written so far was taken by the kernel. Errors as `write`, `read`. */
  async drain(options?: WaitOptions): Promise<void> {
    checkWait('drain', options)
    this.#writable().flush()
    if (this.bufferedAmount === 0) return
    this.#drains ??= new Drains()
    await this.#drains.wait(this.#pool, this.id, options)
  }

  /**
   * Set an option of the socket: `keepIdleSeconds`, `userTimeoutMs` … A flag is 0 or 1.
   *
   * @throws {SkynetError} `ERR_SYSCALL` the system refused it, `ERR_SOCKET_CLOSED`.
   */
  setOption(name: SocketOption, value: number): void {
    if (!this.isOpen) throw new SkynetError('ERR_SOCKET_CLOSED', { id: this.id })
    this.#pool.setOption(this.id, name, value)
  }

  /**
   * Change limits and timeouts of this connection; those not named stay as they are.
   *
   * @throws `TypeError`, `RangeError` naming the setting.
   */
  configure(settings: Partial<SocketSettings>): void {
    const changes = checkSettings('configure a connection', settings)
    if (changes !== undefined) this.#pool.client.orderWith('configure', this.id, changes)
  }

  /**
   * Send small writes at once (TCP_NODELAY) instead of waiting for an answer to earlier ones. Does
   * nothing when the connection is closed, as in Node.js.
   */
  setNoDelay(on = true): void {
    checkFlag('set a socket option', 'on', on)
    if (this.isOpen) this.#pool.client.order('noDelay', this.id, on ? 1 : 0)
  }

  #writable(): Writer {
    if (!this.isOpen || this.#isEnding) throw new SkynetError('ERR_SOCKET_CLOSED', { id: this.id })
    if (this.#phase === 'waiting') this.#start()
    this.#writer ??= this.#pool.client.ownWriter(this.id)
    return this.#writer
  }

  // --- the end -------------------------------------------------------------------------------

  /**
   * Close: what was written still leaves (for at most 10 s). What came and was not read is dropped;
   * a read that waits gets the end. Resolves when the connection is closed for this service; its
   * descriptor is closed when all has left and the peer has ended too, or after 2 s more. It closes
   * all the same when nobody waits any more: `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  close(options?: WaitOptions): Promise<void> {
    const self = { id: this.id, pool: this.#pool }
    return closeSocket(self, options, (about) => this.#close(about))
  }

  #close(about: SocketWait): Promise<void> | undefined {
    if (this.#phase === 'closed' || this.#phase === 'moved') return undefined
    this.#writer?.flush()
    this.#buffer.takeAll()
    const { service, client } = this.#pool
    client.order('close', this.id, service.handle)
    if (service.hasEnded || this.#phase === 'ended') {
      this.#end('closed')
      return undefined
    }
    this.#closing ??= new Waiter<void>(service, about, undefined)
    return this.#closing.promise
  }

  /**
   * Say FIN after what was written: the peer sees the end, and may still answer. Reading goes on;
   * nothing can be written any more. The connection closes when the peer ends too, or by `close`.
   */
  end(): void {
    if (this.#phase === 'closed' || this.#phase === 'moved' || this.#isEnding) return
    if (this.#pool.client.slots.protocolOf(this.id) === PROTOCOL.file) {
      const reason = 'a bound descriptor has no half to end: close it'
      throw new SkynetError('ERR_SOCKET_STATE', { id: this.id, reason })
    }
    this.#writable().flush()
    this.#isEnding = true
    this.#pool.client.order('end', this.id, this.#pool.service.handle)
  }

  /** Close at once. When what was written has not left it is dropped, and the peer gets RST. */
  shutdown(): void {
    if (this.#phase === 'closed' || this.#phase === 'moved') return
    this.#writer?.flush()
    this.#pool.client.order('shutdown', this.id, this.#pool.service.handle)
    this.#end('closed')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal Called by the pool. */
  abandon(): void {
    this.#writer?.flush()
    this.#phase = 'closed'
  }

  // --- events, called by the pool --------------------------------------------------------------

  /** @internal Ask for the connection (`start`), and wait until it is this service's. */
  open(options?: WaitOptions): Promise<this> {
    const about = new SocketWait('open', this.id, this.#pool)
    const waiter = new Waiter<void>(this.#pool.service, about, options)
    this.#opening = waiter
    return waiter.promise.then(
      () => this,
      (error: unknown) => {
        if (this.isOpen) this.shutdown()
        throw error
      },
    )
  }

  #start(): void {
    this.#phase = 'open'
    this.#pool.client.order('start', this.id, this.#pool.service.handle)
  }

  #received(chunk: Buffer): void {
    if (this.#closing !== undefined) return
    if (this.#buffer === NOTHING_READ) this.#buffer = newBuffer()
    this.#buffer.push(chunk)
    this.#serveReader()
    this.#pauseIfHigh()
    this.#buffer = keptBuffer(this.#buffer)
  }

  /** @internal */
  happened(kind: number, ud: number, payload: Buffer): void {
    if (kind === EVENT.DATA) this.#received(payload)
    else if (kind === EVENT.OPEN) this.#opened()
    else if (kind === EVENT.CLOSE) this.#end('ended')
    else if (kind === EVENT.ERROR) this.#failed(payload.toString())
    else if (kind === EVENT.DRAIN) {
      this.#drains?.answered(this.#pool, this.id, ud, this.#error)
      this.#serveReader()
      this.#resumeIfLow()
    } else if (kind === EVENT.YIELD) this.#yield(ud)
    else if (kind === EVENT.WARNING) this.#warned(ud)
  }

  #warned(kib: number): void {
    const warn = this.#warn
    if (warn !== undefined) begin(() => warn(kib))
    else if (kib > 0) this.#pool.warned(kib, this.id)
  }

  #opened(): void {
    if (this.#phase === 'opening' || this.#phase === 'waiting') this.#phase = 'open'
    this.#opening?.resolve()
    this.#opening = undefined
  }

  #failed(reason: string): void {
    const wasOpening = this.#phase === 'opening'
    this.#error = new SkynetError('ERR_SOCKET_FAILED', { id: this.id, reason })
    this.#drains?.reject(this.#error)
    if (wasOpening) this.#end('closed')
  }

  /** Nothing more will come; what came before stays readable. */
  #end(phase: 'ended' | 'closed'): void {
    const isClosed = phase === 'closed' || this.#closing !== undefined || this.#error !== undefined
    this.#phase = isClosed ? 'closed' : 'ended'
    if (isClosed) this.#pool.remove(this.id)
    if (this.#opening !== undefined || this.#drains !== undefined) this.#rejectWaiters(isClosed)
    this.#serveReader()
    this.#closing?.resolve()
    this.#closing = undefined
  }

  /** Apart from `#end`, since an error with its stack costs more than the rest of a close. */
  #rejectWaiters(isClosed: boolean): void {
    const failure = this.#error ?? new SkynetError('ERR_SOCKET_CLOSED', { id: this.id })
    if (isClosed) this.#drains?.reject(failure)
    this.#opening?.reject(failure)
    this.#opening = undefined
  }

  /** Another service takes the connection over: give back what nobody read here. */
  #yield(request: number): void {
    this.#writer?.flush()
    this.#pool.client.handover(this.id, this.#buffer.takeAll(), request)
    this.#pool.remove(this.id)
    this.#phase = 'moved'
    const moved = new SkynetError('ERR_SOCKET_MOVED', { id: this.id })
    this.#reader?.waiter.reject(moved)
    this.#drains?.reject(moved)
  }
}
