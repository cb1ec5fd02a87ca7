/** The suite itself: a stream in memory passes it, and one that breaks a promise does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBytes, checkFunction } from '../base/check.ts'
import { abortError, isSkynetError, SkynetError } from '../base/errors.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import { messageStreamSuite, type OpenMessagePair } from './message-stream.suite.ts'
import { checkClose, type MessageStream } from './message-stream.ts'

const ID = 1
/** More that is not received waits at the sender. */
const HELD_MAX = 10
const MUCH_BYTES = 1024 * 1024

type Take = (message: Buffer) => void | Promise<void>

/** One end of a stream in memory. What it sends moves to the peer as that receives. */
class Memory implements MessageStream {
  readonly remoteAddress = 'memory'
  peer!: Memory
  came: Buffer[] = []
  waiting: Buffer[] = []
  isClosed = false
  error: SkynetError | undefined
  /** Look again: something has changed. */
  readonly looks = new Set<() => void>()
  isReceiving = false

  get isOpen(): boolean {
    return !this.isClosed && this.error === undefined
  }

  get bufferedAmount(): number {
    return this.waiting.reduce((sum, { length }) => sum + length, 0)
  }

  send(data: string | Uint8Array): boolean {
    checkBytes('send', 'message', data)
    if (!this.isOpen) throw this.closed()
    this.waiting.push(this.bytesOf(data))
    this.move()
    return this.bufferedAmount < MUCH_BYTES
  }

  bytesOf(data: string | Uint8Array): Buffer {
    return Buffer.from(data as Uint8Array)
  }

  async drain(options?: WaitOptions): Promise<void> {
    checkWait('drain', options)
    if (!this.isOpen) throw this.closed()
    await this.wait('drain', options, () => this.waiting.length === 0 || undefined)
  }

  async receive(options?: WaitOptions): Promise<Buffer | null> {
    checkWait('receive', options)
    return this.alone(() => this.wait('receive', options, () => this.look()))
  }

  async each(take: Take): Promise<void> {
    checkFunction('take messages', 'take', take)
    await this.alone(async () => {
      for (;;) {
        const message = await this.wait('receive', undefined, () => this.look())
        if (message === null) return
        await this.handOut(take, message)
      }
    })
  }

  async handOut(take: Take, message: Buffer): Promise<void> {
    await take(message)
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.isReceiving) throw new SkynetError('ERR_SOCKET_BUSY', { id: ID })
    this.isReceiving = true
    try {
      return await work()
    } finally {
      this.isReceiving = false
    }
  }

  /** Undefined: nothing has come, and something may. */
  look(): Buffer | null | undefined {
    this.peer.handOn()
    const message = this.came.shift()
    if (message !== undefined) {
      this.peer.move()
      return message
    }
    if (this.isClosed) return null
    if (this.error !== undefined) throw this.error
    return this.peer.isClosed && this.peer.waiting.length === 0 ? null : undefined
  }

  async close(code?: number, reason?: string): Promise<void> {
    checkClose(code, reason)
    this.isClosed = true
    this.came = []
    this.move()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, void> {
    try {
      for (let next = await this.receive(); next !== null; next = await this.receive()) yield next
    } finally {
      await this.close()
    }
    return undefined
  }

  /** This end fails. */
  fail(error: SkynetError): void {
    this.error = error
    this.move()
  }

  closed(): SkynetError {
    return new SkynetError('ERR_SOCKET_CLOSED', { id: ID })
  }

  /** Give the peer what it has room for; one that is closed takes all and drops it. */
  handOn(): void {
    const { peer } = this
    while (this.waiting.length > 0 && (peer.isClosed || peer.hasRoom)) {
      const message = this.waiting.shift()!
      if (!peer.isClosed) peer.came.push(message)
    }
  }

  get hasRoom(): boolean {
    return this.came.length < HELD_MAX
  }

  /** The same; then all who wait look, on either side. */
  move(): void {
    this.handOn()
    queueMicrotask(() => {
      for (const look of [...this.looks, ...this.peer.looks]) look()
    })
  }

  wait<T>(what: string, options: WaitOptions = {}, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
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
      const giveUp = (error: SkynetError) => settle(() => this.givesUp(error, reject))
      const late = () => giveUp(new SkynetError('ERR_SOCKET_TIMEOUT', { id: ID, what, timeoutMs }))
      const timer = timeoutMs > 0 ? setTimeout(late, timeoutMs) : undefined
      if (signal?.aborted) return giveUp(abortError(signal))
      signal?.addEventListener('abort', () => giveUp(abortError(signal)))
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
  (Stream: Kind): OpenMessagePair =>
  async () => {
    const [near, far] = [new Stream(), new Stream()]
    near.peer = far
    far.peer = near
    return {
      near,
      far,
      breakNear: () =>
        near.fail(new SkynetError('ERR_SOCKET_FAILED', { id: ID, reason: 'broken' })),
      cutNear: () => near.fail(new SkynetError('ERR_FRAME_CUT', { received: 1 })),
      overfillNear: () =>
        near.fail(new SkynetError('ERR_FRAME_TOO_LARGE', { bytes: 70_000, limit: 60_000 })),
    }
  }

messageStreamSuite('a stream in memory:', (title, body) => {
  test(title, () => body(openPair(Memory)))
})

/** What has come is gone with the failure. */
class Forgetful extends Memory {
  override fail(error: SkynetError) {
    super.fail(error)
    this.came = []
  }
}

/** A promise that is broken, by the case that finds it. None leaves that case waiting for ever. */
const BROKEN: Readonly<Record<string, Kind>> = {
  'receive() gives messages in order, then null, again and again': class extends Memory {
    override look() {
      const message = super.look()
      return message === null ? Buffer.alloc(0) : message
    }
  },
  'a message that is empty is a message': class extends Memory {
    override send(data: string | Uint8Array) {
      return data.length === 0 || super.send(data)
    }
  },
  'receive() gives all of much that was sent, whole and in order': class extends Memory {
    override handOn() {
      super.handOn()
      this.waiting.length = Math.min(this.waiting.length, HELD_MAX)
    }
  },
  'receive() gives a buffer that stays as it is': class extends Memory {
    readonly shared = Buffer.alloc(MUCH_BYTES)
    override look() {
      const message = super.look()
      return message && this.shared.subarray(0, message.copy(this.shared))
    }
  },
  'a second receive at a time is refused, the first one goes on': class extends Memory {
    override alone<T>(work: () => Promise<T>) {
      return this.isReceiving ? Promise.resolve(null as T) : super.alone(work)
    }
  },
  'receive() that gives up loses nothing': class extends Memory {
    override givesUp(error: SkynetError, reject: (error: unknown) => void) {
      this.came.push(Buffer.alloc(0))
      super.givesUp(error, reject)
    }
  },
  'each() hands out every message in order, and resolves at the end': class extends Memory {
    override handOut(take: Take, message: Buffer) {
      return super.handOut(take, message.fill(0))
    }
  },
  'each() waits for the promise that it got, before the next message': class extends Memory {
    override async handOut(take: Take, message: Buffer) {
      void take(message)
    }
  },
  'each() rejects with what take() throws; the next message is there': class extends Memory {
    override async handOut(take: Take, message: Buffer) {
      try {
        await super.handOut(take, message)
      } catch (error) {
        this.came = []
        await this.close()
        throw error
      }
    }
  },
  'each() hands out nothing after close(), and resolves': class extends Memory {
    override async close(code?: number, reason?: string) {
      const { came } = this
      await super.close(code, reason)
      this.came = came
    }
  },
  'for await closes when it is left': class extends Memory {
    override async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, void> {
      for (let next = await this.receive(); next !== null; next = await this.receive()) yield next
      return undefined
    }
  },
  'send() takes messages in order, which are the sender’s again on return': class extends Memory {
    override bytesOf(data: string | Uint8Array) {
      if (typeof data === 'string') return super.bytesOf(data)
      return Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.length)
    }
  },
  'send() sends strings as UTF-8': class extends Memory {
    override bytesOf(data: string | Uint8Array) {
      return typeof data === 'string' ? Buffer.from(data, 'latin1') : super.bytesOf(data)
    }
  },
  'send() says when too much waits, drain() when to go on, nothing is lost': class extends Memory {
    override get hasRoom() {
      return true
    }
  },
  'a peer has to wait while a promise of each() is pending': class extends Memory {
    override async handOut(take: Take, message: Buffer) {
      void take(message)
    }
  },
  'close() lets everything sent leave, then the end': class extends Memory {
    override close(code?: number, reason?: string) {
      this.waiting = []
      return super.close(code, reason)
    }
  },
  'close() gives the end to who waits, and to later ones': class extends Memory {
    override async drain(options?: WaitOptions) {
      if (!this.isClosed) await super.drain(options)
    }
  },
  'what came before close() is not received after it': class extends Memory {
    override async close(code?: number, reason?: string) {
      const { came } = this
      await super.close(code, reason)
      this.came = came
    }
  },
  'what makes no sense is refused, and the stream goes on': class extends Memory {
    override async close() {
      await super.close()
    }
  },
  'a stream that breaks rejects who waits, and all later ones': class extends Memory {
    override fail() {
      void this.peer.close()
    }
  },
  'an end in the middle of a message rejects who waits, and all later ones': class extends Memory {
    override fail(error: SkynetError) {
      super.fail(error)
      queueMicrotask(() => {
        this.error = undefined
        void this.peer.close()
      })
    }
  },
  'a message that is too long rejects who waits, and all later ones': class extends Memory {
    override fail() {
      this.peer.send(Buffer.alloc(70_000))
    }
  },
  'what came before a stream that breaks is received first': Forgetful,
  'what came before an end in the middle of a message is received first': Forgetful,
  'what came before a message that is too long is received first': Forgetful,
}

for (const [title, Stream] of Object.entries(BROKEN)) {
  test(`the suite finds a stream that does not keep: ${title}`, async () => {
    const bodies = new Map<string, (open: OpenMessagePair) => Promise<void>>()
    messageStreamSuite('broken', (name, body) => bodies.set(name, body))
    const body = bodies.get(`broken ${title}`)
    assert.ok(body !== undefined, 'there is no such case')
    const found = (error: unknown): boolean =>
      error instanceof assert.AssertionError || isSkynetError(error)
    await assert.rejects(body(openPair(Stream)), found)
  })
}
