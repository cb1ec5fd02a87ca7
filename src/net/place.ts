/** Where a socket shall listen or receive, as somebody asks for it: checked. */
import { checkFlag, checkInteger, checkPlain, refusal } from '../base/check.ts'
import { BACKLOG_DEFAULT } from '../base/limits.ts'
import type { ListenFlags } from '../os/os.ts'
import { type CheckedEndpoint, checkEndpoint, type Endpoint } from './endpoint.ts'

/** Of a socket that is bound to a port. */
export interface BindFlags {
  /** Let other sockets bind to the same port too: the kernel spreads what comes. */
  readonly reusePort?: boolean | undefined
  /** Of an IPv6 address: leave IPv4 out. By default only `::` takes IPv4 as well. */
  readonly ipv6Only?: boolean | undefined
}

/**
 * `{ port }`, `{ host, port }` or `{ path }`. Default host: `0.0.0.0`, every IPv4 address of this
 * machine; `::` takes IPv4 as well, unless `ipv6Only`. Port 0 lets the system choose.
 */
export interface ListenPlace extends Endpoint, BindFlags {
  /** Connections that the kernel holds until they are accepted. Default 511. */
  readonly backlog?: number | undefined
  /**
   * Of a `path`: who may connect, as the permissions of its file, whatever the umask is. 0o600 is
   * this user alone. Default: 0o777 without what the umask takes away.
   */
  readonly mode?: number | undefined
}

/** `host` and `port`: where to receive. Without both: of IPv4, bound by the first send. */
export interface UdpPlace extends Pick<Endpoint, 'host' | 'port'>, BindFlags {}

/** The names in a place, besides those that say where. */
export const BIND_FLAG_NAMES = ['reusePort', 'ipv6Only']
export const LISTEN_FLAG_NAMES = ['backlog', 'mode', ...BIND_FLAG_NAMES]

const UDP = 'open a UDP socket'

export interface CheckedListen {
  readonly endpoint: CheckedEndpoint
  readonly flags: ListenFlags
}

/** @throws `TypeError`, `RangeError` for what is no place to listen at. */
export function checkListen(given: ListenPlace): CheckedListen {
  const endpoint = checkEndpoint('listen', given, '0.0.0.0', 0)
  const { backlog = BACKLOG_DEFAULT, reusePort, ipv6Only, mode } = given
  checkInteger('listen', 'backlog', backlog, 1, 65535)
  checkFlags('listen', given)
  checkMode(given)
  return { endpoint, flags: { backlog, reusePort, ipv6Only, mode } }
}

export interface CheckedUdp {
  readonly endpoint: CheckedEndpoint
  /** Undefined: neither host nor port was asked for. */
  readonly flags: BindFlags | undefined
}

/** @throws `TypeError`, `RangeError` for what is no place to receive at. */
export function checkUdp(given: UdpPlace): CheckedUdp {
  checkPlain(UDP, 'options', given)
  const { host = '0.0.0.0', port = 0, reusePort, ipv6Only } = given
  const endpoint = checkEndpoint(UDP, { host, port }, host, 0)
  checkFlags(UDP, given)
  const isBound = given.host !== undefined || given.port !== undefined
  return { endpoint, flags: isBound ? { reusePort, ipv6Only } : undefined }
}

/** @throws `TypeError`, `RangeError` unless it is the number of a descriptor. */
export function checkDescriptor(fd: unknown): void {
  checkInteger('bind', 'fd', fd, 0, 0x7fffffff)
}

/** @throws {TypeError} Unless each is true or false, or not there. */
function checkFlags(what: string, flags: BindFlags): void {
  checkFlag(what, 'reusePort', flags.reusePort)
  checkFlag(what, 'ipv6Only', flags.ipv6Only)
}

/** @throws `TypeError`, `RangeError` unless it is the mode of a file that `path` names, or none. */
function checkMode({ mode, path }: ListenPlace): void {
  if (mode === undefined) return
  checkInteger('listen', 'mode', mode, 0, 0o777)
  if (path !== undefined && !path.startsWith('\0')) return
  throw refusal('value', 'listen', 'mode', "together with the 'path' of a file", mode)
}
