/** Where somebody listens, as people and nodes write it: `host:port`, IPv6 in brackets. */

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Digits and colons, two at least, and perhaps a zone. */
const IPV6 = /^(?=.*:.*:)[\da-f:.]+(?:%[\w.-]+)?$/i
const LOOPBACK_IPV4 = /^127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/
const PATTERN = /^(?:\[([^\]]+)\]|([^:[\]\s\0]+)):(\d{1,5})$/

/** Undefined: it is none, or its port is less than `portMin`. */
export function readHostPort(text: string, portMin = 0): HostPort | undefined {
  const [, ipv6, name, digits] = PATTERN.exec(text) ?? []
  const host = ipv6 ?? name
  const port = Number(digits)
  if (host === undefined || port > 0xffff || port < portMin) return undefined
  return ipv6 === undefined || IPV6.test(ipv6) ? { host, port } : undefined
}

export const hostPortText = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** Programs of this machine alone can reach it. */
export const isLoopbackHost = (host: string): boolean =>
  host === '::1' || host.toLowerCase() === 'localhost' || LOOPBACK_IPV4.test(host)
