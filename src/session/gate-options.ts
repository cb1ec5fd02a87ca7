/** What a gate is made of, as its author gives it, and checked. */
import {
  checkArray,
  checkChoice,
  checkFlag,
  checkFunction,
  checkInteger,
  checkMs,
  checkOptions,
  checkPlain,
  isArray,
  isObject,
  refusal,
} from '../base/check.ts'
import * as LIMITS from '../base/limits.ts'
import type { ClientProtocol, ValidLoginOf } from '../client/client-protocol.ts'
import { leastMessageBytes, WINDOW_MAX } from '../client/wire.ts'
import type { ClientTransport } from '../skynet/client-transport.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { SessionLimits } from './core/session-limits.ts'
import type { LobbyOptions } from './lobby.ts'
import type { LoginAnswer } from './login-answer.ts'

/** Who wants a session. */
export interface LoginVisitor {
  /** Who it really is: `ip:port`. */
  readonly address: string
  /** `tcp`, `ws`, `kcp`. */
  readonly transport: string
  /**
   * Aborted when nobody waits for the login any more: its client is gone, or was told
   * `login-timeout`. Give it to what the login waits for.
   */
  readonly signal: AbortSignal
}

/** What clients of one address may have; 0: no limit. */
export interface PerAddressOptions {
  /** Default 0. */
  readonly connections?: number
  /** New connections, those of clients that come back included. Default 0. */
  readonly opensPerSecond?: number
  /**
   * Connections that have no session: at their handshake, their login, or closed and not gone.
   * Default 256, a quarter of those that a gate has room for.
   */
  readonly strangers?: number
}

/** What is told to clients that have to go, so that not all come back at once. */
export interface DrainOptions {
  /** So many are told at a time. Default 1,000. */
  readonly batch?: number
  /** Between two batches. Default 1,000. */
  readonly everyMs?: number
  /** Each comes back after a random time up to that. Default 30,000. */
  readonly jitterMs?: number
}

/** Settings that are one number each: what it is without one, the least and the most. */
const MS_MAX = LIMITS.TIMER_MS_MAX
const BYTES_MAX = LIMITS.MESSAGE_BYTES_MAX
const MANY = Number.MAX_SAFE_INTEGER
const NUMBERS = {
  keepMs: [LIMITS.SESSION_KEEP_MS_DEFAULT, 0, MS_MAX],
  loginTimeoutMs: [LIMITS.SESSION_LOGIN_MS_DEFAULT, 1, MS_MAX],
  heartbeatMs: [LIMITS.SESSION_HEARTBEAT_MS_DEFAULT, 1, MS_MAX],
  missed: [LIMITS.SESSION_MISSED_DEFAULT, 1, 1000],
  maxSessions: [LIMITS.SESSIONS_DEFAULT, 1, MANY],
  messageBytesMax: [LIMITS.SESSION_MESSAGE_BYTES_DEFAULT, 64, BYTES_MAX],
  messagesPerSecond: [LIMITS.SESSION_MESSAGES_PER_SECOND_DEFAULT, 1, MANY],
  window: [LIMITS.SESSION_WINDOW_DEFAULT, 1, WINDOW_MAX],
  answerBytesMax: [LIMITS.SESSION_ANSWER_BYTES_DEFAULT, 0, MANY],
  pushesMax: [LIMITS.SESSION_PUSHES_DEFAULT, 1, MANY],
  pushBytesMax: [LIMITS.SESSION_PUSH_BYTES_DEFAULT, 1, MANY],
  sendLimitBytes: [LIMITS.SESSION_SEND_BYTES_DEFAULT, 1, MANY],
} as const satisfies Readonly<Record<string, readonly [number, number, number]>>

const DRAIN = {
  batch: [1000, 1, MANY],
  everyMs: [1000, 0, MS_MAX],
  jitterMs: [30_000, 0, MS_MAX],
} as const satisfies Readonly<Record<keyof DrainOptions, readonly [number, number, number]>>

const PER_ADDRESS = {
  connections: [0, 0, MANY],
  opensPerSecond: [0, 0, MANY],
  strangers: [LIMITS.SESSION_STRANGERS_DEFAULT, 0, MANY],
} as const

/** What becomes of the session that a user has when he logs in again. */
const SAME_USER = ['replace', 'refuse', 'allow'] as const

/** The options of a gate, all but `listen` and `login` with a default. */
export interface SessionGateOptions<
  P extends ClientProtocol = ClientProtocol,
  Answer = LoginAnswer<P>,
> {
  /** By which ways clients come: `tcp()`, `webSocket()`, `kcp()`. */
  readonly listen: ClientTransport | readonly ClientTransport[]
  /**
   * Who is it, and who serves him? What is thrown refuses the client: a `ClientFault` with its
   * text, all else without one, and logged.
   *
   * @param credentials What the client gave, validated.
   */
  login(
    skynet: Skynet,
    credentials: ValidLoginOf<P>,
    visitor: LoginVisitor,
  ): Answer | Promise<Answer>
  /** How long a session without a connection waits for its client. Default 60,000. */
  readonly keepMs?: number
  /** From the stream of a client to his session; for his handshakes as long. Default 5,000. */
  readonly loginTimeoutMs?: number
  /** A client that has nothing to say says so after that time. Default 15,000. */
  readonly heartbeatMs?: number
  /** Heartbeats of which nothing comes, until its connection is given up. Default 2. */
  readonly missed?: number
  /**
   * A user who has a session logs in again: `replace` ends the one that there is, `refuse` the
   * login, `allow` lets him have several. Default `replace`.
   */
  readonly sameUser?: (typeof SAME_USER)[number]
  /** Sessions, those without a connection included. Default 10,000. */
  readonly maxSessions?: number
  /** Of one address; of IPv6 of one /64 network. */
  readonly perAddress?: PerAddressOptions
  /** Bytes of the longest message, both ways. Default 65,535. */
  readonly messageBytesMax?: number
  /**
   * Requests of one session, on an average. Clients know it, and keep the others back. Default 100.
   */
  readonly messagesPerSecond?: number
  /** Requests of a session that are not answered, or whose answer has not come. Default 64. */
  readonly window?: number
  /**
   * Bytes of answers that are kept for a client that is away. Default 256 KiB, or `messageBytesMax`
   * if that is more.
   */
  readonly answerBytesMax?: number
  /** Pushes that are kept for a client; one more ends its session. Default 1,000. */
  readonly pushesMax?: number
  /** Their bytes. Default 1 MiB, or `messageBytesMax` if that is more; no less than that. */
  readonly pushBytesMax?: number
  /**
   * Bytes that wait to be sent to one client. Default 1 MiB, or 64 KiB and `messageBytesMax` if
   * that is more. No less than `messageBytesMax` and 1.
   */
  readonly sendLimitBytes?: number
  /** How clients are sent away when the node stops. */
  readonly drain?: DrainOptions
  /** While the node stops, clients may come back to sessions that they have. Default true. */
  readonly listenWhileStopping?: boolean
}

export interface CheckedSessionGate extends SessionLimits, LobbyOptions {
  readonly listen: readonly ClientTransport[]
  readonly login: SessionGateOptions['login']
  readonly sameUser: (typeof SAME_USER)[number]
  readonly drain: Required<DrainOptions>
}

const WHAT = 'define a gate'
const OTHERS = ['listen', 'login', 'sameUser', 'perAddress', 'drain', 'listenWhileStopping']
const NAMES = [...Object.keys(NUMBERS), ...OTHERS]

type Rows = Readonly<Record<string, readonly [standard: number, min: number, max: number]>>
type Numbers<R extends Rows> = { readonly [Name in keyof R]: number }

/**
 * Each with its default: of `standards`, or of its row.
 *
 * @param within The option that they are parts of, for people.
 * @throws `TypeError`, `RangeError` naming the one that is wrong.
 */
function numbersOf<R extends Rows>(
  what: string,
  rows: R,
  given: object,
  standards: Partial<Numbers<R>> = {},
  within = '',
): Numbers<R> {
  const values: Record<string, number> = {}
  for (const [name, [standard, min, max]] of Object.entries(rows)) {
    const { [name]: value = standards[name] ?? standard } = given as Record<string, unknown>
    if (name.endsWith('Ms')) checkMs(what, within + name, value, min)
    else checkInteger(what, within + name, value, min, max)
    values[name] = value as number
  }
  return values as Numbers<R>
}

/** @throws `TypeError`, `RangeError`. */
export function checkDrain(
  what: string,
  options: DrainOptions | undefined,
  standards: DrainOptions = {},
): Required<DrainOptions> {
  checkOptions(what, 'options', options, Object.keys(DRAIN))
  return numbersOf(what, DRAIN, options ?? {}, standards)
}

/** Numbers that are one option of a gate. @throws `TypeError`, `RangeError` naming it and them. */
function partsOf<R extends Rows>(name: string, rows: R, given: unknown): Numbers<R> {
  checkOptions(`${WHAT} with '${name}'`, name, given, Object.keys(rows))
  return numbersOf(WHAT, rows, (given as object | undefined) ?? {}, {}, `${name}.`)
}

/** @throws `TypeError`, `RangeError` naming the one that is wrong, or that there is not. */
export function checkSessionGate(options: unknown): CheckedSessionGate {
  checkPlain(WHAT, 'options', options)
  checkOptions(WHAT, 'options', options, NAMES)
  const given = options as SessionGateOptions
  const { login, sameUser = 'replace', listenWhileStopping = true } = given
  checkFunction(WHAT, 'login', login)
  checkChoice(WHAT, 'sameUser', sameUser, SAME_USER)
  checkFlag(WHAT, 'listenWhileStopping', listenWhileStopping)
  const numbers = numbersOf(WHAT, NUMBERS, given, roomFor(given.messageBytesMax))
  checkWelcome(numbers)
  checkRoom(numbers)
  return {
    ...numbers,
    // More than a message is unsent only if the client is slow: then it waits here.
    sendMarkBytes: markOf(numbers),
    listen: checkTransports(given.listen),
    login,
    sameUser,
    perAddress: partsOf('perAddress', PER_ADDRESS, given.perAddress),
    drain: partsOf('drain', DRAIN, given.drain),
    listenWhileStopping,
  }
}

/** Defaults that a long message has room in, when nothing else waits. */
function roomFor(messageBytesMax = 0): Pick<SessionGateOptions, 'answerBytesMax' | Room> {
  const { SESSION_SEND_BYTES_DEFAULT, SESSION_SEND_MARK_BYTES } = LIMITS
  const { SESSION_PUSH_BYTES_DEFAULT, SESSION_ANSWER_BYTES_DEFAULT } = LIMITS
  const bytes = typeof messageBytesMax === 'number' ? messageBytesMax : 0
  return {
    sendLimitBytes: Math.max(SESSION_SEND_BYTES_DEFAULT, bytes + SESSION_SEND_MARK_BYTES),
    pushBytesMax: Math.max(SESSION_PUSH_BYTES_DEFAULT, bytes),
    answerBytesMax: Math.max(SESSION_ANSWER_BYTES_DEFAULT, bytes),
  }
}

type Room = 'sendLimitBytes' | 'pushBytesMax'
type Lengths = Readonly<Record<Room | 'messageBytesMax', number>>

/** From there on messages wait: what may be sent below it is within the limit. */
function markOf({ sendLimitBytes, messageBytesMax }: Lengths): number {
  return Math.min(LIMITS.SESSION_SEND_MARK_BYTES, sendLimitBytes - messageBytesMax)
}

/** A message that may be sent must not end its session when nothing else waits. */
function checkRoom(given: Lengths): void {
  const { messageBytesMax } = given
  const least = { sendLimitBytes: messageBytesMax + 1, pushBytesMax: messageBytesMax }
  for (const name of ['sendLimitBytes', 'pushBytesMax'] as const) {
    if (given[name] >= least[name]) continue
    const room = `at least ${least[name]}, for a messageBytesMax of ${messageBytesMax}`
    throw refusal('range', WHAT, name, room, given[name])
  }
}

/** A WELCOME lists what is open: it must fit, or nobody comes in. @throws `RangeError`. */
function checkWelcome(given: { readonly messageBytesMax: number; readonly window: number }): void {
  const { messageBytesMax, window } = given
  const bytes = leastMessageBytes(window)
  if (messageBytesMax >= bytes) return
  const least = `at least ${bytes}, for a window of ${window}`
  throw refusal('range', WHAT, 'messageBytesMax', least, messageBytesMax)
}

function checkTransports(listen: unknown): readonly ClientTransport[] {
  const all = isArray(listen) ? listen : [listen]
  checkArray(WHAT, 'listen', all)
  if (all.length === 0) throw refusal('value', WHAT, 'listen', 'at least one transport', listen)
  for (const [i, transport] of all.entries()) {
    const { open } = Object(transport) as Partial<ClientTransport>
    if (isObject(transport) && typeof open === 'function') continue
    throw refusal('type', WHAT, `listen[${i}]`, 'a transport as tcp() makes it', transport)
  }
  return all as readonly ClientTransport[]
}
