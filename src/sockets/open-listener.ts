/** How a service comes to a listener. */
import { checkFlag } from '../base/check.ts'
import { endpointText } from '../net/endpoint.ts'
import { listenFailure, openListener } from '../net/open.ts'
import { checkListen, LISTEN_FLAG_NAMES, type ListenPlace } from '../net/place.ts'
import { SETTING_NAMES } from '../net/settings.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { Listener } from './listener.ts'
import { lookUp } from './look-up.ts'
import { checkOpening, type SocketOpener, STREAM_NAMES, type StreamOptions } from './opening.ts'
import { openOrClose } from './socket-life.ts'

/** Where to listen, how long that may take, and what holds for each connection. */
export interface ListenOptions extends WaitOptions, ListenPlace, StreamOptions {
  /**
   * While the node stops, go on as long as its stop hooks run, for clients that come back. Default
   * false: the listener is closed before the first hook.
   */
  readonly listenWhileStopping?: boolean | undefined
}

const LISTEN_NAMES = [...STREAM_NAMES, ...LISTEN_FLAG_NAMES, 'listenWhileStopping']
/** All of them, for who takes others besides. */
export const LISTEN_OPTION_NAMES: readonly string[] = [...LISTEN_NAMES, ...SETTING_NAMES]

/** @throws As `SocketApi.listen`. */
export async function listenOn(opener: SocketOpener, options: ListenOptions): Promise<Listener> {
  const { settings, left } = checkOpening('listen', opener, options, LISTEN_NAMES)
  const { endpoint, flags } = checkListen(options)
  const { listenWhileStopping } = options
  checkFlag('listen', 'listenWhileStopping', listenWhileStopping)
  const { service, client, pool } = opener
  const failed = listenFailure(endpoint)
  const [address] = await lookUp(opener, endpoint, failed, left())
  if (service.hasEnded) throw service.exited()
  const { id, fd, file } = openListener(client, address!, flags, failed, options.options)
  const text = endpointText(endpoint)
  const listener = new Listener(pool, id, options.path === undefined ? endpoint.host : text, file)
  listener.staysOpen = listenWhileStopping === true
  const opened = listener.open(`listen on ${text} with`, left())
  client.order('listen', id, fd, service.handle)
  if (settings !== undefined) client.orderWith('configure', id, settings)
  client.order('start', id, service.handle)
  await openOrClose(opened, listener)
  return listener
}
