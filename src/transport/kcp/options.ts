/** What may be said of a conversation, checked; and what is meant when nothing is said. */
import {
  checkFlag,
  checkGiven,
  checkInteger,
  checkMs,
  checkOptions,
  refusal,
} from '../../base/check.ts'
import {
  KCP_CONNECT_MS,
  KCP_CONNECTIONS,
  KCP_FRAGMENTS_MAX,
  KCP_HANDSHAKE_MS,
  KCP_IDLE_MS,
  KCP_KEEP_ALIVE_MS,
  KCP_KEEP_ALIVE_MS_MIN,
  KCP_MESSAGE_BYTES,
  KCP_MTU_BYTES,
  KCP_MTU_BYTES_MAX,
  KCP_MTU_BYTES_MIN,
  KCP_WINDOW,
  KCP_WINDOW_MAX,
  LINGER_MS_MAX,
  SEND_QUEUE_BYTES_MAX,
  TIMER_MS_MAX,
} from '../../base/limits.ts'
import type { KcpSettings } from './core.ts'
import type { KcpClientSettings } from './kcp-client.ts'
import type { KcpServerSettings } from './kcp-server.ts'
import { DATA_HEAD_BYTES } from './packets.ts'
import { SEGMENT_HEAD_BYTES } from './segment.ts'

/** Conversations without a handshake, as programs with bare `ikcp` have them. */
export interface BareOptions {
  /** The number of the conversation: 0..2^32-1. Both sides know it. */
  readonly conv: number
}

/** What both sides of a conversation may say. */
export interface KcpOptions {
  /** Longest message that is taken, in bytes. Default 64 KiB; at most 127 segments. */
  readonly messageBytesMax?: number | undefined
  /** Bytes that are not acknowledged, beyond which the stream fails. Default 16 MiB. */
  readonly sendLimitBytes?: number | undefined
  /** Longest packet, in bytes of UDP, 576..1472. Both sides take the smaller one. Default 1200. */
  readonly mtu?: number | undefined
  /** Segments under way at most, 1..1024. Default 128. */
  readonly sendWindow?: number | undefined
  /** Segments that wait here at most, 128..1024. Default 128. */
  readonly receiveWindow?: number | undefined
  /** Between two looks at what is to be sent, 10..5000 ms. Default 10. */
  readonly intervalMs?: number | undefined
  /**
   * What is not answered is sent again after a wait that doubles (0), grows by half (1), or by half
   * of a round trip (2). Default 1.
   */
  readonly noDelay?: 0 | 1 | 2 | undefined
  /** Send again what so many later ones have passed; 0: never. Default 2. */
  readonly fastResend?: number | undefined
  /** Send less when packets are lost, as TCP does. Default false: games send little. */
  readonly congestionControl?: boolean | undefined
  /** How long what was sent may take to arrive after `close`. Default 10 s. */
  readonly lingerMs?: number | undefined
  /**
   * Nothing has come for so long: the stream fails. 0: never. Below 3 s one lost ping is enough for
   * that. Default 60 s; of the server.
   */
  readonly idleTimeoutMs?: number | undefined
  /** Talk to bare `ikcp`: no handshake, no end, nobody is who he seems. Default: no. */
  readonly bare?: BareOptions | undefined
}

/** What a server may say besides. */
export interface KcpServerOptions extends KcpOptions {
  /**
   * While the node stops, go on as long as its stop hooks run, for clients that come back. Default
   * false: nobody is let in from then on.
   */
  readonly listenWhileStopping?: boolean | undefined
  /** Conversations at a time. Default 10,000. */
  readonly maxConnections?: number | undefined
  /** How long a client may take to confirm its conversation. Default 5 s. */
  readonly handshakeTimeoutMs?: number | undefined
  /**
   * A client that has sent nothing for so long pings, 1 s or more; after a third of
   * `idleTimeoutMs` at the latest. Default 15 s.
   */
  readonly keepAliveMs?: number | undefined
}

const NAMES = [
  ...['messageBytesMax', 'sendLimitBytes', 'mtu', 'sendWindow', 'receiveWindow', 'intervalMs'],
  ...['noDelay', 'fastResend', 'congestionControl', 'lingerMs', 'idleTimeoutMs', 'bare'],
]
const SERVER_NAMES = [
  ...NAMES,
  'maxConnections',
  'handshakeTimeoutMs',
  'keepAliveMs',
  'listenWhileStopping',
]
/** C takes no other ones. */
const INTERVAL_MS = { min: 10, max: 5000 }
const FAST_RESEND_MAX = 1000
const SEND_LIMIT_BYTES_MAX = 1024 * 1024 * 1024
const CONV_MAX = 0xffff_ffff
const CONNECTIONS_MAX = 1_000_000

/** Options that were checked. */
interface Checked {
  readonly core: KcpSettings
  readonly lingerMs: number
  readonly idleTimeoutMs: number
  readonly sendLimitBytes: number
  readonly bare: BareOptions | undefined
}

export type CheckedClient = Checked & KcpClientSettings
export type CheckedServer = Checked & KcpServerSettings & { readonly staysOpen: boolean }

/** @param others Names of options that are checked elsewhere. @throws `TypeError`, `RangeError`. */
export function checkKcpClient(
  what: string,
  options: KcpOptions,
  others: readonly string[],
): CheckedClient {
  checkGiven(what, 'options', options, [...others, ...NAMES])
  return { ...checked(what, options), connectTimeoutMs: KCP_CONNECT_MS }
}

/** As `checkKcpClient`. */
export function checkKcpServer(
  what: string,
  options: KcpServerOptions,
  others: readonly string[],
): CheckedServer {
  checkGiven(what, 'options', options, [...others, ...SERVER_NAMES])
  const {
    maxConnections = KCP_CONNECTIONS,
    handshakeTimeoutMs = KCP_HANDSHAKE_MS,
    keepAliveMs = KCP_KEEP_ALIVE_MS,
    listenWhileStopping: staysOpen = false,
  } = options
  checkInteger(what, 'maxConnections', maxConnections, 1, CONNECTIONS_MAX)
  checkMs(what, 'handshakeTimeoutMs', handshakeTimeoutMs, 1)
  checkInteger(what, 'keepAliveMs', keepAliveMs, KCP_KEEP_ALIVE_MS_MIN, TIMER_MS_MAX)
  checkFlag(what, 'listenWhileStopping', staysOpen)
  const both = checked(what, options)
  const times = { handshakeTimeoutMs, keepAliveMs: pingedWithin(keepAliveMs, both.idleTimeoutMs) }
  return { ...both, maxConnections, ...times, staysOpen }
}

/** Two pings may be lost before a client that is there is silent for too long. */
function pingedWithin(keepAliveMs: number, idleTimeoutMs: number): number {
  if (idleTimeoutMs === 0) return keepAliveMs
  return Math.min(keepAliveMs, Math.max(KCP_KEEP_ALIVE_MS_MIN, Math.floor(idleTimeoutMs / 3)))
}

function checked(what: string, options: KcpOptions): Checked {
  const { sendLimitBytes = SEND_QUEUE_BYTES_MAX } = options
  const { lingerMs = LINGER_MS_MAX, idleTimeoutMs = KCP_IDLE_MS, bare } = options
  checkInteger(what, 'sendLimitBytes', sendLimitBytes, 1, SEND_LIMIT_BYTES_MAX)
  checkMs(what, 'lingerMs', lingerMs, 1)
  checkInteger(what, 'idleTimeoutMs', idleTimeoutMs, 0, TIMER_MS_MAX)
  if (bare !== undefined) {
    checkOptions(what, 'bare', bare, ['conv'])
    checkInteger(what, 'bare.conv', bare.conv, 0, CONV_MAX)
  }
  const core = coreSettings(what, options)
  return { core, lingerMs, idleTimeoutMs, sendLimitBytes, bare }
}

function coreSettings(what: string, options: KcpOptions): KcpSettings {
  const { messageBytesMax = KCP_MESSAGE_BYTES, mtu = KCP_MTU_BYTES, noDelay = 1 } = options
  const { sendWindow = KCP_WINDOW, receiveWindow = KCP_WINDOW, intervalMs = 10 } = options
  const { fastResend = 2, congestionControl = false } = options
  checkInteger(what, 'mtu', mtu, KCP_MTU_BYTES_MIN, KCP_MTU_BYTES_MAX)
  const packetBytes = options.bare === undefined ? mtu - DATA_HEAD_BYTES : mtu
  const longest = (packetBytes - SEGMENT_HEAD_BYTES) * KCP_FRAGMENTS_MAX
  checkInteger(what, 'messageBytesMax', messageBytesMax, 1, longest)
  checkInteger(what, 'sendWindow', sendWindow, 1, KCP_WINDOW_MAX)
  checkInteger(what, 'receiveWindow', receiveWindow, KCP_WINDOW, KCP_WINDOW_MAX)
  checkInteger(what, 'intervalMs', intervalMs, INTERVAL_MS.min, INTERVAL_MS.max)
  if (![0, 1, 2].includes(noDelay)) throw refusal('value', what, 'noDelay', '0, 1 or 2', noDelay)
  checkInteger(what, 'fastResend', fastResend, 0, FAST_RESEND_MAX)
  checkFlag(what, 'congestionControl', congestionControl)
  return {
    mtu: packetBytes,
    sendWindow,
    receiveWindow,
    intervalMs,
    noDelay,
    fastResend,
    isPolite: congestionControl,
    messageBytesMax,
  }
}
