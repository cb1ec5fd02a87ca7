/** The test's end of a connection: the peer of a service. */
import { isA, isObject } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { ByteStream } from '../sockets/byte-stream.ts'
import type { Connection } from '../sockets/connection.ts'
import { type BytesOptions, type CodecOptions, FramedStream } from '../sockets/framed-stream.ts'
import type { LineOptions } from '../sockets/read-options.ts'

type Wait = <T, O extends WaitOptions>(
  what: string,
  options: O | undefined,
  wait: (limits: O) => Promise<T>,
) => Promise<T>

/** What a client needs of its node. */
export interface ClientHost {
  localAddress(id: number): string
  /** What it gives resolves when nothing is left to do, and counts what is done until then. */
  settling(): () => Promise<void>
  /** Undefined: its time is real. */
  readonly clock: { now(): number } | undefined
}

/** For what must come, however slow the machine is; nothing that works waits so long. */
const WAIT_MS = 10_000

/**
 * Obtained from `node.connect` and `node.connection`. A byte stream, as a service has them. Its
 * waits give up by themselves: after 10 s by the clock on the wall they reject with an `Error`,
 * unless they were given a `timeoutMs`, which goes by the clock of the node.
 */
export class TestClient implements ByteStream {
  readonly #connection: Connection
  readonly #node: ClientHost

  /** Made by test-node.ts only. */
  constructor(connection: Connection, node: ClientHost) {
    this.#connection = connection
    this.#node = node
  }

  /** Of the service's end, `ip:port`; empty when the connection is gone. */
  get remoteAddress(): string {
    return this.#connection.remoteAddress
  }

  /** Of this end: what the service has as `remoteAddress`. */
  get localAddress(): string {
    return this.#node.localAddress(this.#connection.id)
  }

  /** False once it was closed here, was reset, or both sides have ended. */
  get isOpen(): boolean {
    return this.#connection.isOpen
  }

  /** Bytes that were written here, and that the system has not taken. */
  get bufferedAmount(): number {
    return this.#connection.bufferedAmount
  }

  /**
   * The next bytes as they come; null at the end. With `count` exactly so many. What nobody reads
   * is bounded, as between real peers: beyond 128 KiB here, and as much on the way, the service has
   * to wait.
   *
   * @throws As `Connection.read`; an `Error` when nothing comes.
   */
  read(count?: undefined, options?: WaitOptions): Promise<Buffer | null>
  read(count: number, options?: WaitOptions): Promise<Buffer>
  read(count?: number, options?: WaitOptions): Promise<Buffer | null> {
    const what = count === undefined ? 'read' : `read ${count} bytes`
    return this.#wait(what, options, (limits) => this.#connection.read(count as number, limits))
  }

  /** The next line without its end; null at the end. As `Connection.readLine`. */
  readLine(options?: LineOptions): Promise<string | null> {
    return this.#wait('read a line', options, (limits) => this.#connection.readLine(limits))
  }

  /** Lines up to the end, as `Connection.lines`: leaving the loop closes. As patient as that. */
  lines(options?: LineOptions): AsyncGenerator<string, void, void> {
    return this.#connection.lines(options)
  }

  /** Everything up to the end. */
  readAll(options?: WaitOptions): Promise<Buffer> {
    return this.#wait('read up to the end', options, (limits) => this.#connection.readAll(limits))
  }

  /**
   * All that has come and was not read, when nothing is left to do: what the service has to say
   * without another word. Empty when that is nothing.
   *
   * @throws As `settled` and `Connection.read`.
   */
  async received(): Promise<Buffer> {
    const chunks: Buffer[] = []
    const settled = this.#node.settling()
    for (;;) {
      const giveUp = new AbortController()
      const reading = this.#connection
        .read(undefined, { signal: giveUp.signal })
        .catch((error: unknown) => {
          // What came before it is told first, and the next time it is told again.
          if (giveUp.signal.aborted || chunks.length > 0) return null
          throw error
        })
      try {
        await Promise.race([settled(), reading])
      } finally {
        giveUp.abort()
      }
      const chunk = await reading
      if (chunk === null) return Buffer.concat(chunks)
      chunks.push(chunk)
    }
  }

  /** Chunks up to the end. Leaving the loop closes the connection. It waits as long as it takes. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined, void> {
    return this.#connection[Symbol.asyncIterator]()
  }

  /**
   * Messages instead of bytes, each in a frame, as `Connection.frames`. A `receive` gives up as a
   * read does; `each` waits as long as it takes.
   */
  frames<In, Out>(options: CodecOptions<In, Out>): FramedStream<In, Out>
  frames(options: BytesOptions): FramedStream
  frames<In, Out>(options: BytesOptions | CodecOptions<In, Out>): FramedStream<In, Out> {
    const wait: Wait = (...waiting) => this.#wait(...waiting)
    return new ClientFrames(this.#connection, options, wait)
  }

  /** As `Connection.write`: what one turn writes arrives together. */
  write(data: string | Uint8Array): boolean {
    return this.#connection.write(data)
  }

  /** Resolves once the system has taken all that was written. */
  drain(options?: WaitOptions): Promise<void> {
    return this.#wait('drain', options, (limits) => this.#connection.drain(limits))
  }

  /** Say FIN: the service reads the end, and may still answer. */
  end(): void {
    this.#connection.end()
  }

  /** Close both ways. What was written still arrives. */
  close(options?: WaitOptions): Promise<void> {
    return this.#wait('close', options, (limits) => this.#connection.close(limits))
  }

  /** Break it: the service meets `ERR_SOCKET_FAILED`, behind what was written before. */
  reset(): void {
    if (this.#connection.isOpen) this.#connection.setOption('lingerSeconds', 0)
    this.#connection.shutdown()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #why(): string {
    if (!this.isOpen) return 'the connection is gone'
    const { clock } = this.#node
    const time = clock === undefined ? '' : `, whose clock stands at ${clock.now()} ms`
    return `nothing comes from the service${time}`
  }

  /** A wait that gives up by itself. */
  async #wait<T, O extends WaitOptions>(
    what: string,
    options: O | undefined,
    wait: (limits: O) => Promise<T>,
  ): Promise<T> {
    const given = options === undefined ? ({} as O) : options
    // What is wrong is refused there.
    if (!isObject(given) || given.timeoutMs !== undefined) return wait(given)
    const { signal } = given
    if (signal !== undefined && !isA(signal, AbortSignal)) return wait(given)
    const giveUp = new AbortController()
    const timer = setTimeout(() => giveUp.abort(), WAIT_MS)
    const both = signal === undefined ? giveUp.signal : AbortSignal.any([signal, giveUp.signal])
    try {
      return await wait({ ...given, signal: both })
    } catch (error) {
      if (!giveUp.signal.aborted || signal?.aborted === true) throw error
      const info = { what, timeoutMs: WAIT_MS, reason: this.#why }
      throw new SkynetError('ERR_TEST_TIMEOUT', info, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }
}

class ClientFrames<In, Out> extends FramedStream<In, Out> {
  readonly #wait: Wait

  constructor(connection: Connection, options: BytesOptions | CodecOptions<In, Out>, wait: Wait) {
    super(connection, options)
    this.#wait = wait
  }

  override receive(options?: WaitOptions): Promise<In | null> {
    return this.#wait('receive a message', options, (limits) => super.receive(limits))
  }
}
