/** How a service comes to a UDP socket. */
import { checkOptions } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import {
  addressesOf,
  checkEndpoint,
  checkFlags,
  type Endpoint,
  endpointText,
  FLAG_NAMES,
  openDatagram,
} from '../net/endpoint.ts'
import { checkSettings, type SocketSettings } from '../net/settings.ts'
import type { UdpAddress } from '../net/udp-address.ts'
import type { SocketAddress } from '../os/os.ts'
import type { SocketPool } from './pool.ts'
import type { Service } from './service.ts'
import { checkPeer, UdpSocket } from './udp-socket.ts'
import { SocketWait, Waiter } from './wait.ts'

/**
 * `host` and `port`: where to receive. Without both the socket is of IPv4, and the system binds it
 * at the first send. Beyond `sendLimitBytes` datagrams are dropped, whatever the policy.
 */
export interface UdpOptions extends Pick<Endpoint, 'host' | 'port'>, Partial<UdpSettings> {
  /** Let other sockets bind to the same port too: the kernel spreads the datagrams. */
  readonly reusePort?: boolean
  /** Of an IPv6 address: leave IPv4 out. */
  readonly ipv6Only?: boolean
}
type UdpSettings = Pick<SocketSettings, 'sendLimitBytes' | 'lingerMs' | 'idleTimeoutMs'>
const UDP_NAMES = ['host', 'port', ...FLAG_NAMES]

/** @throws {SkynetError} `ERR_BIND`, `ERR_SOCKET_LIMIT`. */
export async function openUdp(service: Service, options: UdpOptions): Promise<UdpSocket> {
  checkOptions('open a UDP socket', 'options', options)
  const isBound = options.host !== undefined || options.port !== undefined
  const { host = '0.0.0.0', port = 0 } = options
  const checked = checkEndpoint('open a UDP socket', { host, port }, host, 0)
  checkFlags('open a UDP socket', options)
  const settings = checkSettings('open a UDP socket', options, UDP_NAMES)
  const { pool } = service
  const what = `UDP ${endpointText(checked)}`
  const failed = (reason: string): Error => new SkynetError('ERR_BIND', { what, reason })
  const [address] = (await addressesOf(checked, failed)) as SocketAddress[]
  return adoptUdp(pool, address!, isBound ? options : undefined, settings, failed)
}

/** An unbound socket of the family of `address`, whose usual peer is there. */
export async function dialUdp(
  service: Service,
  endpoint: Endpoint | UdpAddress,
): Promise<UdpSocket> {
  const checked = checkPeer('dial', endpoint)
  const { pool } = service
  const text = endpointText(checked)
  const failed = (reason: string, cause?: unknown): Error =>
    new SkynetError('ERR_CONNECT', { address: text, reason }, { cause })
  const [address] = (await addressesOf(checked, failed)) as SocketAddress[]
  const socket = await adoptUdp(pool, address!, undefined, undefined, failed)
  await socket.connect({ host: address!.host, port: address!.port })
  return socket
}

async function adoptUdp(
  pool: SocketPool,
  address: SocketAddress,
  bound: UdpOptions | undefined,
  settings: Partial<SocketSettings> | undefined,
  failed: (reason: string) => Error,
): Promise<UdpSocket> {
  const { service, client } = pool
  if (service.hasEnded) throw service.exited()
  const fd = openDatagram(client.os, address, bound)
  if (fd < 0) throw failed(client.os.errorText(fd))
  const id = pool.reserve(fd)
  const socket = new UdpSocket(pool, id, address.family)
  const waiter = new Waiter<void>(service, new SocketWait('open UDP', id), undefined)
  socket.open(waiter)
  if (settings !== undefined) client.orderWith('configure', id, settings)
  client.order('udp', id, fd, service.handle)
  await waiter.promise
  return socket
}
