/** How a service comes to a connection: it makes one, takes one over, or binds a descriptor. */
import { checkInteger } from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { SOCKET_ID_MAX } from '../base/limits.ts'
import { checkEndpoint, type Endpoint } from '../net/endpoint.ts'
import { connectFailure, type Failure } from '../net/open.ts'
import { checkDescriptor } from '../net/place.ts'
import { PROTOCOL } from '../net/slots.ts'
import { STATE } from '../net/state.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import { Connection } from './connection.ts'
import { lookUp } from './look-up.ts'
import { checkOpening, type SocketOpener, STREAM_NAMES, type StreamOptions } from './opening.ts'

/** `{ port }`, `{ host, port }` or `{ path }`. Default host: `127.0.0.1`. */
export interface ConnectOptions extends WaitOptions, Endpoint, StreamOptions {}

/** @throws As `SocketApi.connect`. */
export async function connectTo(
  opener: SocketOpener,
  options: ConnectOptions,
): Promise<Connection> {
  const { settings, left } = checkOpening('connect', opener, options, STREAM_NAMES)
  const endpoint = checkEndpoint('connect', options, '127.0.0.1', 1)
  const { service, client, pool } = opener
  const failed = connectFailure(endpoint)
  const addresses = await lookUp(opener, endpoint, failed, left())
  const id = pool.reserve()
  const connection = new Connection(pool, id, 'opening')
  const opened = connection.open(left())
  if (settings !== undefined) client.orderWith('configure', id, settings)
  client.connect(id, service.handle, addresses, options.options)
  return openedOr(opened, failed)
}

/** @throws As `SocketApi.start`. */
export async function takeOver(
  opener: SocketOpener,
  id: number,
  options: WaitOptions | undefined,
): Promise<Connection> {
  checkInteger('start', 'id', id, 1, SOCKET_ID_MAX)
  checkWait('start', options)
  const { service, client, pool } = opener
  if (service.hasEnded) throw service.exited()
  const own = pool.get(id)
  if (own instanceof Connection) return own
  const { slots } = client
  if (slots.stateOf(id) === STATE.INVALID) throw new SkynetError('ERR_SOCKET_INVALID', { id })
  const failed = (reason: string): SkynetError =>
    new SkynetError('ERR_SOCKET_STATE', { id, reason })
  if (slots.protocolOf(id) !== PROTOCOL.stream || own !== undefined) {
    throw failed('only a connection can be taken over')
  }
  const connection = new Connection(pool, id, 'opening')
  const opened = connection.open(options)
  client.order('start', id, service.handle)
  return openedOr(opened, failed)
}

/** @throws As `SocketApi.bind`. */
export async function bindDescriptor(
  opener: SocketOpener,
  fd: number,
  options: WaitOptions | undefined,
): Promise<Connection> {
  checkDescriptor(fd)
  checkWait('bind', options)
  const { service, client, pool } = opener
  const id = pool.reserve()
  const connection = new Connection(pool, id, 'opening')
  const opened = connection.open(options)
  client.order('bind', id, fd, service.handle)
  const what = `descriptor ${fd}`
  return openedOr(
    opened,
    (reason, cause) => new SkynetError('ERR_BIND', { what, reason }, { cause }),
  )
}

/** A reason of the socket thread why it did not open becomes an error of who asked for it. */
async function openedOr(opened: Promise<Connection>, failed: Failure): Promise<Connection> {
  try {
    return await opened
  } catch (error) {
    throw isSkynetError(error, 'ERR_SOCKET_FAILED') ? failed(error.info.reason, error) : error
  }
}
