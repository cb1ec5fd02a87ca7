/** Skynet's `msgserver`: requests and answers of users who have logged in, over a gate. */
import { checkFunction, checkGiven, checkInteger, checkMs, refusal } from '../base/check.ts'
import {
  MESSAGE_BYTES_MAX,
  MSG_ANSWERS_BYTES,
  MSG_BODY_BYTES_MAX,
  MSG_EXPIRED_NUMBER,
  MSG_EXPIRED_NUMBER_MAX,
  MSG_HANDSHAKE_MS,
  MSG_PENDING,
  MSG_PENDING_MAX,
} from '../base/limits.ts'
import { formatOf } from '../frames/frame-format.ts'
import type { NoMethods } from '../modules/definition.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { Bytes } from './crypt/bytes.ts'
import { frameOptions, type GateFrames } from './gate-options.ts'
import { type GateHandler, type GateMethods, gateServer } from './gate-server.ts'
import { type DeskRules, MsgDesk } from './msg-desk.ts'
import { ANSWER_HEAD_BYTES } from './msg-frame.ts'
import { HANDSHAKE, type MsgUserId, userIdOf, usernameOf } from './msg-handshake.ts'

/** What a request is answered by; nothing is an empty answer. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is one of void
export type MsgAnswer = Bytes | void

/** What a message server does: see `msgServer`. */
export interface MsgHandler<Own extends object = NoMethods, Commands extends object = NoMethods>
  extends Pick<GateHandler<Buffer, Bytes, Own, Commands>, 'open' | 'options' | 'command'> {
  /**
   * A request of a user. Others of the same user come meanwhile: answers leave as they are there.
   * What it throws is logged, and the client is told that the request has failed.
   *
   * @param username As it was given to `login`.
   * @param body The handler's own.
   * @returns At most 65,530 bytes; more is a failure as well.
   */
  request(username: string, body: Buffer): MsgAnswer | Promise<MsgAnswer>
  /** No connection of a user is left. The user may come back: `logout` is what ends the session. */
  disconnect?(username: string): unknown
  /**
   * So many answers of a user are kept at least, twice as many at most, for a client that asks
   * again. Default 128.
   */
  readonly expiredNumber?: number
  /** Bytes of the answers that are kept for a user. Default 1 MiB. The newest is always kept. */
  readonly answersBytesMax?: number
  /** Requests of a user under way; beyond it the user is not read. Default 1,024. */
  readonly maxPending?: number
  /** How long a connection may take to say whose it is. Default 10 s. */
  readonly handshakeTimeoutMs?: number
}

/** What a handler has in hand of its message server. */
export interface MsgServer {
  /** Users who are logged in, connected or not. */
  readonly users: number
  /**
   * Expect a user: from now on, clients may connect as `username`.
   *
   * @param secret Of the login, eight bytes.
   * @throws {SkynetError} `ERR_USER_ONLINE` until `logout`; `ERR_CRYPT` for another secret.
   */
  login(username: string, secret: Bytes): void
  /** Forget a user, and close all connections of it. False: there is no such user. */
  logout(username: string): boolean
  /** Where the newest connection of a user comes from; undefined when none is open. */
  ip(username: string): string | undefined
  /** `base64(uid)@base64(server)#base64(subid)`. */
  username(uid: string, subid: string | number, server: string): string
  /** The parts of a username. @throws {SkynetError} `ERR_CRYPT` */
  userid(username: string): MsgUserId
}

const WHAT = 'make a message server'

/**
 * The methods of a service that is a message server, as Skynet's `msgserver`, byte for byte. It is
 * a gate: it lets clients in once somebody has called its `open`.
 *
 * ```ts
 * export default defineService((skynet) =>
 *   msgServer(skynet, (server) => ({
 *     request: (username, body) => agentOf(username).call.request(body),
 *     command: {
 *       login: (uid: string, secret: Buffer) => { … server.login(username, secret) … },
 *     },
 *   })),
 * )
 * ```
 *
 * @param define Called at once, with the server, which is of use once this has returned what it
 * does.
 */
export function msgServer<Own extends object = NoMethods, Commands extends object = NoMethods>(
  skynet: Skynet,
  define: (server: MsgServer) => MsgHandler<Own, Commands>,
): GateMethods<Own> & Commands {
  checkFunction(WHAT, 'define', define)
  return gateServer<Buffer, Bytes, Own, Commands>(skynet, (gate) => {
    const server: MsgServer = {
      get users() {
        return desk.users
      },
      login: (username, secret) => desk.login(username, secret),
      logout: (username) => desk.logout(username),
      ip: (username) => desk.addressOf(username),
      username: (uid, subid, name) => usernameOf({ uid, server: name, subid: `${subid}` }),
      userid: userIdOf,
    }
    const handler = define(server)
    const desk = new MsgDesk(Skynet.serviceOf(skynet), gate, rulesOf(handler))
    const { open, options, command } = handler
    return {
      open(source, given, place) {
        desk.bodyBytesMax = answerBytesMax(given.frames)
        return open?.call(handler, source, given, place)
      },
      connect: (fd, address) => desk.connect(fd, address),
      message: (fd, frame) => desk.message(fd, frame),
      disconnect: (fd) => desk.disconnect(fd),
      ...(options !== undefined && { options }),
      ...(command !== undefined && { command }),
    }
  })
}

/** The longest body that fits into the frames of the gate, with what is around it. */
function answerBytesMax(frames: GateFrames = {}): number {
  const what = 'open a message server'
  const { header, max } = formatOf(frameOptions(what, frames))
  if (header === 'line') {
    throw refusal('value', what, 'frames.header', 'one with a length, as bodies are bytes', header)
  }
  checkInteger(what, 'frames.max', max, HANDSHAKE_BYTES_MAX, MESSAGE_BYTES_MAX)
  return Math.min(MSG_BODY_BYTES_MAX, max - ANSWER_HEAD_BYTES)
}

/** What the server itself says must fit. */
const HANDSHAKE_BYTES_MAX = Math.max(...Object.values(HANDSHAKE).map(({ length }) => length))

const LIMIT_NAMES = ['expiredNumber', 'answersBytesMax', 'maxPending', 'handshakeTimeoutMs']
const NAMES = ['request', 'disconnect', 'open', 'options', 'command', ...LIMIT_NAMES]

/** @throws `TypeError`, `RangeError` naming what is wrong with it. */
function rulesOf(handler: MsgHandler<never, object>): DeskRules {
  checkGiven(WHAT, 'handler', handler, NAMES)
  const { expiredNumber = MSG_EXPIRED_NUMBER, answersBytesMax = MSG_ANSWERS_BYTES } = handler
  const { maxPending = MSG_PENDING, handshakeTimeoutMs = MSG_HANDSHAKE_MS } = handler
  checkFunction(WHAT, 'request', handler.request)
  for (const name of ['disconnect', 'open'] as const) {
    if (handler[name] !== undefined) checkFunction(WHAT, name, handler[name])
  }
  checkInteger(WHAT, 'expiredNumber', expiredNumber, 1, MSG_EXPIRED_NUMBER_MAX)
  checkInteger(WHAT, 'answersBytesMax', answersBytesMax, 0, MESSAGE_BYTES_MAX)
  checkInteger(WHAT, 'maxPending', maxPending, 1, MSG_PENDING_MAX)
  checkMs(WHAT, 'handshakeTimeoutMs', handshakeTimeoutMs, 1)
  return {
    request: (username, body) => handler.request(username, body),
    disconnect: (username) => handler.disconnect?.(username),
    expiredNumber,
    bytesMax: answersBytesMax,
    pendingMax: maxPending,
    handshakeMs: handshakeTimeoutMs,
  }
}
