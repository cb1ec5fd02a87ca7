/** Where somebody comes from: without the port, and as limits for each address count it. */
import { readHostPort } from './host-port.ts'
import { ipFamily } from './ip.ts'

/** Groups of an IPv6 address that are one place: a home has 2^64 addresses. */
const GROUPS = 4

/** `ip` of `ip:port`, without brackets; what is no such thing as it is. */
export function withoutPort(address: string): string {
  const { host } = readHostPort(address) ?? {}
  return host !== undefined && ipFamily(host) > 0 ? host : address
}

/**
 * The address without its port; of IPv6 the network that a home has. Undefined: whoever comes over
 * a path, `unix:`, is one of many, and nobody knows which.
 */
export function homeOf(address: string): string | undefined {
  if (address.startsWith('unix:')) return undefined
  const bracket = address.indexOf(']')
  if (bracket > 0) return networkOf(address.slice(1, bracket))
  const colon = address.indexOf(':')
  if (colon < 0) return address
  // More than one colon: an IPv6 address without a port.
  return address.includes(':', colon + 1) ? networkOf(address) : address.slice(0, colon)
}

function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped !== null) return mapped[1]!
  const [ip = ''] = address.split('%')
  const [head = '', tail] = ip.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    while (groups.length + last.length < 8) groups.push('0')
    groups.push(...last)
  }
  const network = groups.slice(0, GROUPS).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
