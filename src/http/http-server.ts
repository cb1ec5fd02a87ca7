/** HTTP for the connections of a service: what `node:http` does not see to. */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { checkMs, checkOptions } from '../base/check.ts'
import { homeOf, withoutPort } from '../base/home.ts'
import { HTTP_GRACE_MS, HTTP_LOOK_MS_MAX, HTTP_UNANSWERED_MAX } from '../base/limits.ts'
import { Repeats } from '../service/repeats.ts'
import { Skynet } from '../skynet/skynet.ts'
import { type ByteStream, checkStream, type StreamListener } from '../sockets/byte-stream.ts'
import { Refused } from '../sockets/refused.ts'
import { hasBody, NOT_UPGRADED, TOO_MANY_HEADERS, UNAVAILABLE } from './answers.ts'
import type { CheckedHttp } from './http-options.ts'
import { type HttpGuard, type HttpGuest, HttpSocket } from './http-socket.ts'
import { type TakeUpgrade, Upgrades, type UpgradeTest } from './upgrades.ts'
import { requestName, UserCode } from './user-code.ts'

/** How a server closes. */
export interface HttpCloseOptions {
  /**
   * How long connections are let in while `isReady` is false already: for who looks at it before he
   * sends somebody here. Default 0.
   */
  readonly noticeMs?: number
  /** How long requests that are under way may take; then they are cut. Default 10 s. */
  readonly graceMs?: number
}

/** Of requests that are cut so many are named. */
const CUT_NAMES_MAX = 5

/** Obtained from `serveHttp`. */
export class HttpServer implements AsyncDisposable {
  /**
   * That of `node:http`, for what this class has no word for: its events, `maxRequestsPerSocket`.
   * It listens nowhere by itself.
   */
  readonly server: Server
  /** Connections that were one too many, since it began. */
  refused = 0
  /** @internal Set by a gate that counts who comes. */
  guard: HttpGuard | undefined
  readonly #skynet: Skynet
  readonly #listener: StreamListener
  readonly #rules: CheckedHttp
  readonly #upgrades = new Upgrades()
  readonly #sockets = new Set<HttpSocket>()
  /** How many there are of an address, or of the network of a home. */
  readonly #homes = new Map<string, number>()
  readonly #code: UserCode
  readonly #turned: Refused
  readonly #refusals: Repeats
  #isReady = true
  /** Each connection ends with the requests that are under way on it. */
  #isDraining = false
  #isClosed = false
  #closing: Promise<void> | undefined
  /** Told when the last connection is gone. */
  #onEmpty: (() => void) | undefined

  /** Made by serve-http.ts only. */
  constructor(skynet: Skynet, listener: StreamListener, rules: CheckedHttp) {
    const service = Skynet.serviceOf(skynet)
    this.#skynet = skynet
    this.#listener = listener
    this.#rules = rules
    this.server = this.#create()
    this.#code = new UserCode(service)
    this.#turned = new Refused(service)
    this.#refusals = new Repeats(
      service,
      (more) => `http ${this.address}: ${more} more connections were refused`,
      'error',
    )
    skynet.fork(() => this.#accept())
  }

  /** Where it listens, for people: `127.0.0.1:8080`. */
  get address(): string {
    return this.#listener.address
  }

  /** The one that is really open. */
  get port(): number {
    return this.#listener.port
  }

  /** For whoever sends clients here: false once it closes, or its node stops. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Connections that are open; those that were upgraded are not among them. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Who asks: the peer, or whom the option `addressOf` makes of the request. Without a port. */
  addressOf(request: IncomingMessage): string {
    return withoutPort(this.#rules.addressOf?.(request) ?? request.socket.remoteAddress ?? '')
  }

  /** @internal What the option `addressOf` says of it; undefined: there is none. */
  askerOf(request: IncomingMessage): string | undefined {
    return this.#rules.addressOf?.(request)
  }

  /** Serve a connection from elsewhere as one that was accepted here. It is counted, too. */
  take(stream: ByteStream): void {
    checkStream('serve HTTP', 'stream', stream)
    const { maxConnections, connectionsPerAddress, writeTimeoutMs } = this.#rules
    const home = homeOf(stream.remoteAddress)
    const alike = home === undefined ? 0 : (this.#homes.get(home) ?? 0)
    const isFull = this.#sockets.size >= maxConnections
    if (isFull || alike >= connectionsPerAddress) this.#refuse(stream)
    else if (this.#isDraining) this.#turnAway(stream)
    else {
      const guest = this.guard?.came(stream)
      if (this.guard !== undefined && guest === undefined) {
        this.#turnAway(stream)
        return
      }
      // A request that has begun is half in here. What it is upgraded to stays as well.
      stream.hold?.()
      const socket = new HttpSocket(this.#skynet, stream, writeTimeoutMs)
      if (guest !== undefined) attend(socket, guest)
      this.#sockets.add(socket)
      if (home !== undefined) this.#homes.set(home, alike + 1)
      socket.once('close', () => this.#gone(socket, home))
      try {
        this.server.emit('connection', socket)
      } catch (error) {
        socket.destroy()
        throw error
      }
    }
  }

  /**
   * Take over connections whose requests ask for another protocol, at a path or whatever `test`
   * says. Who has taken the path comes before who tests. Other requests that ask for one are
   * handled as if they did not.
   *
   * @returns Takes that back.
   * @throws `TypeError` naming the argument: a path, or a test, that is taken.
   */
  upgrade(test: UpgradeTest, take: TakeUpgrade): () => void {
    const off = this.#upgrades.add(test, take)
    if (this.server.listenerCount('upgrade') === 0) {
      this.server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    }
    return off
  }

  /** @internal Does somebody take them already? */
  isTaken(test: UpgradeTest): boolean {
    return this.#upgrades.has(test)
  }

  /**
   * Close: `isReady` is false at once; then nobody is let in any more, connections without a
   * request end, and the others with theirs. Resolves when all are gone. Again: harmless, and a
   * `graceMs` that is given then holds, when that is sooner.
   */
  async close(options: HttpCloseOptions = {}): Promise<void> {
    checkOptions('close an HTTP server', 'options', options, ['noticeMs', 'graceMs'])
    const { noticeMs = 0, graceMs = HTTP_GRACE_MS } = options
    checkMs('close an HTTP server', 'noticeMs', noticeMs)
    checkMs('close an HTTP server', 'graceMs', graceMs)
    if (this.#closing === undefined) this.#closing = this.#close(noticeMs, graceMs)
    else if (!this.#isClosed && options.graceMs !== undefined) this.#cutWithin(graceMs)
    await this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal Whoever has made it closes it, also when the node stops; as its listener. */
  get staysOpen(): boolean {
    return (this.#listener as { readonly staysOpen?: boolean }).staysOpen === true
  }

  /** @internal All is done. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @internal The node stops, and waits. @param signal Aborts when it waits no longer. */
  async stopping(signal: AbortSignal): Promise<void> {
    const cut = (): void => this.#cut()
    signal.addEventListener('abort', cut)
    await this.#drain()
    signal.removeEventListener('abort', cut)
  }

  /** @internal The service has ended, and its sockets with it. */
  ended(): void {
    this.#isReady = false
    this.#isClosed = true
    this.server.close()
  }

  #create(): Server {
    const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs } = this.#rules
    const { maxHeaderBytes, maxHeaders } = this.#rules
    const shortest = Math.min(headersTimeoutMs || Infinity, requestTimeoutMs || Infinity)
    const server = createServer({
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: Math.min(HTTP_LOOK_MS_MAX, Math.ceil(shortest / 4)),
      // Of Node.js from 24.9 on: it is asked before anything is taken from the connection.
      shouldUpgradeCallback: (request) => this.#takerOf(request) !== undefined && !hasBody(request),
    })
    // One more than may be: those behind it are dropped, and nobody would know.
    server.maxHeadersCount = maxHeaders + 1
    server.on('request', (request, response) => this.#request(request, response))
    // It looks for who takes too long only once it listens, which it does not.
    server.emit('listening')
    return server
  }

  async #accept(): Promise<void> {
    try {
      for await (const stream of this.#listener) {
        // Whatever is wrong with one costs nobody else.
        this.#begin('http connection', stream, () => this.take(stream))
      }
    } finally {
      this.#isReady = false
    }
  }

  /** Who throws has no use for the stream. */
  #begin(what: string, stream: ByteStream, task: () => unknown): void {
    this.#code.connection(what, task, () => void stream.close().catch(() => {}))
  }

  #refuse(stream: ByteStream): void {
    this.refused++
    this.#refusals.say(
      `http ${this.address}: a connection from ${stream.remoteAddress} was refused`,
    )
    this.#turnAway(stream)
  }

  #turnAway(stream: ByteStream): void {
    this.#turned.turnAway(stream, () => void stream.write(UNAVAILABLE))
  }

  #gone(socket: HttpSocket, home: string | undefined): void {
    this.#sockets.delete(socket)
    socket.underWay.clear()
    if (home !== undefined) this.#left(home)
    if (this.#sockets.size === 0) this.#onEmpty?.()
  }

  #left(home: string): void {
    const others = this.#homes.get(home)! - 1
    if (others > 0) this.#homes.set(home, others)
    else this.#homes.delete(home)
  }

  // --- requests ------------------------------------------------------------------------------

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { handler } = this.#rules
    if (this.#isDraining) response.shouldKeepAlive = false
    if (this.#hasTooManyHeaders(request)) {
      response.writeHead(431, { connection: 'close' }).end()
      return
    }
    ;(request.socket as unknown as HttpSocket).guest?.asked()
    this.#code.request(request, response, () => handler(request, response))
    if (!response.writableEnded)
      this.#awaitAnswer(request.socket as unknown as HttpSocket, response)
  }

  #hasTooManyHeaders({ rawHeaders }: IncomingMessage): boolean {
    return rawHeaders.length > this.#rules.maxHeaders * 2
  }

  #awaitAnswer(socket: HttpSocket, response: ServerResponse): void {
    const { underWay } = socket
    underWay.add(response)
    response.once('close', () => {
      underWay.delete(response)
      if (this.#isDraining && underWay.size === 0) socket.destroySoon()
    })
    // Nobody needs so many: each costs much more here than it costs the peer.
    if (underWay.size > HTTP_UNANSWERED_MAX) socket.destroy()
  }

  // --- upgrades ------------------------------------------------------------------------------

  #takerOf(request: IncomingMessage): TakeUpgrade | undefined {
    try {
      return this.#upgrades.find(request)
    } catch (error) {
      Skynet.serviceOf(this.#skynet).fault('http upgrade', error)
      return undefined
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const take = this.#takerOf(request)
    if (!(socket instanceof HttpSocket) || hasBody(request)) socket.end(NOT_UPGRADED)
    else if (this.#hasTooManyHeaders(request)) socket.end(TOO_MANY_HEADERS)
    // The answer of a request before would be lost, and what is said now taken for it.
    else if (socket.underWay.size > 0 || socket.writableLength > 0) socket.destroy()
    else if (take === undefined) this.#handleAnyway(request, socket)
    else {
      const stream = socket.detach(head)
      this.#begin('http upgrade', stream, () => take(request, stream))
    }
  }

  /** Before Node.js 24.9 it has left the connection when it tells of an upgrade. */
  #handleAnyway(request: IncomingMessage, socket: HttpSocket): void {
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket as never)
    response.once('finish', () => socket.destroySoon())
    socket.on('drain', () => response.emit('drain'))
    // What comes is nothing to anybody, but for its end.
    socket.resume()
    this.#request(request, response)
  }

  // --- its end -------------------------------------------------------------------------------

  async #close(noticeMs: number, graceMs: number): Promise<void> {
    const service = Skynet.serviceOf(this.#skynet)
    this.#isReady = false
    if (noticeMs > 0) await this.#skynet.sleep(noticeMs)
    const timer = service.after(graceMs, () => this.#cut())
    try {
      await Promise.all([this.#listener.close(), this.#drain()])
    } finally {
      timer.cancel()
      this.ended()
    }
  }

  /** Resolves when no connection is left. */
  async #drain(): Promise<void> {
    this.#isReady = false
    this.#isDraining = true
    for (const socket of this.#sockets) {
      for (const response of socket.underWay) response.shouldKeepAlive = false
      if (socket.underWay.size === 0) socket.destroySoon()
    }
    if (this.#sockets.size === 0) return
    await new Promise<void>((resolve) => {
      const before = this.#onEmpty
      this.#onEmpty = () => {
        before?.()
        resolve()
      }
    })
  }

  /** Who closes it again may have less time. */
  #cutWithin(graceMs: number): void {
    const timer = Skynet.serviceOf(this.#skynet).after(graceMs, () => this.#cut())
    this.#closing?.finally(() => timer.cancel()).catch(() => {})
  }

  /** Whoever waits for it waits no longer. */
  #cut(): void {
    const names: string[] = []
    for (const socket of this.#sockets) {
      for (const { req } of socket.underWay) names.push(requestName(req))
      socket.destroy()
    }
    if (names.length === 0) return
    const some = names.slice(0, CUT_NAMES_MAX).join(', ')
    const more = names.length > CUT_NAMES_MAX ? ' …' : ''
    const line = `http ${this.address}: ${names.length} requests were cut: ${some}${more}`
    Skynet.serviceOf(this.#skynet).say('error', line)
  }
}

function attend(socket: HttpSocket, guest: HttpGuest): void {
  socket.guest = guest
  socket.once('close', () => guest.gone())
  guest.signal?.addEventListener('abort', () => socket.destroy(), { once: true })
}
