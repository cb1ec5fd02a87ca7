/** The life of a TLS stream: its handshake, its two ends, and what breaks it. */
import type { TLSSocket } from 'node:tls'
import { SkynetError } from '../../base/errors.ts'
import { LINGER_MS_MAX } from '../../base/limits.ts'
import { SocketWait, Waiter, waitAlong } from '../../service/wait.ts'
import { type WaitOptions, wrongWait } from '../../service/wait-options.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { closedBy } from '../../sockets/socket-life.ts'
import { type Source, StreamReader } from '../../sockets/stream-reader.ts'
import type { Parting } from '../leavers.ts'
import { handshakeError, reasonOf } from './tls-errors.ts'
import type { TlsPool } from './tls-pool.ts'
import { TlsWire } from './tls-wire.ts'
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
  readonly socket: TLSSocket
  readonly reader: StreamReader
  readonly writer: TlsWriter
  /** Why it has failed. */
  error: SkynetError | undefined
  readonly #wire: TlsWire
  #stage: TlsStage = 'opening'
  #opening: Waiter<void> | undefined
  #closing: Promise<void> | undefined
  #finished = (): void => {}

  /**
   * @param secure Makes the socket of `node:tls`, whose handshake begins with that.
   * @param host Whom to name when the peer is gone already.
   * @param first What was read of `below` already.
   */
  constructor(
    below: ByteStream,
    pool: TlsPool,
    secure: (wire: TlsWire) => TLSSocket,
    host = '',
    first?: Buffer,
  ) {
    this.id = (below as { readonly id?: number }).id ?? 0
    this.pool = pool
    this.below = below
    this.address = below.remoteAddress || host
    this.reader = new StreamReader(this, BACKLOG)
    this.#wire = new TlsWire(below, { ended: () => this.#wireEnded(), broke: this.#broke }, first)
    const socket = secure(this.#wire)
    this.socket = socket
    this.writer = new TlsWriter(this, socket)
    // What is decrypted goes into our buffer: that of node:stream is not used.
    socket.push = (chunk: Buffer | null) => this.#decrypted(chunk)
    socket.on('_tlsError', this.#broke)
    socket.on('error', this.#broke)
    socket.on('finish', () => this.#wroteEnd())
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
   * Until somebody says `shaken`.
   *
   * @throws {SkynetError} Why there is no stream; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`.
   */
  async handshake(limits: WaitOptions): Promise<void> {
    const waiter = new Waiter<void>(this.pool.service, this.wait('shake hands over TLS on'), limits)
    this.#opening = waiter
    try {
      await waiter.promise
    } catch (error) {
      if (this.#stage !== 'closed') this.#end()
      throw error
    }
  }

  /** @param problem Why it will not be there; undefined: it is. */
  shaken(problem?: Error | null): void {
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

  /** As `node:stream` calls it, with what is decrypted, and null for the end. */
  #decrypted(chunk: Buffer | null): boolean {
    if (chunk !== null) this.reader.received(chunk)
    else if (this.#stage === 'opening') this.#refuse(ENDED)
    else if (this.#stage === 'open') {
      this.#move('ended')
      this.reader.goOn()
      this.#closeWhenBothEnded()
    }
    return true
  }

  /** Whatever was in the bytes is known by now: without an end in there they were cut off. */
  #wireEnded(): void {
    if (this.#stage === 'opening') this.#refuse(ENDED)
    if (this.#stage === 'open') this.#fail('the connection was cut: no close_notify came')
  }

  readonly #broke = (error: Error): void => {
    if (this.#stage === 'opening') this.#refuse(error)
    else this.#fail(reasonOf(error.message), error)
  }

  start(): void {}

  order(type: 'pause' | 'start'): void {
    if (type === 'pause') this.#wire.pause()
    else this.#wire.resume()
  }

  // --- the end -------------------------------------------------------------------------------

  /** Nothing that was not read is lost by that, and what was not sent is. */
  #fail(reason: string, cause?: Error): void {
    if (this.#stage === 'closed') return
    const { id } = this
    const isOurs = cause instanceof SkynetError
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
    return !this.socket.writableFinished
  }

  #end(): void {
    this.#move('closed')
    this.writer.stop()
    this.reader.goOn()
    this.#letGo()
  }

  /** The end was sent. */
  #wroteEnd(): void {
    this.#finished()
    this.#closeWhenBothEnded()
  }

  #closeWhenBothEnded(): void {
    if (this.#stage === 'ended' && this.socket.writableFinished) this.#end()
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
      this.#letGo()
    }
    await this.below.close()
  }

  /** What was written leaves, and the end behind it; for so long, as long as a socket would. */
  async #sendEnd(): Promise<void> {
    if (this.socket.writableFinished || this.socket.destroyed) return
    await new Promise<void>((resolve) => {
      const timer = this.pool.service.after(LINGER_MS_MAX, resolve)
      this.#finished = () => {
        timer.cancel()
        resolve()
      }
      this.socket.once('close', this.#finished)
      this.writer.finish()
    })
  }

  /** The socket closes the wire, and that the stream below: what was written to it still leaves. */
  #letGo(): void {
    this.socket.destroy()
    this.#wire.destroy()
  }

  #move(to: TlsStage): void {
    const next: readonly TlsStage[] = NEXT[this.#stage]
    if (!next.includes(to)) throw new Error(`no move from ${this.#stage} to ${to}`)
    this.#stage = to
    if (to === 'closed') this.pool.leavers.remove(this)
  }
}
