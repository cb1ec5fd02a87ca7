/** The suite itself: a stream in memory passes it, and one that breaks a promise does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBytes } from '../base/check.ts'
import { abortError, isSkynetError, SkynetError } from '../base/errors.ts'
import { type WaitOptions, wrongWait } from '../service/wait-options.ts'
import { byteStreamSuite, type OpenPair } from './byte-stream.suite.ts'
import type { ByteStream } from './byte-stream.ts'
import { ReadBuffer } from './read-buffer.ts'
import { wrongCount } from './read-options.ts'

const ID = 1
const HELD_BYTES_MAX = 128 * 1024
const MUCH = 1024 * 1024

/** One end of a stream in memory. What it writes moves to the peer as that reads. */
class Memory implements ByteStream {
  readonly remoteAddress = 'memory'
  peer!: Memory
  buffer = new ReadBuffer()
  readonly waiting: Buffer[] = []
  state: 'open' | 'ended' | 'closed' = 'open'
  /** The peer has ended, and everything has come. */
  isOver = false
  error: SkynetError | undefined
  /** Look again: something has changed. */
  readonly looks = new Set<() => void>()
  isReading = false

  get isOpen(): boolean {
    return this.state !== 'closed' && this.error === undefined
  }

  get bufferedAmount(): number {
    return this.waiting.reduce((sum, { length }) => sum + length, 0)
  }

  read(count?: undefined, options?: WaitOptions): Promise<Buffer | null>
  read(count: number, options?: WaitOptions): Promise<Buffer>
  async read(count?: number, options?: WaitOptions): Promise<Buffer | null> {
    const wrong = count === undefined ? undefined : wrongCount(count)
    if (wrong !== undefined) throw wrong
    if (this.isReading) return this.busy()
    this.isReading = true
    try {
      return await this.wait('read', options, () => this.take(count))
    } finally {
      this.isReading = false
      this.peer.move()
    }
  }

  busy(): Buffer | null {
    throw new SkynetError('ERR_SOCKET_BUSY', { id: ID })
  }

  take(count: number | undefined): Buffer | null | undefined {
    this.peer.handOn()
    const bytes = count === undefined ? this.buffer.takeChunk() : this.buffer.take(count)
    if (bytes !== undefined) return bytes
    if (this.error !== undefined) throw this.error
    if (!this.isOver && this.state !== 'closed') return undefined
    if (count === undefined) return null
    const info = { id: ID, wanted: count, received: this.buffer.length }
    throw new SkynetError('ERR_SOCKET_ENDED', info)
  }

  write(data: string | Uint8Array): boolean {
    checkBytes('write', 'data', data)
    if (!this.isOpen || this.state !== 'open') throw this.closed()
    const bytes = Buffer.from(data as Uint8Array)
    if (bytes.length > 0) this.waiting.push(bytes)
    this.move()
    return this.bufferedAmount < MUCH
  }

  async drain(options?: WaitOptions): Promise<void> {
    if (!this.isOpen) throw this.closed()
    await this.wait('drain', options, () => this.isDrained || undefined)
  }

  get isDrained(): boolean {
    return this.waiting.length === 0
  }

  end(): void {
    if (this.state === 'open') this.state = 'ended'
    this.move()
  }

  async close(options?: WaitOptions): Promise<void> {
    const wrong = wrongWait('close', options)
    if (wrong !== undefined) throw wrong
    this.state = 'closed'
    this.buffer = new ReadBuffer()
    this.move()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, void> {
    try {
      for (let chunk = await this.read(); chunk !== null; chunk = await this.read()) yield chunk
    } finally {
      await this.close()
    }
    return undefined
  }

  breakNear(): void {
    this.error = new SkynetError('ERR_SOCKET_FAILED', { id: ID, reason: 'it breaks' })
    this.move()
  }

  closed(): SkynetError {
    return new SkynetError('ERR_SOCKET_CLOSED', { id: ID })
  }

  /** Give the peer what it has room for. */
  handOn(): void {
    const { peer } = this
    while (this.waiting.length > 0 && peer.hasRoom) {
      const bytes = this.waiting.shift()!
      if (peer.state !== 'closed') peer.buffer.push(bytes)
    }
    if (this.state !== 'open' && this.waiting.length === 0) peer.isOver = true
  }

  /** The same; then all who wait look, on either side. */
  move(): void {
    this.handOn()
    queueMicrotask(() => {
      for (const look of [...this.looks, ...this.peer.looks]) look()
    })
  }

  /** A closed one takes all and drops it. One that waits for more does too. */
  get hasRoom(): boolean {
    return this.buffer.length < HELD_BYTES_MAX || this.isReading || this.state === 'closed'
  }

  wait<T>(what: string, options: WaitOptions = {}, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const wrong = wrongWait(what, options)
      if (wrong !== undefined) throw wrong
      const { timeoutMs = 0, signal } = options
      const settle = (end: () => void) => {
        this.looks.delete(again)
        clearTimeout(timer)
        end()
      }
      const again = () => {
        try {
          const value = look()
          if (value !== undefined) settle(() => resolve(value))
        } catch (error) {
          settle(() => reject(error))
        }
      }
      const late = () => {
        const error = new SkynetError('ERR_SOCKET_TIMEOUT', { id: ID, what, timeoutMs })
        settle(() => this.givesUp(error, reject))
      }
      const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined
      if (signal?.aborted) return settle(() => reject(abortError(signal)))
      signal?.addEventListener('abort', () => settle(() => reject(abortError(signal))))
      this.looks.add(again)
      again()
    })
  }

  givesUp(error: SkynetError, reject: (error: unknown) => void): void {
    reject(error)
  }
}

type Kind = new () => Memory

const openPair =
  (Stream: Kind): OpenPair =>
  async () => {
    const [near, far] = [new Stream(), new Stream()]
    near.peer = far
    far.peer = near
    return { near, far, breakNear: () => near.breakNear() }
  }

byteStreamSuite('a stream in memory:', (title, body) => {
  test(title, () => body(openPair(Memory)))
})

/** A promise that is broken, by the case that finds it. None leaves that case waiting for ever. */
const BROKEN: Readonly<Record<string, Kind>> = {
  'for await closes when it is left': class extends Memory {
    override async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, void> {
      for (let chunk = await this.read(); chunk !== null; chunk = await this.read()) yield chunk
      return undefined
    }
  },
  'read() gives bytes in order, then null, again and again': class extends Memory {
    override take(count: number | undefined) {
      const bytes = super.take(count)
      return bytes === null ? Buffer.alloc(0) : bytes
    }
  },
  'read() gives a buffer that stays as it is': class extends Memory {
    readonly shared = Buffer.alloc(MUCH)
    override take(count: number | undefined) {
      const bytes = super.take(count)
      return bytes && this.shared.subarray(0, bytes.copy(this.shared))
    }
  },
  'read() that gives up loses no byte': class extends Memory {
    override givesUp(error: SkynetError, reject: (error: unknown) => void) {
      this.buffer.push(this.buffer.takeAll().fill(0))
      super.givesUp(error, reject)
    }
  },
  'a second read at a time is refused, the first one goes on': class extends Memory {
    override busy() {
      return null
    }
  },
  'read(count) rejects when the peer ends first; what came stays readable': class extends Memory {
    override take(count: number | undefined) {
      return this.isOver ? super.take(Math.min(count ?? 1, this.buffer.length)) : super.take(count)
    }
  },
  'write() takes bytes in order, which are the writer’s again on return': class extends Memory {
    override write(data: string | Uint8Array) {
      if (typeof data === 'string') return super.write(data)
      this.waiting.push(Buffer.from(data.buffer, data.byteOffset, data.length))
      return true
    }
  },
  'write() sends strings as UTF-8, and nothing for nothing': class extends Memory {
    override write(data: string | Uint8Array) {
      return super.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    }
  },
  'write() says when too much waits, drain() when to go on, nothing is lost': class extends Memory {
    override get hasRoom() {
      return true
    }
  },
  'end() is read behind all bytes, and reading goes on': class extends Memory {
    override end() {
      void this.close()
    }
  },
  'the end of the peer leaves this side open': class extends Memory {
    override get isOpen() {
      return !this.isOver && super.isOpen
    }
  },
  'close() sends what was written, then the end': class extends Memory {
    override close(options?: WaitOptions) {
      this.peer.buffer.takeAll()
      return super.close(options)
    }
  },
  'close() gives the end to a read that waits, and to later ones': class extends Memory {
    override async drain(options?: WaitOptions) {
      if (this.state !== 'closed') await super.drain(options)
    }
  },
  'what came before close() is not read after it': class extends Memory {
    override async close(options?: WaitOptions) {
      const { buffer } = this
      await super.close(options)
      this.buffer = buffer
    }
  },
  'what makes no sense is refused, and the stream goes on': class extends Memory {
    override write(data: string | Uint8Array) {
      return super.write(String(data))
    }
  },
  'a stream that breaks rejects the read that waits, and all later ones': class extends Memory {
    override breakNear() {
      this.isOver = true
      this.move()
    }
  },
}

for (const [title, Stream] of Object.entries(BROKEN)) {
  test(`the suite finds a stream that does not keep: ${title}`, async () => {
    const bodies = new Map<string, (open: OpenPair) => Promise<void>>()
    byteStreamSuite('broken', (name, body) => bodies.set(name, body))
    const body = bodies.get(`broken ${title}`)
    assert.ok(body !== undefined, 'there is no such case')
    const found = (error: unknown): boolean =>
      error instanceof assert.AssertionError || isSkynetError(error)
    await assert.rejects(body(openPair(Stream)), found)
  })
}
