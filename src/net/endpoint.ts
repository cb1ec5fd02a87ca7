/** Where to listen or connect: a host and a port, or the path of a Unix domain socket. */
import { leaveAbort, watchAbort } from '../base/abort.ts'
import {
  checkInteger,
  checkOptions,
  checkPlain,
  checkSignal,
  checkText,
  refusal,
} from '../base/check.ts'
import { abortError, SkynetError } from '../base/errors.ts'
import { ipFamily } from '../base/ip.ts'
import { formatAddress, hostOf, socketAddress, unixAddress } from '../os/address.ts'
import { type HostAddress, lookUpHost } from '../os/host-names.ts'
import type { AnyAddress } from '../os/os.ts'

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

/** @throws `TypeError`, `RangeError` for what is no endpoint. */
export function checkEndpoint(what: string, given: Endpoint, host: string, portMin: number) {
  checkPlain(what, 'options', given)
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

/** Every address of an endpoint. */
export async function addressesOf(
  { host, port, address }: CheckedEndpoint,
  lookUp: (name: string) => Promise<HostAddress[]>,
  failed: (reason: string, cause?: unknown) => Error,
): Promise<AnyAddress[]> {
  if (address !== undefined) return [address]
  // An address all the same: no name has a zone, and the resolver would give it back unread.
  if (ipFamily(host) !== 0) throw failed(`no interface has the zone of ${host}`)
  try {
    return (await lookUp(host)).map((found) => ({ ...found, port }))
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
    addressesOf(endpoint, lookUpHost, failed)
      .then((found) => done(found.map(hostOf)), reject)
      .finally(() => signal && leaveAbort(signal, caller))
  })
}
