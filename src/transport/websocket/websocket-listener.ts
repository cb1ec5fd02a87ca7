/** `listenWebSocket`: WebSockets that clients have connected. */
import { SkynetError } from '../../base/errors.ts'
import { ACCEPTED_MAX } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { SocketWait, Waiter, type WaitHost } from '../../service/wait.ts'
import { checkWait, type WaitOptions } from '../../service/wait-options.ts'
import type { Frame } from '../../sockets/stream-reader.ts'
import { CLOSE } from './close-codes.ts'
import type { StreamRules } from './rules.ts'
import type { Admitted, Shaken } from './upgrader.ts'
import type { WebSocketRequest } from './websocket-request.ts'
import { WebSocketStream } from './websocket-stream.ts'

/** Obtained from a `WebSocketListener`. */
export class AcceptedWebSocket<In extends Frame = Frame> extends WebSocketStream<In> {
  /** What it has begun with. */
  readonly request: WebSocketRequest

  /** Made by a `WebSocketListener` only. */
  constructor({ carrier, agreed, head }: Shaken, rules: StreamRules, request: WebSocketRequest) {
    super(carrier, rules, agreed, head)
    this.request = request
  }

  /** Who the client is: of a trusted proxy what that says. */
  override get remoteAddress(): string {
    return this.request.address
  }
}

/** Who hands clients to a listener. */
interface Source {
  readonly server: HttpServer
  /** The server closes with the listener. */
  readonly isOwn: boolean
  stop(): void
}

/** Obtained from `listenWebSocket`. Iterate it, or `accept` one client after another. */
export class WebSocketListener<In extends Frame = Frame>
  implements AsyncIterable<AcceptedWebSocket<In>>, AsyncDisposable
{
  readonly #service: WaitHost
  readonly #rules: StreamRules
  readonly #ready = new Queue<AcceptedWebSocket<In>>(4)
  #source!: Source
  #taker: Waiter<AcceptedWebSocket<In> | null> | undefined
  #isOpen = true

  /** Made by listen.ts only. */
  constructor(rules: StreamRules) {
    this.#service = rules.service
    this.#rules = rules
  }

  /** Where clients come, for people: `127.0.0.1:8080`. */
  get address(): string {
    return this.#source.server.address
  }

  /** The one that is really open. */
  get port(): number {
    return this.#source.server.port
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /**
   * The next client, or null once the listener is closed. One caller at a time.
   *
   * @throws {SkynetError} `ERR_SOCKET_BUSY`, `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`.
   */
  async accept(options?: WaitOptions): Promise<AcceptedWebSocket<In> | null> {
    checkWait('accept', options)
    if (this.#taker !== undefined) throw new SkynetError('ERR_SOCKET_BUSY', { id: 0 })
    const next = this.#ready.shift()
    if (next !== undefined) return next
    if (!this.#isOpen) return null
    const about = new SocketWait('accept a WebSocket from', 0)
    this.#taker = new Waiter(this.#service, about, options, () => {
      this.#taker = undefined
    })
    return this.#taker.promise
  }

  /** Clients until the listener is closed; leaving the loop closes it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<AcceptedWebSocket<In>, void, void> {
    try {
      for (let next = await this.accept(); next !== null; next = await this.accept()) yield next
    } finally {
      await this.close()
    }
  }

  /**
   * Let nobody in any more. Clients that nobody has taken are told 1001; the others stay. An HTTP
   * server that was given goes on.
   */
  async close(): Promise<void> {
    this.stop()
    if (this.#source.isOwn) await this.#source.server.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --- as listen.ts and the upgrader see it ----------------------------------------------------

  /** @internal */
  from(source: Source): this {
    this.#source = source
    return this
  }

  /** @internal The node stops: nobody comes any more. */
  stop(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#source.stop()
    for (let at = this.#ready.shift(); at !== undefined; at = this.#ready.shift()) {
      at.close(CLOSE.away).catch(() => {})
    }
    this.#taker?.resolve(null)
  }

  /** @internal As an `Admission`, which its published type cannot name: there it is no member. */
  knock(request: WebSocketRequest): Admitted | undefined {
    if (this.#ready.length >= ACCEPTED_MAX) return undefined
    return {
      enter: (shaken) => this.#enter(new AcceptedWebSocket<In>(shaken, this.#rules, request)),
      leave() {},
    }
  }

  #enter(stream: AcceptedWebSocket<In>): void {
    if (this.#taker !== undefined) this.#taker.resolve(stream)
    else this.#ready.push(stream)
  }
}
