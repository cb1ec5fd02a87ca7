/** The server of a channel under test, in memory: it says what the test tells it to. */
import { abortError, SkynetError } from '../base/errors.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { ByteStream } from '../sockets/byte-stream.ts'
import type { OpenStream } from './options.ts'

const ID = 7

/** The channel's end of one connection. */
export class FakeStream implements ByteStream {
  readonly remoteAddress = 'memory'
  isOpen = true
  /** What the channel has written. */
  heard = ''
  /** What the test says has not left. */
  bufferedAmount = 0
  /** Writes say that much waits. */
  isSlow = false
  readonly #chunks: Buffer[] = []
  #end: { readonly error?: Error } | undefined
  #wake: (() => void) | undefined
  #drained: (() => void)[] = []
  /** Reads that were begun. */
  reads = 0

  say(text: string | Buffer): void {
    this.#chunks.push(Buffer.from(text))
    this.#wake?.()
  }

  /** The server ends, or the connection breaks. */
  finish(error?: Error): void {
    this.#end = error === undefined ? {} : { error }
    this.#wake?.()
  }

  break(): void {
    this.isOpen = false
    this.finish(new SkynetError('ERR_SOCKET_FAILED', { id: ID, reason: 'it breaks' }))
  }

  /** All that was written has left. @param later Bytes that were written since who waits began. */
  relieve(later = 0): void {
    this.isSlow = false
    this.bufferedAmount = later
    for (const done of this.#drained.splice(0)) done()
  }

  read(count?: undefined, options?: WaitOptions): Promise<Buffer | null>
  read(count: number, options?: WaitOptions): Promise<Buffer>
  async read(): Promise<Buffer | null> {
    this.reads++
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) return chunk
      if (this.#end?.error !== undefined) throw this.#end.error
      if (this.#end !== undefined) return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  write(data: string | Uint8Array): boolean {
    if (!this.isOpen) throw new SkynetError('ERR_SOCKET_CLOSED', { id: ID })
    this.heard += typeof data === 'string' ? data : Buffer.from(data).toString()
    return !this.isSlow
  }

  drain(): Promise<void> {
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  end(): void {}

  async close(): Promise<void> {
    this.isOpen = false
    this.#end ??= {}
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Servers by address, `host:port`. All let everybody in, but those that are switched off. */
export class FakePeer {
  /** Connections, the oldest first. */
  readonly streams: FakeStream[] = []
  /** Where the channel has tried to connect to. */
  readonly tried: string[] = []
  readonly off = new Set<string>()
  /** Nothing comes of trying to connect. */
  isSilent = false
  /** Is told of each connection. */
  onOpen: (stream: FakeStream) => void = () => {}

  readonly open: OpenStream = async ({ host, port }, { timeoutMs = 0, signal }) => {
    const address = `${host}:${port}`
    this.tried.push(address)
    if (this.off.has(address)) {
      throw new SkynetError('ERR_CONNECT', { address, reason: 'ECONNREFUSED' })
    }
    if (this.isSilent) await new Promise((_, reject) => this.#fail(reject, timeoutMs, signal))
    const stream = new FakeStream()
    this.streams.push(stream)
    this.onOpen(stream)
    return stream
  }

  /** As `skynet.socket.connect` does; the time passes when the test says so. */
  passTime: (() => void) | undefined

  #fail(
    reject: (error: unknown) => void,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): void {
    this.passTime = () =>
      reject(new SkynetError('ERR_SOCKET_TIMEOUT', { id: 0, what: 'open', timeoutMs }))
    signal?.addEventListener('abort', () => reject(abortError(signal)))
  }

  /** The newest connection. */
  get last(): FakeStream {
    return this.streams.at(-1)!
  }
}
