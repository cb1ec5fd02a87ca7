/** How a service comes to a `WebSocketListener`. */
import { PartKey } from '../../service/part.ts'
import { Skynet } from '../../skynet/skynet.ts'
import type { Frame } from '../../sockets/stream-reader.ts'
import { checkWebSocket, rulesOf, WEBSOCKET_NAMES, type WebSocketOptions } from './rules.ts'
import {
  checkWebSocketServer,
  httpOf,
  type UpgradeOptions,
  type WebSocketPlace,
} from './server-options.ts'
import { Upgrader } from './upgrader.ts'
import { WebSocketListener } from './websocket-listener.ts'

export type ListenWebSocketOptions = UpgradeOptions & WebSocketOptions & WebSocketPlace

const WHAT = 'listen for WebSockets'

/**
 * Let clients connect WebSockets: at a port, over a listener of others, or at a path of an HTTP
 * server that is there.
 *
 *     const chat = await listenWebSocket(skynet, { port: 8080, path: '/chat' })
 *     for await (const client of chat) skynet.fork(() => client.each((text) => tellAll(text)))
 *
 * @throws {SkynetError} As `serveHttp`. `TypeError`, `RangeError` naming the option.
 */
export async function listenWebSocket(
  skynet: Skynet,
  options: ListenWebSocketOptions & { readonly binary: true },
): Promise<WebSocketListener<Buffer>>
export async function listenWebSocket(
  skynet: Skynet,
  options: ListenWebSocketOptions,
): Promise<WebSocketListener>
export async function listenWebSocket<In extends Frame>(
  skynet: Skynet,
  options: ListenWebSocketOptions,
): Promise<WebSocketListener<In>> {
  checkWebSocketServer(WHAT, options, WEBSOCKET_NAMES)
  checkWebSocket(WHAT, options)
  const end = options.allowUnmasked === true ? 'any' : 'server'
  const listener = new WebSocketListener<In>(rulesOf(skynet, end, options))
  const { server, isOwn } = await httpOf(skynet, options, WEBSOCKET_NAMES)
  const upgrader = new Upgrader(skynet, server, WHAT, options, listener)
  const { all } = stoppingOf(skynet)
  if (!server.staysOpen) all.add(listener)
  const stop = (): void => {
    all.delete(listener)
    upgrader.stop()
  }
  return listener.from({ server, isOwn, stop })
}

/** The listeners of a service that stop with its node. */
class Stopping {
  readonly all = new Set<{ stop(): void }>()
}

const KEY = new PartKey<Stopping>()

function stoppingOf(skynet: Skynet): Stopping {
  const service = Skynet.serviceOf(skynet)
  const known = service.part(KEY)
  if (known !== undefined) return known
  const stopping = service.addPart(KEY, new Stopping())
  skynet.onStop(() => {
    for (const each of stopping.all) each.stop()
  })
  return stopping
}
