/** The life of a TLS stream: its handshake, its two ends, and what breaks it. */
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import { LINGER_MS_MAX } from '../../base/limits.ts'
import { SocketWait, Waiter, waitAlong } from '../../service/wait.ts'
import { type WaitOptions, wrongWait } from '../../service/wait-options.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { closedBy } from '../../sockets/socket-life.ts'
import { type Source, StreamReader } from '../../sockets/stream-reader.ts'
import type { Parting } from '../leavers.ts'
import type { TlsEngine, TlsEngineHost } from './tls-engine.ts'
import { handshakeError, reasonOf } from './tls-errors.ts'
import type { TlsPool } from './tls-pool.ts'
import { TlsWriter } from './tls-writer.ts'

/** Row: a stage. Cell: the stages that may follow. */
const NEXT = {
  opening: ['open', 'closed'],
  open: ['ended', 'closed'],
  /** The peer has said that nothing more comes. */
  ended: ['closed'],
  closed: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

type TlsStage = keyof typeof NEXT

const ENDED = new Error('the peer has ended it')
/** Nothing that is read waits for what is written. */
const BACKLOG = { mustWait: () => false }

export class TlsLife implements Source, Parting {
  readonly id: number
  readonly pool: TlsPool
  /** What carries it. */
  readonly below: ByteStream
  /** Who the peer is: asked for while it is there. */
  readonly address: string
  readonly engine: TlsEngine
  readonly reader: StreamReader
  readonly writer: TlsWriter
  /** Why it has failed. */
  error: SkynetError | undefined
  #stage: TlsStage = 'opening'
  #opening: Waiter<void> | undefined
  #closing: Promise<void> | undefined
  #finished = (): void => {}

  /**
   * @param peer Whom to name when the peer is gone already.
   */
  constructor(
    below: ByteStream,
    pool: TlsPool,
    makeEngine: (host: TlsEngineHost) => TlsEngine,
    peer = '',
  ) {
    this.id = (below as { readonly id?: number }).id ?? 0
    this.pool = pool
    this.below = below
    this.address = below.remoteAddress || peer
    this.reader = new StreamReader(this, BACKLOG)
    const host: TlsEngineHost = {
      shaken: (problem) => this.#shaken(problem),
      received: (bytes) => this.#received(bytes),
      wireEnded: () => this.#wireEnded(),
      broke: (error) => this.#broke(error),
      over: () => this.#over(),
    }
    try {
      this.engine = makeEngine(host)
    } catch (error) {
      throw handshakeError(this.address, error)
    }
    this.writer = new TlsWriter(this, this.engine)
  }

  get stage(): TlsStage {
    return this.#stage
  }

  get isOpen(): boolean {
    return this.#stage === 'open' || this.#stage === 'ended'
  }

  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  get failure(): SkynetError {
    return this.error ?? closedBy(this.id, undefined)
  }

  wait(verb: string): SocketWait {
    return new SocketWait(verb, this.id)
  }

  // --- the handshake -------------------------------------------------------------------------

  /**
   * Until the engine says `shaken`.
   *
   * @throws {SkynetError} Why there is no stream; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`.
   */
  async handshake(limits: WaitOptions): Promise<void> {
    const waiter = new Waiter<void>(this.pool.service, this.wait('shake hands over TLS on'), limits)
    this.#opening = waiter
    try {
      this.engine.start()
      await waiter.promise
    } catch (error) {
      if (this.#stage !== 'closed') this.#end()
      throw error
    }
  }

  #shaken(problem?: Error): void {
    if (this.#stage !== 'opening') return
    if (problem) {
      this.#refuse(problem)
      return
    }
    this.#move('open')
    this.pool.leavers.add(this)
    this.#opening?.resolve()
  }

  #refuse(error: unknown): void {
    if (this.#stage !== 'opening') return
    this.#opening?.reject(handshakeError(this.address, error))
    this.#end()
  }

  // --- what comes ----------------------------------------------------------------------------

  #received(bytes: Buffer | null): void {
    if (bytes !== null) this.reader.received(bytes)
    else if (this.#stage === 'opening') this.#refuse(ENDED)
    else if (this.#stage === 'open') {
      this.#move('ended')
      this.reader.goOn()
      this.#closeWhenBothEnded()
    }
  }

  /** Whatever was in the bytes is known by now: without an end in there they were cut off. */
  #wireEnded(): void {
    if (this.#stage === 'opening') this.#refuse(ENDED)
    if (this.#stage === 'open') this.#fail('the connection was cut: no close_notify came')
  }

  #broke(error: Error): void {
    if (this.#stage === 'opening') this.#refuse(error)
    else if (this.#stage !== 'closed') this.#fail(reasonOf(error.message), error)
    else this.#finished()
  }

  start(): void {}

  order(type: 'pause' | 'start'): void {
    if (type === 'pause') this.engine.pause()
    else this.engine.resume()
  }

  // --- the end -------------------------------------------------------------------------------

  /** Nothing that was not read is lost by that, and what was not sent is. */
  #fail(reason: string, cause?: Error): void {
    if (this.#stage === 'closed') return
    const { id } = this
    // A write may be the first to find what carries it closed: to the stream that is a failure.
    const isOurs = isSkynetError(cause, 'ERR_SOCKET_FAILED')
    this.error = isOurs ? cause : new SkynetError('ERR_SOCKET_FAILED', { id, reason }, { cause })
    this.#end()
  }

  /** What waits is worth nothing without the rest: it is dropped at once. */
  overflow(): void {
    const { shutdown } = this.below as { shutdown?(): void }
    shutdown?.call(this.below)
    this.#fail(`more than ${this.pool.sendLimitBytes} bytes wait to be sent`)
  }

  /** The service ends: `close_notify` behind what was written. */
  leave(): boolean {
    if (!this.isOpen || !this.below.isOpen) return false
    this.writer.finish()
    return !this.engine.isEndSent
  }

  #end(): void {
    this.#move('closed')
    this.writer.stop()
    this.reader.goOn()
    this.engine.destroy()
  }

  #over(): void {
    this.#finished()
    this.#closeWhenBothEnded()
  }

  #closeWhenBothEnded(): void {
    if (this.#stage === 'ended' && this.engine.isEndSent) this.#end()
  }

  close(options?: WaitOptions): Promise<void> {
    const wrong = wrongWait('close', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    this.#closing ??= this.#close()
    return waitAlong(this.pool.service, this.wait('close'), options, this.#closing)
  }

  async #close(): Promise<void> {
    if (this.#stage !== 'closed') {
      this.#move('closed')
      this.writer.giveUp()
      this.reader.takeAll()
      this.reader.goOn()
      await this.#sendEnd()
      this.writer.stop()
      this.engine.destroy()
    }
    await this.below.close()
  }

  /** What was written leaves, and the end behind it; for so long, as long as a socket would. */
  async #sendEnd(): Promise<void> {
    if (this.engine.isEndSent) return
    await new Promise<void>((resolve) => {
      const timer = this.pool.service.after(LINGER_MS_MAX, resolve)
      this.#finished = () => {
        timer.cancel()
        resolve()
      }
      this.writer.finish()
    })
  }

  #move(to: TlsStage): void {
    const next: readonly TlsStage[] = NEXT[this.#stage]
    if (!next.includes(to)) throw new Error(`no move from ${this.#stage} to ${to}`)
    this.#stage = to
    if (to === 'closed') this.pool.leavers.remove(this)
  }
}
