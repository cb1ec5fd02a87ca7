/** How a socket behaves under load and over time. Those with the same settings share one object. */
import { checkChoice, checkGiven, checkInteger } from '../base/check.ts'
import {
  LINGER_MS_MAX,
  READ_BYTES_MAX,
  READ_BYTES_MIN,
  SEND_LIMIT_BYTES_MAX,
  SEND_QUEUE_BYTES_MAX,
  SEND_WARNING_BYTES,
  TIMER_MS_MAX,
} from '../base/limits.ts'

/**
 * What happens to a write that finds `sendLimitBytes` waiting. `close`: the socket fails.
 * `drop-new`: the write is dropped, whole, and counted. `pause-producer`: the write throws, and
 * reads of this socket wait while more than half of the limit is there: who answers what it reads
 * is slowed down to the pace of the peer.
 */
export const SEND_POLICY = { close: 0, 'drop-new': 1, 'pause-producer': 2 } as const
export type SendPolicy = keyof typeof SEND_POLICY

export interface SocketSettings {
  /** Unsent bytes beyond which `sendPolicy` decides. Default 16 MiB. */
  readonly sendLimitBytes: number
  /** Default `close`. */
  readonly sendPolicy: SendPolicy
  /** Unsent bytes that are worth a warning; the next at twice as many. Default 1 MiB. */
  readonly sendWarningBytes: number
  /** Largest single read, 64 B … 64 KiB. Default 64 KiB. */
  readonly readBytesMax: number
  /** How long a closed socket may take to send what was written before it is cut. Default 10 s. */
  readonly lingerMs: number
  /**
   * Nothing came and nothing left for so long: the socket fails with `idle for … ms` (noticed at
   * most an eighth later). Default 0: never.
   */
  readonly idleTimeoutMs: number
}

export const DEFAULT_SETTINGS: SocketSettings = {
  sendLimitBytes: SEND_QUEUE_BYTES_MAX,
  sendPolicy: 'close',
  sendWarningBytes: SEND_WARNING_BYTES,
  readBytesMax: READ_BYTES_MAX,
  lingerMs: LINGER_MS_MAX,
  idleTimeoutMs: 0,
}

/** Smallest and largest value of each. */
export const SETTING_RANGES = {
  sendLimitBytes: [1, SEND_LIMIT_BYTES_MAX],
  sendWarningBytes: [1, SEND_LIMIT_BYTES_MAX],
  readBytesMax: [READ_BYTES_MIN, READ_BYTES_MAX],
  lingerMs: [1, TIMER_MS_MAX],
  idleTimeoutMs: [0, TIMER_MS_MAX],
} as const satisfies Partial<Record<keyof SocketSettings, readonly [number, number]>>

export const SETTING_NAMES = [...Object.keys(SETTING_RANGES), 'sendPolicy']

/**
 * The settings among `options`; undefined when there are none.
 *
 * @param others Names of options that are no settings.
 * @throws `RangeError`, `TypeError` naming the one that is out of range, or that there is not.
 */
export function checkSettings(
  what: string,
  options: Partial<SocketSettings>,
  others: readonly string[] = [],
): Partial<SocketSettings> | undefined {
  checkGiven(what, 'options', options, [...others, ...SETTING_NAMES])
  const given: Record<string, unknown> = {}
  for (const [name, [min, max]] of Object.entries(SETTING_RANGES)) {
    const value = options[name as keyof typeof SETTING_RANGES]
    if (value === undefined) continue
    checkInteger(what, name, value, min, max)
    given[name] = value
  }
  const { sendPolicy } = options
  if (sendPolicy !== undefined) {
    checkChoice(what, 'sendPolicy', sendPolicy, Object.keys(SEND_POLICY))
    given.sendPolicy = sendPolicy
  }
  return Object.keys(given).length === 0 ? undefined : (given as Partial<SocketSettings>)
}
