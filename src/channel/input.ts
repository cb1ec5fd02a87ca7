/** What the functions that read answers read from: the bytes of one connection. */
import { checkInteger, checkOptions } from '../base/check.ts'
import { LINE_BYTES_MAX, MESSAGE_BYTES_MAX, RECEIVE_BUFFER_BYTES_MAX } from '../base/limits.ts'
import { ReadBuffer } from '../sockets/read-buffer.ts'

export interface InputLineOptions {
  /** Longest line in bytes, its end not counted. Default 1 MiB. */
  readonly max?: number
}

/** A way to read: the result, or undefined while it is not there. It may throw. */
type Way<T> = (buffer: ReadBuffer, limit: number) => T | undefined

interface Reading {
  readonly way: Way<unknown>
  readonly limit: number
  resolve(value: unknown): void
  reject(error: unknown): void
}

const chunk: Way<Buffer> = (buffer) => buffer.takeChunk()

const exactly: Way<Buffer> = (buffer, count) => buffer.take(count)

const line: Way<string> = (buffer, max) => {
  if (buffer.lineExceeds(max)) throw new RangeError(`a line has more than ${max} bytes`)
  return buffer.takeLine()
}

/** One read waits at a time. When the connection is lost it rejects, and so do all later ones. */
export class ChannelInput {
  readonly #buffer = new ReadBuffer()
  readonly #onRead: () => void
  #reading: Reading | undefined
  #error: unknown
  #pushed = 0

  /** @internal @param onRead Called when more may be pushed. */
  constructor(onRead: () => void) {
    this.#onRead = onRead
  }

  /**
   * The next bytes as they come, at least one; with `count` exactly so many, at most 256 MiB. They
   * are kept until all are there.
   *
   * @returns A buffer that is yours.
   */
  read(count?: number): Promise<Buffer> {
    if (count === undefined) return this.#read(chunk, 0)
    try {
      checkInteger('read', 'count', count, 0, MESSAGE_BYTES_MAX)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#read(exactly, count)
  }

  /** The next line as UTF-8, without `\n` or `\r\n`. One that is too long rejects. */
  readLine(options?: InputLineOptions): Promise<string> {
    try {
      checkOptions('read a line', 'options', options, ['max'])
      const { max = LINE_BYTES_MAX } = options ?? {}
      checkInteger('read a line', 'max', max, 1, MESSAGE_BYTES_MAX)
      return this.#read(line, max)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #read<T>(way: Way<T>, limit: number): Promise<T> {
    if (this.#reading !== undefined) {
      return Promise.reject(new TypeError('Cannot read: another read of this connection waits'))
    }
    let found: T | undefined
    try {
      found = way(this.#buffer, limit)
    } catch (error) {
      return Promise.reject(error)
    }
    if (found === undefined && this.#error !== undefined) return Promise.reject(this.#error)
    const result = found === undefined ? this.#wait(way, limit) : Promise.resolve(found)
    this.#onRead()
    return result
  }

  #wait<T>(way: Way<T>, limit: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#reading = { way, limit, resolve: resolve as (value: unknown) => void, reject }
    })
  }

  /** @internal Bytes that were read. */
  get taken(): number {
    return this.#pushed - this.#buffer.length
  }

  /** @internal Bytes that nobody has read. */
  get length(): number {
    return this.#buffer.length
  }

  /** @internal So much is there that nobody reads that the peer has to wait. */
  get isFull(): boolean {
    return this.#reading === undefined && this.#buffer.length > RECEIVE_BUFFER_BYTES_MAX
  }

  /** @internal */
  push(bytes: Buffer): void {
    this.#pushed += bytes.length
    this.#buffer.push(bytes)
    const reading = this.#reading
    if (reading === undefined) return
    try {
      const found = reading.way(this.#buffer, reading.limit)
      if (found === undefined) return
      this.#reading = undefined
      reading.resolve(found)
    } catch (error) {
      this.#reading = undefined
      reading.reject(error)
    }
  }

  /** @internal Nothing more comes. What is there can still be read. */
  end(error: unknown): void {
    this.#error ??= error
    this.#reading?.reject(this.#error)
    this.#reading = undefined
  }
}
