/** How a node joins a harbor cluster: checked, and complete. Names are those of Skynet's config. */
import {
  checkFlag,
  checkInteger,
  checkMs,
  checkOptions,
  checkPlain,
  refusal,
} from '../base/check.ts'
import type { HostPort } from '../base/host-port.ts'
import {
  HARBOR_CALL_MS,
  HARBOR_JOIN_MS,
  HARBOR_QUEUE_BYTES,
  HARBOR_WAIT_MS,
} from '../base/limits.ts'
import type { Placement } from '../launch/placement.ts'
import { readHarborPlace } from './harbor-place.ts'

export interface HarborLimits {
  /** The worker where all that crosses passes, as of `newService`. Default `least-loaded`. */
  readonly on?: Placement
  /** How long joining may take, and connecting to one that joins. Default 10 s. */
  readonly joinTimeoutMs?: number
  /** How long a message may wait for its harbor to connect. Default 10 s. */
  readonly waitMs?: number
  /** How long a call to another harbor may take, if the caller does not say. Default 10 s. */
  readonly callTimeoutMs?: number
  /** Bytes that wait: for harbors that are not connected, or for one that is. Default 16 MiB. */
  readonly queueBytes?: number
}

/** With a master and slaves, Skynet's or ours. */
export interface HarborOptions extends HarborLimits {
  readonly cluster?: false
  /** Where the master is, `127.0.0.1:2013`. Default: `standalone`. */
  readonly master?: string
  /**
   * Where this node waits for the harbors that are there already, until it has joined: `host:port`,
   * which they must be able to connect to. Port 0 lets the system choose.
   */
  readonly address: string
  /** The master is this node, at that address; others give it as their `master`. */
  readonly standalone?: string
}

/** The harbors are the nodes of the cluster that this node is in: key `cluster` of the config. */
export interface ClusterHarborOptions extends HarborLimits {
  readonly cluster: true
}

export type CheckedLimits = Required<Omit<HarborLimits, 'on'>>

const LIMIT_NAMES = ['on', 'joinTimeoutMs', 'waitMs', 'callTimeoutMs', 'queueBytes']
const NAMES = ['cluster', 'master', 'address', 'standalone', ...LIMIT_NAMES]
const WHAT = 'start the harbor'
const QUEUE_BYTES_MIN = 64 * 1024
const QUEUE_BYTES_MAX = 256 * 1024 * 1024

export interface CheckedHarbor extends CheckedLimits {
  /** Undefined: it is this node. */
  readonly master: HostPort | undefined
  readonly address: HostPort
  readonly standalone: HostPort | undefined
}

/** @throws `TypeError`, `RangeError` naming the one that is wrong, or that there is not. */
export function checkHarborOptions(options: HarborOptions | ClusterHarborOptions): void {
  checkPlain(WHAT, 'options', options)
  if (options.cluster === true) checkOptions(WHAT, 'options', options, ['cluster', ...LIMIT_NAMES])
  else checkOptions(WHAT, 'options', options, NAMES)
  checkFlag(WHAT, 'cluster', options.cluster)
  if (options.cluster === true) checkHarborLimits(options)
  else checkHarbor(options)
}

/** @throws `TypeError`, `RangeError` naming the one that is wrong. */
export function checkHarborLimits(options: HarborLimits): CheckedLimits {
  const {
    joinTimeoutMs = HARBOR_JOIN_MS,
    waitMs = HARBOR_WAIT_MS,
    callTimeoutMs = HARBOR_CALL_MS,
    queueBytes = HARBOR_QUEUE_BYTES,
  } = options
  checkMs(WHAT, 'joinTimeoutMs', joinTimeoutMs, 1)
  checkMs(WHAT, 'waitMs', waitMs)
  checkMs(WHAT, 'callTimeoutMs', callTimeoutMs, 1)
  checkInteger(WHAT, 'queueBytes', queueBytes, QUEUE_BYTES_MIN, QUEUE_BYTES_MAX)
  return { joinTimeoutMs, waitMs, callTimeoutMs, queueBytes }
}

/** @throws `TypeError`, `RangeError` naming the one that is wrong. */
export function checkHarbor(options: HarborOptions): CheckedHarbor {
  const limits = checkHarborLimits(options)
  const [master, address, standalone] = (['master', 'address', 'standalone'] as const).map(
    (name) => (options[name] === undefined ? undefined : placeOf(name, options[name])),
  )
  if (address === undefined) throw refusal('type', WHAT, 'address', 'host:port', options.address)
  if (master === undefined && standalone === undefined) {
    throw refusal('type', WHAT, 'master', "host:port, unless there is 'standalone'", options.master)
  }
  return { master, address, standalone, ...limits }
}

function placeOf(name: string, text: unknown): HostPort {
  // A master is connected to; the others may let the system choose.
  const portMin = name === 'master' ? 1 : 0
  const place = typeof text === 'string' ? readHarborPlace(text, portMin) : undefined
  if (place !== undefined) return place
  const expected = `host:port, with a port from ${portMin}`
  throw refusal(typeof text === 'string' ? 'value' : 'type', WHAT, name, expected, text)
}
