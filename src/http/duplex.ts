/** A byte stream as a stream of Node.js: for `node:http`, `node:tls`, and whatever pipes. */
import { Duplex } from 'node:stream'
import { checkMs, checkOptions, isA } from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { withoutPort } from '../base/home.ts'
import { readHostPort } from '../base/host-port.ts'
import { DUPLEX_GATHER_BYTES, DUPLEX_PIECE_BYTES, DUPLEX_UNSENT_BYTES } from '../base/limits.ts'
import { WaitLimits } from '../service/wait-options.ts'
import { Skynet } from '../skynet/skynet.ts'
import { type LateRead, withBegin } from '../sockets/begun-stream.ts'
import { type ByteStream, checkStream } from '../sockets/byte-stream.ts'
import { Connection } from '../sockets/connection.ts'
import { securePeerOf } from '../sockets/secure-peer.ts'
import { IdleTimer } from './idle-timer.ts'

/** What Node.js has to write, as it hands it over. */
interface Written {
  readonly chunk: string | Buffer
  readonly encoding: BufferEncoding
}

type Done = (error?: Error | null) => void
/** What can be handed on as it is. */
type Data = string | Uint8Array

function dataOf(chunk: string | Buffer, encoding: BufferEncoding): Data {
  const isUtf8 = encoding === 'utf8' || encoding === 'utf-8'
  // Nothing at all is how node:http tells the end of each response.
  return typeof chunk !== 'string' || isUtf8 || chunk === '' ? chunk : Buffer.from(chunk, encoding)
}

/** Where a piece is put together. What is in it is the stream's copy before anything is awaited. */
let piece: Buffer | undefined

function gathered(): Buffer {
  piece ??= Buffer.allocUnsafeSlow(DUPLEX_PIECE_BYTES)
  return piece
}

export interface StreamDuplexOptions {
  /**
   * The stream fails when nothing of what waits to be sent leaves for so many milliseconds, with
   * `ERR_SOCKET_TIMEOUT`. Default 0: it may take for ever.
   */
  readonly writeTimeoutMs?: number
}

const NOTHING = Buffer.alloc(0)

/**
 * Both directions have back-pressure: the stream is read only while somebody wants more, and a
 * write is done once few bytes wait to be sent. The failures of the stream are its errors, with our
 * codes. When both sides have ended, and when it is destroyed, it closes the stream: what was
 * written still leaves.
 *
 * It has what `node:http` and `node:tls` ask of a socket. `setTimeout` works; `ref`, `unref`,
 * `setNoDelay` and `setKeepAlive` do nothing, as the socket is another thread's: options of
 * `listen` and `connect` are for that.
 *
 * The stream must not drop what is written: no policy that drops.
 */
export class StreamDuplex extends Duplex {
  readonly #skynet: Skynet
  readonly #stream: ByteStream
  readonly #idle: IdleTimer
  readonly #patience: WaitLimits | undefined
  #reading: Promise<Buffer | null> | undefined
  #isDetached = false
  /** As `setTimeout` was told. */
  timeout = 0

  /**
   * @param skynet Of the service whose stream it is.
   * @param stream Read and written by nobody else from now on.
   * @throws `TypeError`, `RangeError` naming the argument.
   */
  constructor(skynet: Skynet, stream: ByteStream, options: StreamDuplexOptions = {}) {
    super({ decodeStrings: false })
    checkStream('make a duplex', 'stream', stream)
    this.#skynet = skynet
    this.#stream = stream
    checkOptions('make a duplex', 'options', options, ['writeTimeoutMs'])
    const { writeTimeoutMs = 0 } = options
    checkMs('make a duplex', 'writeTimeoutMs', writeTimeoutMs)
    if (writeTimeoutMs > 0) this.#patience = new WaitLimits({ timeoutMs: writeTimeoutMs })
    this.#idle = new IdleTimer(Skynet.serviceOf(skynet), () => this.emit('timeout'))
  }

  // --- about the peer ------------------------------------------------------------------------

  /** The address without its port, as `net.Socket` has it. */
  get remoteAddress(): string {
    return withoutPort(this.#stream.remoteAddress)
  }

  get remotePort(): number {
    return readHostPort(this.#stream.remoteAddress)?.port ?? 0
  }

  get remoteFamily(): 'IPv4' | 'IPv6' {
    return this.remoteAddress.includes(':') ? 'IPv6' : 'IPv4'
  }

  /** Does nobody on the way read along? A stream over TLS says so by `encrypted`. */
  get encrypted(): boolean {
    return securePeerOf(this.#stream) !== undefined
  }

  // --- as a socket of node:net ---------------------------------------------------------------

  /** Emit `timeout` when nothing was read or written for `ms`; 0: never. */
  setTimeout(ms: number, onTimeout?: () => void): this {
    this.timeout = ms
    this.#idle.set(ms)
    if (onTimeout === undefined) return this
    return ms === 0 ? this.off('timeout', onTimeout) : this.once('timeout', onTimeout)
  }

  /** Once everything was written. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', this.destroy)
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  // --- detaching -----------------------------------------------------------------------------

  /**
   * Give the stream back; this duplex is of no use any more, and emits `close`. No byte is lost:
   * what it has read and nobody has taken comes first.
   *
   * @param head Bytes that were taken from it, and belong in front of all others.
   * @throws {SkynetError} `ERR_SOCKET_STATE` what was written waits to be sent: nothing changes.
   */
  detach(head: Uint8Array = NOTHING): ByteStream {
    if (this.writableLength > 0) {
      const reason = `${this.writableLength} bytes wait to be written`
      throw new SkynetError('ERR_SOCKET_STATE', { id: 0, reason })
    }
    this.#isDetached = true
    this.pause()
    const parts: Uint8Array[] = head.length === 0 ? [] : [head]
    // Which may be one chunk at a time, by the version of Node.js.
    for (let part = this.read(); part !== null; part = this.read()) parts.push(part as Buffer)
    const begin = parts.length === 0 ? NOTHING : Buffer.concat(parts)
    const late = this.#late()
    this.destroy()
    return withBegin(this.#stream, begin, late)
  }

  /** The read that has not ended: what it gets is the stream's. One that waits gets nothing. */
  #late(): LateRead | undefined {
    const stream = this.#stream
    if (this.#reading === undefined) return undefined
    if (isA(stream, Connection) && stream.giveUpRead()) return undefined
    return { promise: this.#reading, host: Skynet.serviceOf(this.#skynet) }
  }

  // --- as node:stream calls it ---------------------------------------------------------------

  /** @internal */
  override _read(): void {
    if (this.#reading !== undefined || this.#isDetached) return
    this.#reading = this.#stream.read()
    this.#reading.then(this.#took, this.#broke)
  }

  readonly #took = (chunk: Buffer | null): void => {
    if (this.#isDetached) return
    this.#reading = undefined
    if (this.destroyed) return
    this.#idle.touch()
    try {
      this.push(chunk)
    } catch (error) {
      // A listener has thrown, where it has left whoever parses in the middle of something.
      this.destroy()
      throw error
    }
  }

  readonly #broke = (error: Error): void => {
    if (this.#isDetached) return
    this.#reading = undefined
    this.destroy(error)
  }

  /** @internal */
  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: Done): void {
    const bytes = dataOf(chunk, encoding)
    this.#send(bytes, bytes.length > DUPLEX_PIECE_BYTES ? [bytes] : undefined, done)
  }

  /** @internal */
  override _writev(chunks: readonly Written[], done: Done): void {
    let length = 0
    for (const { chunk } of chunks) length += chunk.length
    const all = chunks.map(({ chunk, encoding }) => dataOf(chunk, encoding))
    this.#send(all, length > DUPLEX_GATHER_BYTES ? all : undefined, done)
  }

  /** @param long What does not leave in one system call by itself. */
  #send(data: Data | readonly Data[], long: readonly Data[] | undefined, done: Done): void {
    this.#idle.touch()
    let left: Promise<void> | undefined
    try {
      if (long !== undefined) left = this.#sendLong(long)
      else if (!this.#put(data)) left = this.#drained()
    } catch (error) {
      done(error as Error)
      return
    }
    if (left === undefined) done()
    else left.then(() => done(), done)
  }

  /**
   * In pieces, each as full as can be, so that the header of a response leaves with the begin of
   * its body. All of it at once may be more than may wait to be sent.
   */
  async #sendLong(all: readonly Data[]): Promise<void> {
    let filled = 0
    for (const data of all) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + DUPLEX_PIECE_BYTES - filled)
        at += part.length
        const isWhole = part.length === DUPLEX_PIECE_BYTES
        if (!isWhole) gathered().set(part, filled)
        filled += part.length
        if (filled < DUPLEX_PIECE_BYTES) continue
        filled = 0
        if (!this.#put(isWhole ? part : gathered())) await this.#drained()
      }
    }
    if (filled > 0 && !this.#put(gathered().subarray(0, filled))) await this.#drained()
  }

  /** @returns False: enough waits to be sent. */
  #put(data: Data | readonly Data[]): boolean {
    if (typeof data === 'string' || data instanceof Uint8Array) this.#stream.write(data)
    else for (const each of data) if (each.length > 0) this.#stream.write(each)
    return this.#stream.bufferedAmount < DUPLEX_UNSENT_BYTES
  }

  /** As long as something leaves it may take its time. */
  async #drained(): Promise<void> {
    for (;;) {
      const waiting = this.#stream.bufferedAmount
      try {
        await this.#stream.drain(this.#patience)
        return
      } catch (error) {
        const isLate = isSkynetError(error, 'ERR_SOCKET_TIMEOUT')
        if (!isLate || this.#stream.bufferedAmount >= waiting) throw error
      }
    }
  }

  /** @internal */
  override _final(done: Done): void {
    try {
      if (this.#stream.isOpen) this.#stream.end()
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  /** @internal */
  override _destroy(error: Error | null, done: Done): void {
    this.#idle.end()
    if (!this.#isDetached) this.#stream.close().catch(() => {})
    done(error)
  }
}
