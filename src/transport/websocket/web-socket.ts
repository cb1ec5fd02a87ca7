/** `webSocket()`: clients of a gate over WebSocket. */
import type { IncomingMessage } from 'node:http'
import type { HttpServer } from '../../http/http-server.ts'
import type { ClientDoor, ClientEntrance, ClientTransport } from '../../skynet/client-transport.ts'
import { Connection } from '../../sockets/connection.ts'
import { TrustedProxies } from '../trust.ts'
import { Arrivals, newcomerOf } from './arrivals.ts'
import {
  checkWebSocket,
  DEFLATE_NAMES,
  rulesOf,
  type StreamRules,
  type WebSocketOptions,
} from './rules.ts'
import {
  checkWebSocketServer,
  httpOf,
  type UpgradeOptions,
  type WebSocketPlace,
} from './server-options.ts'
import { type Admission, type Admitted, Upgrader } from './upgrader.ts'
import type { WebSocketRequest } from './websocket-request.ts'
import { WebSocketStream } from './websocket-stream.ts'

/** The gate says how long messages may be. */
export type WebSocketTransportOptions = UpgradeOptions &
  Pick<WebSocketOptions, 'deflate' | 'inflateBytesPerSecond'> &
  WebSocketPlace

const WHAT = 'make a WebSocket transport'

/**
 * Clients over WebSocket: browsers, and whoever else speaks it. A message of a gate is one of
 * WebSocket.
 *
 *     defineGate(canvas, { listen: [webSocket({ port: 8080, path: '/canvas' })], … })
 *
 * @throws `TypeError`, `RangeError` naming the option; those of the HTTP server when it opens.
 */
export function webSocket(options: WebSocketTransportOptions): ClientTransport {
  checkWebSocketServer(WHAT, options, DEFLATE_NAMES)
  checkWebSocket(WHAT, options)
  const end = options.allowUnmasked === true ? 'any' : 'server'
  return {
    kind: 'ws',
    async open(skynet, door) {
      const { messageBytesMax, listenWhileStopping } = door
      const isPort = options.server === undefined && options.listener === undefined
      const place = isPort ? { listenWhileStopping, ...options } : options
      const { server, isOwn } = await httpOf(skynet, place, DEFLATE_NAMES)
      const { inflateBytesPerSecond: share } = options
      const inflating = share === undefined ? {} : { inflateBytesPerSecond: share }
      const rules = rulesOf(skynet, end, { messageBytesMax, binary: true, ...inflating })
      if (isOwn) server.guard = new Arrivals(door, standInsOf(options))
      const entrance = new WebSocketEntrance(server, isOwn, door, rules)
      const upgrader = new Upgrader(skynet, server, WHAT, options, entrance)
      return entrance.from(upgrader)
    },
  }
}

/** Who may speak for others; with `addressOf` that may be anybody. */
function standInsOf(options: WebSocketTransportOptions): (address: string) => boolean {
  const { trust } = options
  const isAnybody = 'addressOf' in options && options.addressOf !== undefined
  if (trust === undefined) return () => isAnybody
  const proxies = new TrustedProxies(trust, WHAT)
  return (address) => proxies.has(address)
}

class WebSocketEntrance implements ClientEntrance, Admission {
  readonly #server: HttpServer
  readonly #isOwn: boolean
  readonly #door: ClientDoor
  readonly #rules: StreamRules
  #upgrader!: Upgrader

  constructor(server: HttpServer, isOwn: boolean, door: ClientDoor, rules: StreamRules) {
    this.#server = server
    this.#isOwn = isOwn
    this.#door = door
    this.#rules = rules
  }

  from(upgrader: Upgrader): this {
    this.#upgrader = upgrader
    return this
  }

  get address(): string {
    return this.#server.address
  }

  get port(): number {
    return this.#server.port
  }

  async close(): Promise<void> {
    this.#upgrader.stop()
    if (this.#isOwn) await this.#server.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  knock({ address }: WebSocketRequest, message: IncomingMessage): Admitted | undefined {
    const visit = newcomerOf(message)?.take() ?? this.#door.knock(address)
    if (visit === undefined) return undefined
    return {
      enter: ({ carrier, agreed, head }) => {
        // HTTP needs more than a gate may allow: it is set once that is over.
        const { sendLimitBytes } = this.#door
        if (carrier instanceof Connection) carrier.configure({ sendLimitBytes })
        visit.enter(new WebSocketStream<Buffer>(carrier, this.#rules, agreed, head))
      },
      leave: () => visit.leave(),
    }
  }
}
