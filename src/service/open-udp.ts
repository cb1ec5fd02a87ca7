/** How a service comes to a UDP socket. */
import { checkPlain } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import {
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
import { openOrClose } from './closing.ts'
import { lookUp } from './look-up.ts'
import type { SocketPool } from './pool.ts'
import type { Service } from './service.ts'
import { checkPeer, UdpSocket } from './udp-socket.ts'
import { SocketWait, Waiter } from './wait.ts'
import {
  checkLimits,
  checkWait,
  limitsFrom,
  WAIT_NAMES,
  type WaitLimits,
  type WaitOptions,
} from './wait-options.ts'

/**
 * `host` and `port`: where to receive. Without both the socket is of IPv4, and the system binds it
 * at the first send. Beyond `sendLimitBytes` datagrams are dropped, whatever the policy.
 */
export interface UdpOptions
  extends WaitOptions,
    Pick<Endpoint, 'host' | 'port'>,
    Partial<UdpSettings> {
  /** Let other sockets bind to the same port too: the kernel spreads the datagrams. */
  readonly reusePort?: boolean
  /** Of an IPv6 address: leave IPv4 out. */
  readonly ipv6Only?: boolean
}
type UdpSettings = Pick<SocketSettings, 'sendLimitBytes' | 'lingerMs' | 'idleTimeoutMs'>
const UDP_NAMES = ['host', 'port', ...FLAG_NAMES, ...WAIT_NAMES]

/** @throws {SkynetError} `ERR_BIND`, `ERR_SOCKET_LIMIT`. */
export async function openUdp(service: Service, options: UdpOptions): Promise<UdpSocket> {
  checkPlain('open a UDP socket', 'options', options)
  const isBound = options.host !== undefined || options.port !== undefined
  const { host = '0.0.0.0', port = 0 } = options
  const checked = checkEndpoint('open a UDP socket', { host, port }, host, 0)
  checkFlags('open a UDP socket', options)
  const settings = checkSettings('open a UDP socket', options, UDP_NAMES)
  checkLimits('open a UDP socket', options)
  const { pool } = service
  const left = limitsFrom(service.runtime, options)
  const what = `UDP ${endpointText(checked)}`
  const failed = (reason: string): Error => new SkynetError('ERR_BIND', { what, reason })
  const [address] = (await lookUp(service, checked, failed, left())) as SocketAddress[]
  const bound = isBound ? options : undefined
  return adoptUdp(pool, address!, left(), failed, bound, settings)
}

/** An unbound socket of the family of `address`, whose usual peer is there. */
export async function dialUdp(
  service: Service,
  endpoint: Endpoint | UdpAddress,
  options: WaitOptions = {},
): Promise<UdpSocket> {
  const checked = checkPeer('dial', endpoint)
  checkWait('dial', options)
  const left = limitsFrom(service.runtime, options)
  const { pool } = service
  const text = endpointText(checked)
  const failed = (reason: string, cause?: unknown): Error =>
    new SkynetError('ERR_CONNECT', { address: text, reason }, { cause })
  const [address] = (await lookUp(service, checked, failed, left())) as SocketAddress[]
  const socket = await adoptUdp(pool, address!, left(), failed)
  await socket.connect({ host: address!.host, port: address!.port }, left())
  return socket
}

async function adoptUdp(
  pool: SocketPool,
  address: SocketAddress,
  limits: WaitLimits,
  failed: (reason: string) => Error,
  bound?: UdpOptions,
  settings?: Partial<SocketSettings>,
): Promise<UdpSocket> {
  const { service, client } = pool
  if (service.hasEnded) throw service.exited()
  const fd = openDatagram(client.os, address, bound)
  if (fd < 0) throw failed(client.os.errorText(fd))
  const id = pool.reserve(fd)
  const socket = new UdpSocket(pool, id, address.family)
  const waiter = new Waiter<void>(service, new SocketWait('open UDP', id, pool), limits)
  socket.open(waiter)
  if (settings !== undefined) client.orderWith('configure', id, settings)
  client.order('udp', id, fd, service.handle)
  await openOrClose(waiter.promise, socket)
  return socket
}
