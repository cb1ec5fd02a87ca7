/**
 * The clients of one gate, by the numbers of their sockets: what they send is handled in order, and
 * each end is told once.
 */
import { checkInteger } from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { GATE_ENDED_MAX, GATE_ENDED_MS, SOCKET_ID_MAX } from '../base/limits.ts'
import { messageOf } from '../base/thrown.ts'
import type { Timer } from '../kernel/timer.ts'
import { isThenable } from '../service/sendable.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import type { Connection } from '../sockets/connection.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { GateClient } from './gate-client.ts'

/** What clients need of the service of their gate. */
export interface ClientsHost {
  readonly hasEnded: boolean
  now(): number
  fork(task: () => unknown): void
  timeout(ms: number, task: () => unknown): Timer
  fault(what: string, error: unknown): void
}

/** What is told of clients. What it throws, or what a promise of it rejects with, is logged. */
export interface ClientHandler<In> {
  /**
   * A client has connected. Nothing of it is read before `gate.openClient(fd)`, now or later.
   *
   * @param fd The id of its socket: any service may write to it (`skynet.socket.write`).
   * @param address `ip:port`, IPv6 in brackets.
   */
  connect(fd: number, address: string): unknown
  /**
   * A client has sent a message. When this returns a promise, the next one of the same client waits
   * for it, and so does the client: it is read no further.
   *
   * @param message The handler's own.
   */
  message(fd: number, message: In): unknown
  /** A client is gone, or is closed. Told once of each that was told by `connect`, as the last. */
  disconnect?(fd: number): unknown
  /** A connection has failed, and why; `disconnect` follows. */
  error?(fd: number, reason: string): unknown
  /** Much waits to be sent, in KiB: told at each doubling; 0: all has left. Default: a log. */
  warning?(fd: number, kib: number): unknown
}

type Callback = Exclude<keyof ClientHandler<never>, 'message'>
type Callbacks = { readonly [K in Callback]?: (fd: number, about: never) => unknown }

export class Clients<In, Out> {
  readonly #host: ClientsHost
  readonly #handler: ClientHandler<In>
  readonly #streamOf: (connection: Connection) => MessageStream<In, Out>
  readonly #all = new Map<number, GateClient<In, Out>>()
  /** Those that have ended and are not closed, the oldest first. */
  readonly #ended = new Set<GateClient<In, Out>>()
  /** Clients whose end was not told. */
  count = 0
  /** No message for so long ends a client; 0: never. */
  #silenceMs = 0
  #sweeps: Timer | undefined
  /** More messages within a second end a client; 0: never. */
  #perSecond = 0

  constructor(
    host: ClientsHost,
    handler: ClientHandler<In>,
    streamOf: (connection: Connection) => MessageStream<In, Out>,
  ) {
    this.#host = host
    this.#handler = handler
    this.#streamOf = streamOf
  }

  admit(connection: Connection): void {
    const host = this.#host
    const client = new GateClient(connection, host.now(), this.#streamOf)
    const { fd } = client
    this.#all.set(fd, client)
    this.count++
    this.#sweepLater()
    if (this.#handler.warning !== undefined) {
      connection.onWarning = (kib) => this.#tell('warning', fd, kib)
    }
    this.#tell('connect', fd, connection.remoteAddress)
  }

  /** Handle its messages from now on. False: it is not there, or has ended. */
  open(fd: number): boolean {
    const client = this.#all.get(fd)
    if (client?.state === 'open') return true
    if (client?.state !== 'waiting') return false
    client.move('open')
    this.#host.fork(() => this.#serve(client))
    return true
  }

  /** Close it; what was written still leaves. False: it is not there. */
  close(fd: number): boolean {
    const client = this.#all.get(fd)
    if (client === undefined || client.state === 'closing') return false
    const isTold = !client.isCounted
    client.move(isTold ? 'gone' : 'closing')
    if (isTold) this.#forget(client)
    const closed = client.close()
    if (!isTold) void closed.then(() => this.#closed(client))
    return true
  }

  /** False: much waits to be sent, or it is not there. */
  send(fd: number, message: Out): boolean {
    const client = this.#all.get(fd)
    if (client === undefined || client.state === 'closing') return false
    const { stream } = client
    return stream.isOpen && stream.send(message)
  }

  /** Resolves once what was sent to it by now has left. @throws As `Gate.drain`. */
  async drain(fd: number, options?: WaitOptions): Promise<void> {
    checkWait('drain a client', options)
    checkInteger('drain a client', 'fd', fd, 1, SOCKET_ID_MAX)
    const client = this.#all.get(fd)
    if (client === undefined || client.state === 'closing') {
      throw new SkynetError('ERR_CLIENT_UNKNOWN', { fd })
    }
    await client.stream.drain(options)
  }

  closeAll(): void {
    for (const fd of this.#all.keys()) this.close(fd)
  }

  /** Of all clients, those that are there included. 0: no limit. */
  limitSilence(ms: number): void {
    this.#silenceMs = ms
    this.#sweeps?.cancel()
    this.#sweeps = undefined
    this.#sweepLater()
  }

  /** Of all clients, those that are there included. 0: no limit. */
  limitRate(perSecond: number): void {
    this.#perSecond = perSecond
  }

  // --- the messages of a client, and its end ---------------------------------------------------

  async #serve(client: GateClient<In, Out>): Promise<void> {
    const stream = this.#streamOrEnd(client)
    if (stream === undefined) return
    let failure: unknown
    try {
      await stream.each((message) => this.#take(client, message))
    } catch (error) {
      failure = error
    }
    if (client.state === 'open' && !this.#host.hasEnded) this.#end(client, reasonOf(failure))
  }

  /** Undefined: who makes streams has none for it. No fault of the client: it is logged. */
  #streamOrEnd(client: GateClient<In, Out>): MessageStream<In, Out> | undefined {
    try {
      return client.stream
    } catch (error) {
      this.#host.fault('stream of a client', error)
      this.#end(client, messageOf(error))
      return undefined
    }
  }

  /** Returns a promise when the next message has to wait. */
  #take(client: GateClient<In, Out>, message: In): Promise<void> | undefined {
    // What came behind the message that has closed it.
    if (client.state !== 'open') return undefined
    if (this.#silenceMs > 0) client.heardAt = this.#host.now()
    if (this.#perSecond > 0 && this.#isTooFast(client)) return undefined
    try {
      const result = this.#handler.message(client.fd, message)
      return isThenable(result) ? this.#handled(client, result) : undefined
    } catch (error) {
      this.#host.fault('message of a client', error)
      return undefined
    }
  }

  /** Then it is closed. */
  #isTooFast(client: GateClient<In, Out>): boolean {
    const now = this.#host.now()
    if (now - client.secondAt >= SECOND_MS) {
      client.secondAt = now
      client.messages = 0
    }
    if (++client.messages <= this.#perSecond) return false
    this.#tell('error', client.fd, `more than ${this.#perSecond} messages within a second`)
    this.close(client.fd)
    return true
  }

  async #handled(client: GateClient<In, Out>, result: PromiseLike<unknown>): Promise<void> {
    client.isHandling = true
    try {
      await result
    } catch (error) {
      this.#host.fault('message of a client', error)
    }
    client.isHandling = false
    if (this.#silenceMs > 0) client.heardAt = this.#host.now()
  }

  /** @param reason Why the connection has failed; undefined: the client has left. */
  #end(client: GateClient<In, Out>, reason: string | undefined): void {
    client.move('ended')
    this.count--
    if (reason !== undefined) this.#tell('error', client.fd, reason)
    this.#tell('disconnect', client.fd)
    // Who was told may have closed it.
    if (client.state !== 'ended') return
    if (reason === undefined) this.#linger(client)
    else this.close(client.fd)
  }

  /** It reads still, maybe: what is under way to it may be written, for a while. */
  #linger(client: GateClient<In, Out>): void {
    this.#ended.add(client)
    client.closesAt = this.#host.timeout(GATE_ENDED_MS, () => this.close(client.fd))
    const [oldest] = this.#ended
    if (this.#ended.size > GATE_ENDED_MAX) this.close(oldest!.fd)
  }

  #forget(client: GateClient<In, Out>): void {
    this.#all.delete(client.fd)
    this.#ended.delete(client)
  }

  /** What was closed here is closed. */
  #closed(client: GateClient<In, Out>): void {
    client.move('gone')
    this.#forget(client)
    this.count--
    if (!this.#host.hasEnded) this.#tell('disconnect', client.fd)
  }

  #tell(what: Callback, fd: number, about?: string | number): void {
    const handler: Callbacks = this.#handler
    const fault = (error: unknown): void => this.#host.fault(`${what} of a client`, error)
    try {
      const result = handler[what]?.(fd, about as never)
      if (isThenable(result)) Promise.resolve(result).catch(fault)
    } catch (error) {
      fault(error)
    }
  }

  // --- those that say nothing -------------------------------------------------------------------

  /** Without clients there is nothing to look at. */
  #sweepLater(): void {
    if (this.#silenceMs === 0 || this.count === 0 || this.#sweeps !== undefined) return
    const ms = Math.max(1, this.#silenceMs / SWEEPS)
    this.#sweeps = this.#host.timeout(ms, () => this.#sweep())
  }

  #sweep(): void {
    this.#sweeps = undefined
    const since = this.#host.now() - this.#silenceMs
    for (const client of this.#all.values()) {
      if (client.state !== 'waiting' && client.state !== 'open') continue
      if (client.isHandling || client.heardAt > since) continue
      this.#tell('error', client.fd, `no message within ${this.#silenceMs} ms`)
      this.close(client.fd)
    }
    this.#sweepLater()
  }
}

const SECOND_MS = 1000
/** Looks at all clients within the time that one may say nothing. */
const SWEEPS = 8

/** A client that leaves in the middle of a message has left, no more. */
function reasonOf(failure: unknown): string | undefined {
  const isLeaving =
    isSkynetError(failure, 'ERR_FRAME_CUT') || isSkynetError(failure, 'ERR_SOCKET_MOVED')
  if (failure === undefined || isLeaving) return undefined
  return isSkynetError(failure, 'ERR_SOCKET_FAILED') ? failure.info.reason : messageOf(failure)
}
