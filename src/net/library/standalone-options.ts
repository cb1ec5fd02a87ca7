/** What a program tells the socket server that it polls: see standalone.ts. */
import {
  checkBytes,
  checkFunction,
  checkInteger,
  checkMs,
  checkOptions,
  isA,
  isArray,
  refusal,
} from '../../base/check.ts'
import type { AnyAddress } from '../../os/os.ts'
import { checkEndpoint, ENDPOINT_NAMES, type Endpoint } from '../endpoint.ts'
import { BIND_FLAG_NAMES, LISTEN_FLAG_NAMES, type ListenPlace, type UdpPlace } from '../place.ts'
import { checkSettings, DEFAULT_SETTINGS, type SocketSettings } from '../settings.ts'
import { UdpAddress } from '../udp-address.ts'

const OWNER_DEFAULT = 1
const ADDRESSES_MAX = 64

/** What the options of each call may be called. */
export const OWNER_NAMES = ['owner']
export const CONNECT_NAMES = [...ENDPOINT_NAMES, 'owner']
export const LISTEN_NAMES = [...CONNECT_NAMES, ...LISTEN_FLAG_NAMES]
const SEND_NAMES = ['priority', 'free']
const POLL_NAMES = ['timeoutMs']
export const UDP_NAMES = ['host', 'port', 'owner', ...BIND_FLAG_NAMES]

/**
 * Settings of every socket, and where the server's own words go. Policy `pause-producer` is
 * `drop-new` here, as it is you who reads: `pause` the sockets that make you send so much.
 */
export interface SocketServerOptions extends Partial<SocketSettings> {
  /**
   * A fault of one socket, a datagram that the system refused, a `free` that threw. It may call the
   * server. Should it throw, the line goes to the standard error, as it does by default.
   */
  readonly log?: (text: string) => void
}

export interface OwnerOptions {
  /** Skynet's `opaque`: a number of yours, 1 … 2^32-1, that is in every event. Default 1. */
  readonly owner?: number
}

/** Where to listen, for whom. The host is an IP address. */
export interface ServerListenOptions extends ListenPlace, OwnerOptions {}

/** `{ host, port }` or `{ path }`. Default host: `127.0.0.1`. */
export interface ServerConnectOptions extends Omit<Endpoint, 'host'>, OwnerOptions {
  /** An IP address, or up to 64 to be tried in turn. For a name see `resolve`. */
  readonly host?: string | readonly string[]
}

/** Where to receive, for whom. The host is an IP address. */
export interface ServerUdpOptions extends UdpPlace, OwnerOptions {}

export interface SendOptions {
  /** `low` leaves when nothing else waits. Default `high`. */
  readonly priority?: 'high' | 'low'
  /**
   * Gives the bytes away: they are not copied, so leave them alone until this is called, once, as
   * soon as they are sent or dropped. It may be called before `send` returns, and may send itself.
   * What it throws is logged.
   */
  readonly free?: () => void
}

export interface PollOptions {
  /**
   * How long to sleep for an event, in ms, rounded up; 0: not at all. Default: until there is one,
   * or no socket is left.
   */
  readonly timeoutMs?: number
}

/** Every address that may be tried. */
export function connectAddresses({ host, port, path }: ServerConnectOptions): AnyAddress[] {
  const hosts: readonly unknown[] = isArray(host) ? host : [host]
  checkInteger('connect', 'host.length', hosts.length, 1, ADDRESSES_MAX)
  return hosts.map((each) => {
    const given = { host: each, port, path } as Endpoint
    const endpoint = checkEndpoint('connect', given, '127.0.0.1', 1)
    return literal('connect', endpoint.address, endpoint.host)
  })
}

/** Names take time, in which nobody polls: they are looked up before. */
export function literal(what: string, address: AnyAddress | undefined, host: string): AnyAddress {
  if (address !== undefined) return address
  throw refusal('value', what, 'host', 'an IP address, see resolve()', host)
}

export function checkOwner(what: string, owner: number = OWNER_DEFAULT): number {
  checkInteger(what, 'owner', owner, 1, 0xffffffff)
  return owner
}

export function checkAddress(what: string, to: unknown): asserts to is UdpAddress {
  if (!isA(to, UdpAddress)) throw refusal('type', what, 'to', 'a UdpAddress', to)
}

/** Text is sent as UTF-8. */
export function checkData(what: string, data: string | Uint8Array): Uint8Array {
  checkBytes(what, 'data', data)
  return typeof data === 'string' ? Buffer.from(data) : data
}

export function checkSend(options: SendOptions): void {
  checkOptions('send', 'options', options, SEND_NAMES)
  const { priority = 'high', free } = options
  if (priority !== 'high' && priority !== 'low') {
    throw refusal('value', 'send', 'priority', `'high' or 'low'`, priority)
  }
  if (free !== undefined) checkFunction('send', 'free', free)
}

export function checkPoll(options: PollOptions): void {
  checkOptions('poll', 'options', options, POLL_NAMES)
  if (options.timeoutMs !== undefined) checkMs('poll', 'timeoutMs', options.timeoutMs)
}

/** Of every socket, unless it is configured. */
export function checkServer(options: SocketServerOptions): SocketSettings {
  const what = 'create a socket server'
  const settings = checkSettings(what, options, ['log'])
  if (options.log !== undefined) checkFunction(what, 'log', options.log)
  return { ...DEFAULT_SETTINGS, ...settings }
}
