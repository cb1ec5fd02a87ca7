/** What every kind of channel is: its connection, who waits for one, and what is too much. */
import { SkynetError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import { Repeats, type RepeatsHost } from '../service/repeats.ts'
import type { WaitFor, WaitHost } from '../service/wait.ts'
import {
  checkWait,
  limitsFrom,
  WaitLimits,
  type WaitOptions,
  wrongWait,
} from '../service/wait-options.ts'
import type { ByteStream } from '../sockets/byte-stream.ts'
import { Connector, type ConnectorHost, UNTIL_CONNECTED } from './connector.ts'
import type { Host } from './hosts.ts'
import { ChannelLink, type LinkHost } from './link.ts'
import type { CheckedChannel, OpenStream } from './options.ts'
import type { MakeReading } from './reading.ts'
import { checkPieces, copyOf, type Data, pieceBytes, type Question, Request } from './request.ts'

/** What a channel needs of its service. */
export interface ChannelService extends WaitHost, RepeatsHost {
  readonly runtime: { readonly now: number }
  after(ms: number, task: () => void): { cancel(): void }
  /** A task of its author. */
  run(what: string, task: () => unknown): void
}

/** What a channel is made of. */
export interface ChannelParts {
  readonly service: ChannelService
  readonly options: CheckedChannel
  readonly open: OpenStream
  /** Run `then` behind all that has come for that stream by now. */
  look(stream: ByteStream, then: () => void): void
  readonly makeReading: MakeReading
  /** What `auth` asks by. */
  asker(core: ChannelCore, link: ChannelLink): unknown
}

export class ChannelCore implements ConnectorHost, LinkHost {
  readonly service: ChannelService
  readonly open: OpenStream
  readonly auth: ((link: ChannelLink) => unknown) | undefined
  readonly options: CheckedChannel
  readonly #parts: ChannelParts
  readonly #connector: Connector
  readonly #answer: WaitFor = new AnswerWait(this)
  readonly #notes: Repeats
  /** Of a request that has none of its own. */
  readonly #limits: WaitLimits | undefined
  #link: ChannelLink | undefined
  /** Why the connection before was lost. */
  #lastLoss: Error | undefined
  #isClosed = false
  /** Who waits for a connection, and the bytes of it all. */
  readonly #waiting = new Set<Request>()
  #waitingBytes = 0

  constructor(parts: ChannelParts) {
    const { service, options } = parts
    const { auth, timeoutMs } = options
    this.#parts = parts
    this.options = options
    this.service = service
    this.open = parts.open
    this.auth = auth && ((link) => auth(parts.asker(this, link)))
    this.#connector = new Connector(this, options.hosts)
    this.#limits = timeoutMs > 0 ? new WaitLimits({ timeoutMs }) : undefined
    const more = (count: number): string => `${count} more about the channel to ${this.address}`
    this.#notes = new Repeats(service, more, 'info')
  }

  get address(): string {
    return this.options.hosts.current.address
  }

  get isOpen(): boolean {
    return this.#link !== undefined
  }

  /** Requests under way. */
  get size(): number {
    return this.#waiting.size + (this.#link?.size ?? 0)
  }

  get bufferedAmount(): number {
    return this.#waitingBytes + (this.#link?.stream.bufferedAmount ?? 0)
  }

  // --- asking ----------------------------------------------------------------------------------

  /** @param bound The connection that it is about: of `auth`. */
  ask(question: Question, options: WaitOptions | undefined, bound?: ChannelLink): Promise<unknown> {
    const wrong = this.#wrong(question, options) ?? this.#refusal(question, bound)
    if (wrong !== undefined) return Promise.reject(wrong)
    const request = new Request(this.service, this.#answer, this.#within(options), this.#over)
    if (request.isOver) return request.promise
    const { kind, data } = question
    request.kind = kind
    request.reader = question.reader
    request.session = question.session
    const link = bound ?? this.#link
    if (link !== undefined && this.#sent(link, request, data)) return request.promise
    if (bound !== undefined) request.reject(bound.error)
    else this.#wait(request, data)
    return request.promise
  }

  /**
   * Wait for what the peer sends by itself; connect for it, as often as it takes. A connection that
   * was made and lost is an error, however short it was there.
   */
  async listen(
    question: Question,
    options: WaitOptions | undefined,
    bound?: ChannelLink,
  ): Promise<unknown> {
    if (bound !== undefined) return this.ask(question, options, bound)
    const wrong = wrongWait('wait for a response', options)
    if (wrong !== undefined) throw wrong
    const left = limitsFrom(this.service.runtime, options ?? {})
    if (this.#link === undefined) {
      if (this.#isClosed) throw this.#closed()
      await this.#connector.reconnect(left)
      if (this.#link === undefined) throw this.#isClosed ? this.#closed() : this.#lastLoss
    }
    return this.ask(question, left())
  }

  #wrong({ kind, data }: Question, options: WaitOptions | undefined): unknown {
    try {
      if (kind !== 'response') checkPieces(data)
    } catch (error) {
      return error
    }
    return wrongWait('request', options)
  }

  /** Why no more is taken now. */
  #refusal({ data }: Question, bound: ChannelLink | undefined): Error | undefined {
    if (this.#isClosed && bound === undefined) return this.#closed()
    const { maxRequests, maxBytes } = this.options
    // Those who wait until `auth` is done must not keep it from asking.
    const count = (bound ?? this).size + 1
    if (count > maxRequests) return this.#full('requests', count, maxRequests)
    if (data === undefined) return undefined
    const bytes = (bound?.stream ?? this).bufferedAmount + pieceBytes(data)
    return bytes > maxBytes ? this.#full('bytes', bytes, maxBytes) : undefined
  }

  #full(what: string, count: number, limit: number): Error {
    return new SkynetError('ERR_SOCKETCHANNEL_FULL', { address: this.address, what, count, limit })
  }

  #closed(): Error {
    return new SkynetError('ERR_SOCKETCHANNEL_CLOSED', { address: this.address })
  }

  #within(options: WaitOptions | undefined): WaitOptions | undefined {
    if (options === undefined || this.#limits === undefined) return options ?? this.#limits
    if (options.timeoutMs !== undefined) return options
    return { timeoutMs: this.options.timeoutMs, signal: options.signal }
  }

  /** @returns False: the connection is gone, and nothing was written. */
  #sent(link: ChannelLink, request: Request, data: Data | undefined): boolean {
    const refusal = link.refusal(request)
    if (refusal !== undefined) {
      if (link.isOver) return false
      request.reject(refusal)
      return true
    }
    try {
      link.ask(request, data)
      return true
    } catch (cause) {
      const info = { address: this.address, reason: messageOf(cause) }
      link.lose(new SkynetError('ERR_SOCKETCHANNEL_LOST', info, { cause }))
      return false
    }
  }

  #wait(request: Request, data: Data | undefined): void {
    request.unsent = data && copyOf(data)
    request.unsentBytes = data === undefined ? 0 : pieceBytes(data)
    this.#waiting.add(request)
    this.#waitingBytes += request.unsentBytes
    void this.#connector.begin()
  }

  /** A request has ended, however it did. */
  readonly #over = (over: object): void => {
    const request = over as Request
    if (this.#waiting.size > 0) this.#take(request)
    if (request.kind === 'response') request.place?.left(request)
  }

  /** It does not wait for a connection any more. */
  #take(request: Request): void {
    if (this.#waiting.delete(request)) this.#waitingBytes -= request.unsentBytes
    request.unsent = undefined
  }

  #refuseAll(error: unknown): void {
    for (const request of [...this.#waiting]) request.reject(error)
  }

  // --- the connection ----------------------------------------------------------------------------

  connect(once: boolean, options: WaitOptions | undefined): Promise<void> {
    this.#isClosed = false
    if (this.#link !== undefined) return Promise.resolve()
    const again = once ? [] : UNTIL_CONNECTED
    return this.#connector.connect(again, limitsFrom(this.service.runtime, options ?? {}))
  }

  /** Whoever waits is told. The next request finds it closed. */
  async close(options: WaitOptions | undefined): Promise<void> {
    checkWait('close', options)
    const error = this.#closed()
    const link = this.#link
    this.#isClosed = true
    this.#connector.stop(error)
    this.#refuseAll(error)
    link?.lose(error)
    await link?.stream.close(options)
  }

  /** Who was asked is asked no more; who waits for a connection waits for the new one. */
  changeHost(host: string, port: number | undefined): void {
    const info = { address: this.address, reason: 'the host was changed' }
    this.options.hosts.setMain('change the host', host, port)
    this.#connector.restart()
    this.#link?.lose(new SkynetError('ERR_SOCKETCHANNEL_LOST', info))
  }

  link(stream: ByteStream, { address }: Host): ChannelLink {
    return new ChannelLink(this, stream, address, this.#parts.makeReading)
  }

  opened(link: ChannelLink): void {
    this.#link = link
    for (const request of this.#waiting) {
      if (!this.#sent(link, request, request.unsent)) break
      this.#take(request)
    }
  }

  refused(error: unknown): void {
    this.#refuseAll(error)
  }

  // --- what its connection tells -----------------------------------------------------------------

  overloaded(isOverloaded: boolean): void {
    const { overload } = this.options
    if (overload !== undefined) this.service.run('overload', () => overload(isOverloaded))
  }

  lost(link: ChannelLink, error: Error, wasWaiting: boolean): void {
    if (link !== this.#link) return
    this.#link = undefined
    this.#lastLoss = error
    if (this.service.hasEnded) return
    if (!wasWaiting && !this.#isClosed) this.note(`no connection any more: ${messageOf(error)}`)
    if (this.#waiting.size > 0) void this.#connector.begin()
  }

  note(text: string): void {
    this.#notes.say(`socketchannel: ${text}`)
  }

  lastLook(then: () => void): void {
    if (this.#link === undefined) then()
    else this.#parts.look(this.#link.stream, then)
  }
}

/** What its requests wait for. */
class AnswerWait implements WaitFor {
  readonly kind = 'socket'
  readonly #core: ChannelCore

  constructor(core: ChannelCore) {
    this.#core = core
  }

  get what(): string {
    return `answer of ${this.#core.address}`
  }

  late(timeoutMs: number): Error {
    return new SkynetError('ERR_SOCKETCHANNEL_TIMEOUT', { address: this.#core.address, timeoutMs })
  }

  lastLook(then: () => void): void {
    this.#core.lastLook(then)
  }
}
