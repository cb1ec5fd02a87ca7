/** What one border tells another, as it has come: bytes of a peer. */
import { HANDLE_ID_MAX, NAME_BYTES_MAX } from '../base/limits.ts'
import type { Ending, EndReason } from '../service/life.ts'
import { unpack } from '../wire/unpack.ts'
import type { RemoteKey } from './peer.ts'

/** The first is the word. */
export type BorderControl =
  | readonly ['watch', RemoteKey]
  | readonly ['unwatch', RemoteKey]
  | readonly ['ended', RemoteKey, Ending]
  /** Numbers of services of the sender that have ended. */
  | readonly ['gone', readonly number[]]
  /** Numbers of services of the receiver that the sender knows. */
  | readonly ['known', readonly number[]]
  /** Services of the sender to which the receiver is to send nothing, or may again. */
  | readonly ['full', readonly RemoteKey[]]
  | readonly ['room', readonly RemoteKey[]]
  /** The sender has opened a channel of the receiver, has no use for it, or has deleted it. */
  | readonly ['openChannel', number]
  | readonly ['closeChannel', number]
  | readonly ['endChannel', number]
  /** Channels of the receiver that the sender has open: all of them. */
  | readonly ['channels', readonly number[]]
  /** Channels of the sender that are not there (any more). */
  | readonly ['channelsEnded', readonly number[]]

const REASONS: { readonly [K in EndReason]: true } = {
  exit: true,
  kill: true,
  stop: true,
  'launch failed': true,
  crash: true,
  linked: true,
  'worker died': true,
  gone: true,
  'node down': true,
}

const isId = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= HANDLE_ID_MAX

const isKey = (value: unknown): value is RemoteKey =>
  isId(value) ||
  (typeof value === 'string' && value.startsWith('.') && value.length <= NAME_BYTES_MAX)

const isEnding = (value: unknown): value is Ending =>
  typeof value === 'object' && value !== null && Object.hasOwn(REASONS, (value as Ending).reason)

const areKeys = (value: unknown): boolean => Array.isArray(value) && value.every(isKey)

const isIds = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every(isId)

const isChannel = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0

const areChannels = (value: unknown): boolean => Array.isArray(value) && value.every(isChannel)

const ROWS: Readonly<Record<BorderControl[0], readonly ((value: unknown) => boolean)[]>> = {
  watch: [isKey],
  unwatch: [isKey],
  ended: [isKey, isEnding],
  gone: [isIds],
  known: [isIds],
  full: [areKeys],
  room: [areKeys],
  openChannel: [isChannel],
  closeChannel: [isChannel],
  endChannel: [isChannel],
  channels: [areChannels],
  channelsEnded: [areChannels],
}

/**
 * Undefined: this version does not know it, or it is not what it says.
 *
 * @throws {SkynetError} `ERR_MESSAGE_MALFORMED`.
 */
export function readControl(bytes: Buffer, at: number, length: number): BorderControl | undefined {
  const value = unpack(bytes, at, length)
  if (!Array.isArray(value) || !Object.hasOwn(ROWS, value[0])) return undefined
  const checks = ROWS[value[0] as BorderControl[0]]
  return checks.every((check, i) => check(value[i + 1]))
    ? (value as unknown as BorderControl)
    : undefined
}
