/** Where a node is, as the table of nodes says it: `host:port`. */
import { refusal } from '../base/check.ts'

export interface NodePlace {
  readonly host: string
  readonly port: number
}

const PLACE = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/

/** @throws {TypeError} Unless it is `host:port`; IPv6 in brackets. */
export function parseAddress(what: string, name: string, address: string): NodePlace {
  const [, ipv6, host = ipv6, port = ''] = PLACE.exec(address) ?? []
  if (host !== undefined && Number(port) <= 0xffff) return { host, port: Number(port) }
  throw refusal('value', what, name, `'host:port', IPv6 in brackets`, address)
}

/** This machine alone can reach it. */
export const isThisMachine = (host: string): boolean => /^(127\.\d|::1$|localhost$)/.test(host)
