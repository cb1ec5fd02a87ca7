/** Where to listen or connect: a host and a port, or the path of a Unix domain socket. */
import { isIP } from 'node:net'
import { leaveAbort, watchAbort } from '../base/abort.ts'
import {
  checkFlag,
  checkInteger,
  checkOptions,
  checkPlain,
  checkSignal,
  checkText,
  refusal,
} from '../base/check.ts'
import { abortError, SkynetError } from '../base/errors.ts'
import { formatAddress, hostOf, socketAddress, unixAddress } from '../os/address.ts'
import type { AnyAddress, ListenFlags, Os, SocketAddress } from '../os/os.ts'

export interface Endpoint {
  /** Address or name. */
  readonly host?: string
  /** Needed unless there is a `path`. */
  readonly port?: number
  /** Of a Unix domain socket, at most 107 bytes; instead of host and port. */
  readonly path?: string
}

/** The names in an endpoint. */
export const ENDPOINT_NAMES = ['host', 'port', 'path']

/** The names in flags of a socket that is bound. */
export const FLAG_NAMES = ['reusePort', 'ipv6Only']

/** @throws {TypeError} Unless each is true or false, or not there. */
export function checkFlags(what: string, flags: DatagramFlags): void {
  checkFlag(what, 'reusePort', flags.reusePort)
  checkFlag(what, 'ipv6Only', flags.ipv6Only)
}

/** @throws `TypeError`, `RangeError` unless it is the mode of a file that `path` names, or none. */
export function checkMode(what: string, { mode, path }: Endpoint & { mode?: unknown }): void {
  if (mode === undefined) return
  checkInteger(what, 'mode', mode, 0, 0o777)
  if (path !== undefined && !path.startsWith('\0')) return
  throw refusal('value', what, 'mode', "together with the 'path' of a file", mode)
}

/** @throws `TypeError`, `RangeError` for what is no endpoint. */
export function checkEndpoint(what: string, given: Endpoint, host: string, portMin: number) {
  checkPlain(what, 'options', given ?? null)
  if (given.path !== undefined) {
    checkText(what, 'path', given.path)
    if (given.port === undefined && given.host === undefined) {
      return { host: '', port: 0, address: unixAddress(given.path, what) }
    }
    throw refusal('value', what, 'path', "alone, without 'host' and 'port'", given.path)
  }
  const named = given.host === undefined ? host : given.host
  checkText(what, 'host', named)
  // The resolver would take the part before a NUL for the whole.
  if (named.includes('\0')) throw refusal('value', what, 'host', 'without a NUL', named)
  checkInteger(what, 'port', given.port, portMin, 65535)
  const port = given.port as number
  return { host: named, port, address: socketAddress(named, port) }
}
export type CheckedEndpoint = ReturnType<typeof checkEndpoint>

/** `127.0.0.1:80`, `localhost:80`, `unix:/run/x.sock`. */
export function endpointText({ host, port, address }: CheckedEndpoint): string {
  return address === undefined ? `${host}:${port}` : formatAddress(address)
}

/** Every address of an endpoint. Names are looked up on a thread of Node's own. */
export async function addressesOf(
  { host, port, address }: CheckedEndpoint,
  failed: (reason: string, cause?: unknown) => Error,
): Promise<AnyAddress[]> {
  if (address !== undefined) return [address]
  // An address all the same: no name has a zone, and the resolver would give it back unread.
  if (isIP(host) !== 0) throw failed(`no interface has the zone of ${host}`)
  try {
    const { lookup } = await import('node:dns/promises')
    const found = await lookup(host, { all: true })
    return found.map(({ address: text, family }) => ({ family: family as 4 | 6, host: text, port }))
  } catch (cause) {
    throw failed((cause as Error).message, cause)
  }
}

/**
 * The IP addresses of a name, in the order in which to try them. Node.js looks it up on a thread of
 * its own, and goes on with it when `signal` aborts: only nobody waits any more.
 *
 * @throws {SkynetError} `ERR_CONNECT` nobody has that name, `ABORT_ERR`.
 */
export async function resolve(
  host: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<string[]> {
  checkOptions('resolve', 'options', options, ['signal'])
  const { signal } = options
  checkSignal('resolve', signal)
  const endpoint = checkEndpoint('resolve', { host, port: 0 }, host, 0)
  if (signal?.aborted) throw abortError(signal)
  const failed = (reason: string, cause?: unknown): Error =>
    new SkynetError('ERR_CONNECT', { address: host, reason }, { cause })
  return new Promise((done, reject) => {
    const caller = { aborted: (its: AbortSignal): void => reject(abortError(its)) }
    if (signal !== undefined) watchAbort(signal, caller)
    addressesOf(endpoint, failed)
      .then((found) => done(found.map(hostOf)), reject)
      .finally(() => signal && leaveAbort(signal, caller))
  })
}

/** Of a UDP socket: `reusePort` and `ipv6Only` as in ListenFlags. */
export type DatagramFlags = Omit<ListenFlags, 'backlog' | 'mode'>

/** A UDP socket of the family of `address`, bound to it when there are flags. Or an errno. */
export function openDatagram(
  os: Os,
  address: SocketAddress,
  bound: DatagramFlags | undefined,
): number {
  const fd = os.datagram(address.family)
  if (fd < 0 || bound === undefined) return fd
  let result = bound.reusePort ? os.setOption(fd, 'reusePort', 1) : 0
  if (result === 0 && address.family === 6) {
    result = os.setOption(fd, 'ipv6Only', Number(bound.ipv6Only ?? address.host !== '::'))
  }
  if (result === 0) result = os.bindDatagram(fd, address)
  if (result === 0) return fd
  os.close(fd)
  return result
}
