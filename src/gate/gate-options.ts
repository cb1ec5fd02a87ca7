/** How a gate is opened: checked, and complete. */
import { checkInteger, checkMs, checkOptions, checkPlain } from '../base/check.ts'
import { GATE_CLIENTS_DEFAULT, SOCKETS_MAX } from '../base/limits.ts'
import { FRAME_NAMES, type FrameOptions, formatOf } from '../frames/frame-format.ts'
import type { FrameHeader } from '../frames/framing.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { LISTEN_OPTION_NAMES, type ListenOptions } from '../sockets/open-listener.ts'

/** What is around each message: the options of `connection.frames` that can be sent. */
export interface GateFrames {
  /** Default `u16be`, as Skynet's: two bytes of length, the high one first. */
  readonly header?: Exclude<FrameHeader, object>
  /** Longest message in bytes. Default 65,535 behind two bytes of length, else 1 MiB. */
  readonly max?: number
}

/** The same for who makes frames of it. @throws `TypeError` unless it is a plain object. */
export function frameOptions(what: string, frames: GateFrames): FrameOptions {
  checkOptions(what, 'frames', frames, FRAME_NAMES)
  const { header = 'u16be', max } = frames
  return max === undefined ? { header } : { header, max }
}

/**
 * Where to listen, and whom to let in. Whatever holds for each connection may stand here as well:
 * `sendLimitBytes`, `idleTimeoutMs`, `options: { noDelay: 1 }` …
 */
export interface GateOptions extends Omit<ListenOptions, keyof WaitOptions> {
  /** So many clients at a time: one more is accepted and closed at once. Default 1024. */
  readonly maxClient?: number
  readonly frames?: GateFrames
  /**
   * A client from which no whole message comes for so long is closed: `error`, then `disconnect`.
   * Also one that nobody has opened. Noticed at most an eighth later. Default 0: never.
   */
  readonly messageTimeoutMs?: number
  /**
   * A client of which more messages than that are handled within a second is closed: `error`, then
   * `disconnect`. What it has sent besides is dropped. Messages that had to wait count as well, so
   * take some times what a client sends. Default 0: no limit.
   */
  readonly maxMessagesPerSecond?: number
}

/** What every gate is opened with. */
export const GATE_NAMES = [
  'maxClient',
  'frames',
  'messageTimeoutMs',
  'maxMessagesPerSecond',
  ...LISTEN_OPTION_NAMES,
]
const WHAT = 'open the gate'

export interface CheckedGate {
  readonly maxClient: number
  readonly messageTimeoutMs: number
  readonly maxMessagesPerSecond: number
  readonly frames: GateFrames
  /** What is for the listener, which checks it. */
  readonly listen: ListenOptions
}

/**
 * @param others Names of options that whoever made the gate has besides.
 * @throws `TypeError`, `RangeError` naming the one that is wrong, or that there is not.
 */
export function checkGate(options: GateOptions, others: readonly string[] = []): CheckedGate {
  checkPlain(WHAT, 'options', options)
  checkOptions(WHAT, 'options', options, [...GATE_NAMES, ...others])
  const {
    maxClient = GATE_CLIENTS_DEFAULT,
    messageTimeoutMs = 0,
    maxMessagesPerSecond = 0,
    frames = {},
    ...rest
  } = options
  checkInteger(WHAT, 'maxClient', maxClient, 1, SOCKETS_MAX)
  checkMs(WHAT, 'messageTimeoutMs', messageTimeoutMs)
  checkInteger(WHAT, 'maxMessagesPerSecond', maxMessagesPerSecond, 0, Number.MAX_SAFE_INTEGER)
  // Now, and not by each client that comes.
  formatOf(frameOptions(WHAT, frames))
  const given = Object.entries(rest).filter(([name]) => !others.includes(name))
  const listen = Object.fromEntries(given)
  return { maxClient, messageTimeoutMs, maxMessagesPerSecond, frames, listen }
}
