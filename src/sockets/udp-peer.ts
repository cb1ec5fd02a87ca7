/** Where datagrams go: what a service says of it, checked and made an address. */
import { checkOptions, isA, isObject, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { type CheckedEndpoint, checkEndpoint, type Endpoint } from '../net/endpoint.ts'
import { connectFailure } from '../net/open.ts'
import { UdpAddress } from '../net/udp-address.ts'
import { compactAddress } from '../os/compact.ts'
import type { SocketAddress } from '../os/os.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { type Finder, lookUp } from './look-up.ts'

/** An endpoint, or where a datagram came from. @throws `TypeError`, `RangeError`. */
export function checkPeer(what: string, given: Endpoint | UdpAddress): CheckedEndpoint {
  const endpoint = isA(given, UdpAddress) ? { host: given.host, port: given.port } : given
  const checked = checkEndpoint(what, endpoint, '127.0.0.1', 1)
  checkOptions(what, 'endpoint', endpoint, ['host', 'port'])
  return checked
}

/**
 * The first address of `peer` that a socket of `family` reaches.
 *
 * @throws {SkynetError} `ERR_CONNECT` unknown name, or no address of that family; as `lookUp`.
 */
export async function findPeer(
  finder: Finder,
  peer: CheckedEndpoint,
  family: 4 | 6,
  options: WaitOptions | undefined,
): Promise<SocketAddress> {
  const failed = connectFailure(peer)
  const found = await lookUp(finder, peer, failed, options)
  const { service } = finder
  if (service.hasEnded) throw service.exited()
  const usable = found.find((address) => address.family === 4 || address.family === family)
  if (usable === undefined || usable.family === 'unix') throw failed('protocol mismatch')
  return usable
}

/** As the socket `id` of `family` sends to it: IPv4 is mapped into IPv6 where it must be. */
export function bytesOfPeer(
  to: UdpAddress | { host: string; port: number },
  id: number,
  family: 4 | 6,
): Uint8Array {
  const address = isA(to, UdpAddress) ? to : addressOf(to)
  if (address.bytes.length > 7 === (family === 6)) return address.bytes
  if (address.family === 6) {
    const reason = `protocol mismatch: ${address} on an IPv4 socket`
    throw new SkynetError('ERR_SOCKET_STATE', { id, reason })
  }
  return compactAddress({ family: address.family, host: address.host, port: address.port }, family)
}

function addressOf(to: { host: string; port: number }): UdpAddress {
  if (!isObject(to)) {
    throw refusal('type', 'send', 'to', 'a UdpAddress or { host, port }', to)
  }
  return UdpAddress.of(to.host, to.port)
}
