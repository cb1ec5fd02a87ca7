/** How a service comes to an HTTP server. */
import { SEND_WARNING_BYTES } from '../base/limits.ts'
import { type Part, PartKey } from '../service/part.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { ListenOptions } from '../sockets/open-listener.ts'
import { checkHttp, type HttpOptions } from './http-options.ts'
import { HttpServer } from './http-server.ts'

/**
 * Serve HTTP: hand any handler of `node:http`, or a framework on it, connections of this service.
 *
 * ```ts
 * const handler = (_, response) => response.end('hello')
 * const server = await serveHttp(skynet, { port: 8080, handler })
 * ```
 *
 * A handler that throws, or rejects, is a line in the log and an answer of 500. When the node stops
 * requests that are under way are answered, within its `graceMs`; with `listenWhileStopping` the
 * server goes on until it is closed. It ends with the service.
 *
 * @throws {SkynetError} As `skynet.socket.listen`. `TypeError`, `RangeError` for the options.
 */
export async function serveHttp(skynet: Skynet, options: HttpOptions): Promise<HttpServer> {
  const { rules, place } = checkHttp(options)
  const listener =
    place === undefined ? options.listener! : await skynet.socket.listen(listening(place))
  const server = new HttpServer(skynet, listener, rules)
  serversOf(skynet).add(server)
  return server
}

/**
 * A response does not wait for the acknowledgement of the one before. What waits to be sent is
 * bounded where it is written: nothing of it may be dropped, whatever holds for other sockets.
 */
function listening(place: ListenOptions): ListenOptions {
  const options = place.path === undefined ? { noDelay: 1, ...place.options } : place.options
  const settings = { sendLimitBytes: SEND_WARNING_BYTES, ...place, sendPolicy: 'close' } as const
  return options === undefined ? settings : { ...settings, options }
}

/** All servers of a service: they see its end, and that of its node. */
class HttpServers implements Part {
  readonly #all = new Set<HttpServer>()

  add(server: HttpServer): void {
    for (const each of this.#all) if (each.isClosed) this.#all.delete(each)
    this.#all.add(server)
  }

  async stopping(signal: AbortSignal): Promise<void> {
    const all = [...this.#all].filter((each) => !each.staysOpen)
    await Promise.all(all.map((each) => each.stopping(signal)))
  }

  ended(): void {
    for (const each of this.#all) each.ended()
  }
}

const KEY = new PartKey<HttpServers>()

function serversOf(skynet: Skynet): HttpServers {
  const service = Skynet.serviceOf(skynet)
  const known = service.part(KEY)
  if (known !== undefined) return known
  const servers = service.addPart(KEY, new HttpServers())
  skynet.onStop((signal) => servers.stopping(signal))
  return servers
}
