/** How a service comes to a UDP socket. */
import type { Endpoint } from '../net/endpoint.ts'
import { bindFailure, connectFailure, type Failure, openUdp } from '../net/open.ts'
import { BIND_FLAG_NAMES, type BindFlags, checkUdp, type UdpPlace } from '../net/place.ts'
import type { SocketSettings } from '../net/settings.ts'
import type { UdpAddress } from '../net/udp-address.ts'
import type { SocketAddress } from '../os/os.ts'
import {
  checkWait,
  limitsFrom,
  WAIT_NAMES,
  type WaitLimits,
  type WaitOptions,
} from '../service/wait-options.ts'
import { lookUp } from './look-up.ts'
import { checkOpening, type SocketOpener } from './opening.ts'
import { openOrClose } from './socket-life.ts'
import { checkPeer } from './udp-peer.ts'
import { UdpSocket } from './udp-socket.ts'

/**
 * `host` and `port`: where to receive. Without both the socket is of IPv4, and the system binds it
 * at the first send. Beyond `sendLimitBytes` datagrams are dropped, whatever the policy.
 */
export interface UdpOptions extends WaitOptions, UdpPlace, Partial<UdpSettings> {}
type UdpSettings = Pick<SocketSettings, 'sendLimitBytes' | 'lingerMs' | 'idleTimeoutMs'>
const UDP_NAMES = ['host', 'port', ...BIND_FLAG_NAMES, ...WAIT_NAMES]

/** @throws {SkynetError} `ERR_BIND`, `ERR_SOCKET_LIMIT`. */
export async function receiveUdp(opener: SocketOpener, options: UdpOptions): Promise<UdpSocket> {
  const { settings, left } = checkOpening('open a UDP socket', opener, options, UDP_NAMES)
  const { endpoint, flags } = checkUdp(options)
  const { pool } = opener
  const failed = bindFailure(endpoint)
  const [address] = (await lookUp(opener, endpoint, failed, left())) as SocketAddress[]
  return adoptUdp(pool, address!, left(), failed, flags, settings)
}

/** An unbound socket of the family of `address`, whose usual peer is there. */
export async function dialUdp(
  opener: SocketOpener,
  endpoint: Endpoint | UdpAddress,
  options: WaitOptions = {},
): Promise<UdpSocket> {
  const checked = checkPeer('dial', endpoint)
  checkWait('dial', options)
  const { service, pool } = opener
  const left = limitsFrom(service.runtime, options)
  const failed = connectFailure(checked)
  const [address] = (await lookUp(opener, checked, failed, left())) as SocketAddress[]
  const socket = await adoptUdp(pool, address!, left(), failed)
  await socket.connect({ host: address!.host, port: address!.port }, left())
  return socket
}

async function adoptUdp(
  pool: SocketOpener['pool'],
  address: SocketAddress,
  limits: WaitLimits,
  failed: Failure,
  flags?: BindFlags,
  settings?: Partial<SocketSettings>,
): Promise<UdpSocket> {
  const { service, client } = pool
  if (service.hasEnded) throw service.exited()
  const { id, fd } = openUdp(client, address, flags, failed)
  const socket = new UdpSocket(pool, id, address.family)
  const opened = socket.open(limits)
  if (settings !== undefined) client.orderWith('configure', id, settings)
  client.order('udp', id, fd, service.handle)
  await openOrClose(opened, socket)
  return socket
}
