/** Where a node is, as the table of nodes says it: `host:port`. */
import { refusal } from '../base/check.ts'
import { type HostPort, readHostPort } from '../base/host-port.ts'

/** @throws {TypeError} Unless it is `host:port`; IPv6 in brackets. */
export function parseAddress(what: string, name: string, address: string): HostPort {
  const place = readHostPort(address)
  if (place !== undefined) return place
  throw refusal('value', what, name, `'host:port', IPv6 in brackets`, address)
}
