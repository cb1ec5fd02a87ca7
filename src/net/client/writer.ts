/** What one worker writes to one socket in a turn, gathered to leave in one system call. */
import { checkBytes, checkChoice, checkOptions } from '../../base/check.ts'
import { SEND_POLICY } from '../settings.ts'
import type { Slots } from '../slots.ts'

/** Enough for many small answers; a bigger piece is written by itself, without this copy. */
const WRITER_BYTES = 16 * 1024
const SPARE_BUFFERS_MAX = 256

export interface WriteOptions {
  /**
   * `low`: leaves when nothing else waits, as Skynet's `lwrite`; never in the middle of another
   * write, nor another in the middle of it.
   */
  readonly priority?: 'high' | 'low'
}
const WRITE_NAMES = ['priority']
const PRIORITIES = ['high', 'low']

/** How messages lie in a stream, each in a frame. A FrameFormat is one. */
export interface Framed {
  /** Bytes of a message. It throws for what cannot be sent. */
  lengthOf(body: string | Uint8Array): number
  /** Bytes around a message of so many. */
  overhead(length: number): number
  /** Write the frame of a message of `length` bytes at `into[at]`. */
  put(into: Buffer, at: number, body: string | Uint8Array, length: number, overhead: number): void
}

/** Buffers between turns. One list a thread: a module is loaded once in each. */
const spare: Buffer[] = []

/** What a Writer needs of its thread. */
export interface WriterHost {
  readonly slots: Slots
  /** Flush it at the end of this turn. */
  markDirty(writer: { flush(): void }): void
  /** The bytes are the caller's again on return. False: the socket is gone or closing. */
  send(id: number, bytes: Uint8Array, length: number): boolean
  /** The same, when nothing else waits. */
  sendLow(id: number, bytes: Uint8Array): boolean
  /** More waits than the policy of the socket allows: its end. */
  order(type: 'overflow', id: number): void
}

export class Writer {
  readonly id: number
  readonly #host: WriterHost
  #buffer: Buffer | undefined
  /** Bytes gathered and not written yet. */
  length = 0
  /** The socket was gone at the last flush. */
  isGone = false

  constructor(host: WriterHost, id: number) {
    this.#host = host
    this.id = id
  }

  /**
   * Take `data`, which is the caller's again on return. Strings are sent as UTF-8.
   *
   * @returns False when so much waits already that the policy of the socket refuses it, whole.
   */
  write(data: string | Uint8Array, options?: WriteOptions): boolean {
    checkBytes('write', 'data', data)
    if (options !== undefined) {
      checkOptions('write', 'options', options, WRITE_NAMES)
      const { priority = 'high' } = options
      checkChoice('write', 'priority', priority, PRIORITIES)
      if (priority === 'low') return this.#writeLow(data)
    }
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length
    if (length === 0) return true
    if (this.#isRefused()) return false
    const buffer = this.#roomFor(length)
    if (buffer === undefined) {
      this.#send(typeof data === 'string' ? Buffer.from(data) : data, length)
      return true
    }
    if (typeof data === 'string') buffer.write(data, this.length)
    else buffer.set(data, this.length)
    this.length += length
    return true
  }

  /** The same for a message in its frame: taken whole, or refused. */
  writeFrame(format: Framed, body: string | Uint8Array): boolean {
    const bodyBytes = format.lengthOf(body)
    const overhead = format.overhead(bodyBytes)
    const length = overhead + bodyBytes
    if (this.#isRefused()) return false
    const buffer = this.#roomFor(length)
    if (buffer === undefined) {
      // In one piece, as others may write to this socket too.
      const bytes = Buffer.allocUnsafe(length)
      format.put(bytes, 0, body, bodyBytes, overhead)
      this.#send(bytes, length)
      return true
    }
    format.put(buffer, this.length, body, bodyBytes, overhead)
    this.length += length
    return true
  }

  /** Where so many bytes are gathered, from `length` on. Undefined: they leave by themselves. */
  #roomFor(length: number): Buffer | undefined {
    if (this.length + length > WRITER_BYTES) {
      this.flush()
      if (length > WRITER_BYTES) return undefined
    }
    if (this.#buffer === undefined) {
      this.#buffer = spare.pop() ?? Buffer.allocUnsafeSlow(WRITER_BYTES)
      this.#host.markDirty(this)
    }
    return this.#buffer
  }

  /** It is not gathered. */
  #writeLow(data: string | Uint8Array): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (bytes.length === 0) return true
    // What this turn wrote before is before it.
    this.flush()
    if (this.#isRefused()) return false
    if (!this.#host.sendLow(this.id, bytes)) this.isGone = true
    return true
  }

  /** Hand everything on. Also called at the end of each turn in which something was written. */
  flush(): void {
    const buffer = this.#buffer
    if (buffer === undefined) return
    this.#buffer = undefined
    const { length } = this
    this.length = 0
    if (length > 0) this.#send(buffer, length)
    if (spare.length < SPARE_BUFFERS_MAX) spare.push(buffer)
  }

  /** So much waits that the policy of the socket refuses more; policy `close` ends the socket. */
  #isRefused(): boolean {
    const { slots } = this.#host
    if (!slots.isFull(this.id, this.length)) return false
    if (slots.policyOf(this.id) === SEND_POLICY.close) {
      this.#host.order('overflow', this.id)
      this.isGone = true
    }
    return true
  }

  #send(bytes: Uint8Array, length: number): void {
    if (!this.#host.send(this.id, bytes, length)) this.isGone = true
  }
}
