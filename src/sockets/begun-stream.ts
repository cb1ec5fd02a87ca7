/** A byte stream of which somebody has read already: what he gives back comes first. */
import { isA } from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { SocketWait, type WaitHost, waitAlong } from '../service/wait.ts'
import { type WaitOptions, wrongWait } from '../service/wait-options.ts'
import type { ByteStream } from './byte-stream.ts'
import { wrongCount } from './read-options.ts'

/** A read of the former owner that has not ended: what it gets comes behind the begin. */
export interface LateRead {
  readonly promise: Promise<Buffer | null>
  /** Service that reads from now on: it may give up. */
  readonly host: WaitHost
}

const NOTHING: Buffer = Buffer.alloc(0)

/**
 * `stream` as it was before `begin` was read from it. From now on it is read through the result
 * alone.
 *
 * @param begin Bytes that are the stream's from now on.
 */
export function withBegin(stream: ByteStream, begin: Buffer, late?: LateRead): ByteStream {
  return begin.length === 0 && late === undefined ? stream : new BegunStream(stream, begin, late)
}

/**
 * The same back in two parts, for who can do more with what stands below: nobody reads `stream` any
 * more. While a read of the former owner waits it stays in one.
 */
export function withoutBegin(stream: ByteStream): {
  readonly stream: ByteStream
  readonly begin: Buffer
} {
  return (isA(stream, BegunStream) ? stream.apart() : undefined) ?? { stream, begin: NOTHING }
}

class BegunStream implements ByteStream {
  readonly #stream: ByteStream
  #begin: Buffer
  #late: LateRead | undefined
  /** A read waits that needs the begin. */
  #isReading = false

  constructor(stream: ByteStream, begin: Buffer, late: LateRead | undefined) {
    this.#stream = stream
    this.#begin = begin
    this.#late = late
    // Whoever reads is told; nobody may.
    late?.promise.catch(() => {})
  }

  /** Undefined: a read of the former owner waits. */
  apart(): { readonly stream: ByteStream; readonly begin: Buffer } | undefined {
    if (this.#late !== undefined) return undefined
    return { stream: this.#stream, begin: this.#take(this.#begin.length) }
  }

  get remoteAddress(): string {
    return this.#stream.remoteAddress
  }

  get isOpen(): boolean {
    return this.#stream.isOpen
  }

  get bufferedAmount(): number {
    return this.#stream.bufferedAmount
  }

  get #hasBegin(): boolean {
    return this.#begin.length > 0 || this.#late !== undefined
  }

  read(count?: undefined, options?: WaitOptions): Promise<Buffer | null>
  read(count: number, options?: WaitOptions): Promise<Buffer>
  read(count?: number, options?: WaitOptions): Promise<Buffer | null> {
    if (!this.#hasBegin) return this.#stream.read(count as undefined, options)
    return this.#readBegin(count, options)
  }

  async #readBegin(count: number | undefined, options?: WaitOptions): Promise<Buffer | null> {
    const wrong =
      wrongWait('read', options) ?? (count === undefined ? undefined : wrongCount(count))
    if (wrong !== undefined) throw wrong
    if (this.#isReading) throw new SkynetError('ERR_SOCKET_BUSY', { id: 0 })
    this.#isReading = true
    try {
      while (this.#late !== undefined && this.#begin.length < (count ?? 1)) {
        await this.#takeLate(this.#late, options)
      }
      if (count !== undefined) return await this.#exactly(count, options)
      if (this.#begin.length === 0) return await this.#stream.read(undefined, options)
      return this.#take(this.#begin.length)
    } finally {
      this.#isReading = false
    }
  }

  /** What ends the stream is told by its next read, too. */
  async #takeLate({ promise, host }: LateRead, options: WaitOptions | undefined): Promise<void> {
    const chunk = promise.catch(() => null)
    const bytes = await waitAlong(host, new SocketWait('read from', 0), options, chunk)
    // Closed meanwhile: nothing of it is read any more.
    if (this.#late === undefined) return
    this.#late = undefined
    if (bytes !== null) this.#begin = Buffer.concat([this.#begin, bytes])
  }

  /** Until all are there the begin stays: who gives up loses none of it. */
  async #exactly(count: number, options: WaitOptions | undefined): Promise<Buffer> {
    const { length } = this.#begin
    if (length >= count) return this.#take(count)
    try {
      const rest = await this.#stream.read(count - length, options)
      return Buffer.concat([this.#take(length), rest])
    } catch (error) {
      if (!isSkynetError(error, 'ERR_SOCKET_ENDED')) throw error
      const { id, received } = error.info
      throw new SkynetError('ERR_SOCKET_ENDED', { id, wanted: count, received: received + length })
    }
  }

  #take(count: number): Buffer {
    const bytes = this.#begin.subarray(0, count)
    this.#begin = this.#begin.subarray(count)
    return bytes
  }

  write(data: string | Uint8Array): boolean {
    return this.#stream.write(data)
  }

  drain(options?: WaitOptions): Promise<void> {
    return this.#stream.drain(options)
  }

  end(): void {
    this.#stream.end()
  }

  close(options?: WaitOptions): Promise<void> {
    const wrong = wrongWait('close', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    this.#begin = Buffer.alloc(0)
    this.#late = undefined
    return this.#stream.close(options)
  }

  hold(isSealed?: boolean): void {
    this.#stream.hold?.(isSealed)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, void> {
    try {
      for (let chunk = await this.read(); chunk !== null; chunk = await this.read()) yield chunk
    } finally {
      await this.close()
    }
    return undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
