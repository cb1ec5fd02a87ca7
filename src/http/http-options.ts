/** What may be said of an HTTP server, checked. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkFunction, checkInteger, checkOptions, checkPlain, refusal } from '../base/check.ts'
import {
  DUPLEX_PIECE_BYTES,
  DUPLEX_UNSENT_BYTES,
  HTTP_CONNECTIONS_MAX,
  HTTP_HEADER_BYTES_MAX,
  HTTP_HEADERS_MAX,
  HTTP_HEADERS_MS,
  HTTP_KEEP_ALIVE_MS,
  HTTP_REQUEST_MS,
  HTTP_WRITE_MS,
  SOCKETS_MAX,
  TIMER_MS_MAX,
} from '../base/limits.ts'
import { checkListener, type StreamListener } from '../sockets/byte-stream.ts'
import { LISTEN_OPTION_NAMES, type ListenOptions } from '../sockets/open-listener.ts'

/**
 * Any handler of `node:http`: your own, or that of a framework. What it returns is waited for only
 * to know how it ends.
 */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => unknown

/** How much, and how long. Times are milliseconds; 0: no limit. */
export interface HttpLimits {
  /** For a header to be there, from its first byte, or from the connection on. Default 10 s. */
  readonly headersTimeoutMs?: number
  /** For a whole request to be there, its body included. Default 120 s. */
  readonly requestTimeoutMs?: number
  /** Without a request on a connection that has had one. Default 5 s. */
  readonly keepAliveTimeoutMs?: number
  /** A response of which nothing leaves, as nobody reads it. Default 30 s. */
  readonly writeTimeoutMs?: number
  /** Bytes of the header of a request, its first line included. Default 16 KiB. */
  readonly maxHeaderBytes?: number
  /** Lines of the header of a request. Default 100. */
  readonly maxHeaders?: number
  /** Connections at a time. Default 10,000. */
  readonly maxConnections?: number
  /** Connections at a time of one address, or IPv6 /64. Default: as `maxConnections`. */
  readonly connectionsPerAddress?: number
}

/** What holds wherever connections come from. */
export interface HttpRules extends HttpLimits {
  readonly handler: HttpHandler
  /**
   * Who asks, when that is not the peer: behind a proxy, what its header says. For `addressOf` of
   * the server, and for WebSockets that it takes.
   */
  readonly addressOf?: (request: IncomingMessage) => string
}

/** Where to listen, as `skynet.socket.listen` takes it, with all that holds for each connection. */
export interface HttpPlace extends Omit<ListenOptions, 'sendPolicy'> {
  readonly listener?: never
}

/** Who accepts connections instead: over TLS, behind a proxy. It is closed with the server. */
export interface HttpListener {
  readonly listener: StreamListener
}

/** Where connections come from. */
export type HttpSource = HttpPlace | HttpListener
export type HttpOptions = HttpRules & HttpSource

const WHAT = 'serve HTTP'
const SEND_BYTES_MIN = DUPLEX_UNSENT_BYTES + DUPLEX_PIECE_BYTES

/** Name of a limit: what it is unless told otherwise, its smallest and its largest value. */
const LIMITS = {
  headersTimeoutMs: [HTTP_HEADERS_MS, 0, TIMER_MS_MAX],
  requestTimeoutMs: [HTTP_REQUEST_MS, 0, TIMER_MS_MAX],
  keepAliveTimeoutMs: [HTTP_KEEP_ALIVE_MS, 0, TIMER_MS_MAX],
  writeTimeoutMs: [HTTP_WRITE_MS, 0, TIMER_MS_MAX],
  maxHeaderBytes: [HTTP_HEADER_BYTES_MAX, 256, 1024 * 1024],
  maxHeaders: [HTTP_HEADERS_MAX, 1, 65_535],
  maxConnections: [HTTP_CONNECTIONS_MAX, 1, SOCKETS_MAX],
  connectionsPerAddress: [SOCKETS_MAX, 1, SOCKETS_MAX],
} as const satisfies Record<keyof HttpLimits, readonly [number, number, number]>

const RULES = ['handler', 'addressOf', ...Object.keys(LIMITS)]
const PLACE = LISTEN_OPTION_NAMES.filter((name) => name !== 'sendPolicy')
/** All of them, for who takes others besides. */
export const HTTP_OPTION_NAMES: readonly string[] = [...RULES, ...PLACE, 'listener']

export interface CheckedHttp extends Required<HttpLimits> {
  readonly handler: HttpHandler
  readonly addressOf: HttpRules['addressOf'] | undefined
}

/**
 * @returns The rules, and where to listen; undefined: the options have a listener.
 * @throws `TypeError`, `RangeError` naming the option.
 */
export function checkHttp(options: HttpOptions): {
  readonly rules: CheckedHttp
  readonly place: ListenOptions | undefined
} {
  checkPlain(WHAT, 'options', options)
  const { handler, addressOf, listener } = options
  const others = listener === undefined ? PLACE : ['listener']
  checkOptions(WHAT, 'options', options, [...RULES, ...others])
  checkFunction(WHAT, 'handler', handler)
  if (addressOf !== undefined) checkFunction(WHAT, 'addressOf', addressOf)
  if (listener !== undefined) checkListener(WHAT, 'listener', listener)
  const rules = { handler, addressOf, ...limitsOf(options) }
  if (listener !== undefined) return { rules, place: undefined }
  const given = Object.entries(options).filter(([name]) => !RULES.includes(name))
  const place = Object.fromEntries(given) as ListenOptions
  const { sendLimitBytes: limit } = place
  // Of that, and what is written then, a connection would break.
  if (limit !== undefined && limit < SEND_BYTES_MIN) {
    throw refusal('range', WHAT, 'sendLimitBytes', `at least ${SEND_BYTES_MIN}`, limit)
  }
  return { rules, place }
}

function limitsOf(options: HttpLimits): Required<HttpLimits> {
  const limits: Record<string, number> = {}
  for (const [name, [normal, min, max]] of Object.entries(LIMITS)) {
    const value = options[name as keyof HttpLimits] ?? normal
    checkInteger(WHAT, name, value, min, max)
    limits[name] = value
  }
  return withinRequest(limits as unknown as Required<HttpLimits>, options)
}

/** A header is there before its request is. */
function withinRequest(limits: Required<HttpLimits>, given: HttpLimits): Required<HttpLimits> {
  const { headersTimeoutMs, requestTimeoutMs } = limits
  if (requestTimeoutMs === 0 || headersTimeoutMs <= requestTimeoutMs) return limits
  if (given.headersTimeoutMs === undefined) return { ...limits, headersTimeoutMs: requestTimeoutMs }
  const most = `at most 'requestTimeoutMs' (${requestTimeoutMs})`
  throw refusal('range', WHAT, 'headersTimeoutMs', most, headersTimeoutMs)
}
