/** How a channel is made: what may be given, and what holds when it is not. */
import { checkFlag, checkFunction, checkGiven, checkInteger, checkMs } from '../base/check.ts'
import {
  SEND_QUEUE_BYTES_MAX,
  SOCKETCHANNEL_CONNECT_MS,
  SOCKETCHANNEL_REQUESTS_MAX,
  SOCKETCHANNEL_RETRY_MS,
  SOCKETCHANNEL_RETRY_MS_MAX,
} from '../base/limits.ts'
import { ENDPOINT_NAMES, type Endpoint } from '../net/endpoint.ts'
import { kept } from '../service/scope.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { ByteStream } from '../sockets/byte-stream.ts'
import { type Backup, Hosts } from './hosts.ts'

/** Makes a connection. What it gives is the channel's: it closes it. */
export type OpenStream = (endpoint: Endpoint, limits: WaitOptions) => Promise<ByteStream>

/** Of every kind of channel. `ChannelAsker` is how its `auth` asks. */
export interface ChannelOptions<ChannelAsker> extends Endpoint {
  /** Stand in for the host, in this order: hosts, whose port is the same, or `{ host, port }`. */
  readonly backup?: readonly Backup[]
  /**
   * Runs on each new connection before any request is sent there, and asks by what it is given.
   * When it throws, that connection is closed, and the next address is tried.
   */
  readonly auth?: (channel: ChannelAsker) => unknown
  /** Called with true when much waits to be sent (1 MiB), with false when all has left. */
  readonly overload?: (isOverloaded: boolean) => void
  /** Send small requests at once (TCP_NODELAY). Default true. */
  readonly noDelay?: boolean
  /** How long a request waits that has no `timeoutMs` of its own. Default 0: for ever. */
  readonly timeoutMs?: number
  /** How long one address may take to connect and to `auth`. Default 10 s. */
  readonly connectTimeoutMs?: number
  /**
   * The peer owes an answer, and nothing at all came for so long: the connection is lost. Default
   * 0: it may be silent for ever.
   */
  readonly silenceMs?: number
  /** Requests under way, up to 1,048,576. More are refused. Default 65,536. */
  readonly maxRequests?: number
  /** Bytes that wait to be sent. A request beyond it is refused. Default 16 MiB. */
  readonly maxBytes?: number
  /** `connect` tries again at once, then after 1, 2, 3 … times this. Default 1 s. */
  readonly retryMs?: number
  /** Up to so long. Default 10 s. */
  readonly retryMsMax?: number
  /** What the channel talks over: TLS, say. Default: a connection of the service. */
  readonly open?: OpenStream
}

const NAMES = [
  ...ENDPOINT_NAMES,
  'backup',
  'auth',
  'overload',
  'noDelay',
  'timeoutMs',
  'connectTimeoutMs',
  'silenceMs',
  'maxRequests',
  'maxBytes',
  'retryMs',
  'retryMsMax',
  'open',
]
export const WHAT = 'make a socket channel'
const REQUESTS_MAX = 1024 * 1024
const BYTES_MAX = 1024 * 1024 * 1024

/** Options that were checked. */
export interface CheckedChannel {
  readonly hosts: Hosts
  readonly auth: ((channel: unknown) => unknown) | undefined
  readonly overload: ((isOverloaded: boolean) => void) | undefined
  readonly open: OpenStream | undefined
  readonly noDelay: boolean
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly silenceMs: number
  readonly maxRequests: number
  readonly maxBytes: number
  readonly retryMs: number
  readonly retryMsMax: number
}

const FUNCTIONS = ['auth', 'overload', 'open'] as const
const TIMES = {
  timeoutMs: 0,
  silenceMs: 0,
  connectTimeoutMs: 1,
  retryMs: 1,
  retryMsMax: 1,
} as const

/**
 * @param more Names of options that are checked elsewhere.
 * @throws `TypeError`, `RangeError` naming what is wrong.
 */
export function checkChannel(
  options: ChannelOptions<never>,
  more: readonly string[] = [],
): CheckedChannel {
  checkGiven(WHAT, 'options', options, [...NAMES, ...more])
  const { auth, overload, open, noDelay = true } = options
  const given = options as Readonly<Record<string, unknown>>
  for (const name of FUNCTIONS)
    if (given[name] !== undefined) checkFunction(WHAT, name, given[name])
  checkFlag(WHAT, 'noDelay', noDelay)
  const checked = {
    timeoutMs: 0,
    silenceMs: 0,
    connectTimeoutMs: SOCKETCHANNEL_CONNECT_MS,
    retryMs: SOCKETCHANNEL_RETRY_MS,
    retryMsMax: SOCKETCHANNEL_RETRY_MS_MAX,
    maxRequests: SOCKETCHANNEL_REQUESTS_MAX,
    maxBytes: SEND_QUEUE_BYTES_MAX,
  }
  for (const name of Object.keys(checked) as (keyof typeof checked)[]) {
    const value = options[name]
    if (value !== undefined) checked[name] = value
  }
  for (const [name, min] of Object.entries(TIMES)) {
    checkMs(WHAT, name, checked[name as keyof typeof TIMES], min)
  }
  checkInteger(WHAT, 'maxRequests', checked.maxRequests, 1, REQUESTS_MAX)
  checkInteger(WHAT, 'maxBytes', checked.maxBytes, 1, BYTES_MAX)
  return {
    hosts: new Hosts(WHAT, options, options.backup),
    auth: auth && kept(auth as (channel: unknown) => unknown),
    overload: overload && kept(overload),
    open: open && kept(open),
    noDelay,
    ...checked,
  }
}
