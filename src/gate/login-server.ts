/** Skynet's `loginserver`: clients prove who they are, and are told how to enter the game. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { LOGIN_LINE_BYTES_MAX } from '../base/limits.ts'
import { printed } from '../base/thrown.ts'
import { Repeats } from '../service/repeats.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { Connection } from '../sockets/connection.ts'
import type { Listener } from '../sockets/listener.ts'
import { Refused } from '../sockets/refused.ts'
import { base64Encode } from './crypt/base64.ts'
import { LOGIN_RESULT, LoginHandshake } from './login-handshake.ts'
import { LineCutter } from './login-lines.ts'
import {
  checkLogin,
  type LoginPeer,
  type LoginRules,
  type LoginServerOptions,
  type LoginUser,
} from './login-options.ts'

/**
 * Serve logins from now on, as Skynet's `loginserver` does, byte for byte.
 *
 * @throws {SkynetError} `ERR_LISTEN` and what else `skynet.socket.listen` throws. `TypeError`,
 * `RangeError` for options.
 */
export async function loginServer(
  skynet: Skynet,
  options: LoginServerOptions,
): Promise<LoginServer> {
  const { listen, rules } = checkLogin(options)
  return new LoginServer(skynet, await skynet.socket.listen(listen), rules)
}

/** Obtained from `loginServer`. */
export class LoginServer implements AsyncDisposable {
  readonly #skynet: Skynet
  readonly #listener: Listener
  readonly #rules: LoginRules
  readonly #refusals: Repeats
  readonly #refused: Refused
  /** Users whose `login` runs, where only one of each may. */
  readonly #users = new Set<string>()
  #pending = 0

  /** Made by `loginServer`. */
  constructor(skynet: Skynet, listener: Listener, rules: LoginRules) {
    this.#skynet = skynet
    this.#listener = listener
    this.#rules = rules
    const service = Skynet.serviceOf(skynet)
    this.#refused = new Refused(service)
    this.#refusals = new Repeats(service, (more) => `log in: ${more} more were refused`, 'info')
    skynet.fork(async () => {
      for await (const connection of listener) this.#accept(connection)
    })
  }

  /** `127.0.0.1:8001`. */
  get address(): string {
    return this.#listener.address
  }

  /** The port that is really open. */
  get port(): number {
    return this.#listener.port
  }

  /** Logins under way. */
  get pending(): number {
    return this.#pending
  }

  /** Accept nobody any more. Logins that are under way go on. */
  close(): Promise<void> {
    return this.#listener.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(connection: Connection): void {
    if (this.#pending < this.#rules.maxLogins) {
      this.#skynet.fork(() => this.#serve(connection))
      this.#pending++
      return
    }
    this.#refuse(connection, LOGIN_RESULT.overloaded, `${this.#pending} logins are under way`)
    this.#refused.turnAway(connection, () => say(connection, LOGIN_RESULT.overloaded))
  }

  async #serve(connection: Connection): Promise<void> {
    const limit = new AbortController()
    const { loginTimeoutMs: timeoutMs } = this.#rules
    const address = connection.remoteAddress
    const timer = this.#skynet.timeout(timeoutMs, () => {
      limit.abort(new SkynetError('ERR_WAIT_TIMEOUT', { kind: 'login', what: address, timeoutMs }))
    })
    try {
      const result = await this.#resultOf(connection, { address, signal: limit.signal })
      if (result !== undefined) say(connection, result)
    } finally {
      timer.cancel()
      this.#pending--
      void connection.close()
    }
  }

  /** The last line; undefined: there is nobody who could read it, or nothing to say. */
  async #resultOf(connection: Connection, peer: LoginPeer): Promise<string | undefined> {
    const handshake = new LoginHandshake()
    let user: LoginUser | undefined
    try {
      if (!(await shakeHands(connection, handshake, peer.signal))) return undefined
      const { auth } = this.#rules
      user = checkUser(await this.#within(peer, async () => auth(handshake.token!, peer)))
    } catch (error) {
      return this.#refuse(connection, LOGIN_RESULT.unauthorized, error)
    }
    const { uid } = user
    if (!this.#rules.multiLogin && this.#users.has(uid)) {
      return this.#refuse(connection, LOGIN_RESULT.busy, `${uid} logs in already`)
    }
    try {
      return await this.#within(peer, () => this.#logIn(user, handshake.secret, peer))
    } catch (error) {
      return this.#refuse(connection, LOGIN_RESULT.forbidden, error)
    }
  }

  /** A user whose time is up is not let in again before the handler is through. */
  async #logIn({ server, uid }: LoginUser, secret: Buffer, peer: LoginPeer): Promise<string> {
    this.#users.add(uid)
    try {
      const subid: unknown = await this.#rules.login(server, uid, secret, peer)
      if (typeof subid !== 'string' && typeof subid !== 'number') {
        throw new TypeError(`Cannot log in as 'login' must return a subid: ${printed(subid)}`)
      }
      return `${LOGIN_RESULT.done} ${base64Encode(`${subid}`)}`
    } finally {
      this.#users.delete(uid)
    }
  }

  /**
   * What a handler gives, unless the time is up first: then nobody hears of it any more, but it
   * counts as under way until it is through.
   */
  #within<T>({ signal }: LoginPeer, handler: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      let isLate = false
      const giveUp = (): void => {
        isLate = true
        this.#pending++
        reject(signal.reason)
      }
      signal.addEventListener('abort', giveUp)
      const through = (): void => {
        signal.removeEventListener('abort', giveUp)
        if (isLate) this.#pending--
      }
      handler().finally(through).then(resolve, reject)
    })
  }

  /** @returns The line that tells the client. */
  #refuse(connection: Connection, result: string, why: unknown): string {
    const reason = isSkynetError(why) ? why.message : printed(why)
    this.#refusals.say(`log in of ${connection.remoteAddress}: ${result}: ${reason}`)
    return result
  }
}

function checkUser(user: LoginUser): LoginUser {
  if (typeof user?.server === 'string' && typeof user.uid === 'string') return user
  throw new TypeError(`Cannot log in as 'auth' must return { server, uid }: ${printed(user)}`)
}

/** The lines up to the token. False: the client is gone, or what it sends is no line. */
async function shakeHands(
  connection: Connection,
  handshake: LoginHandshake,
  signal: AbortSignal,
): Promise<boolean> {
  const lines = new LineCutter(connection.id, LOGIN_LINE_BYTES_MAX)
  const answer = (line: string): void => say(connection, line)
  handshake.begin(answer)
  while (handshake.token === undefined) {
    const line = await nextLine(connection, lines, signal)
    if (line === undefined) return false
    handshake.take(line, answer)
  }
  return true
}

/** Undefined: none will come. Throws when the time is up. */
async function nextLine(
  connection: Connection,
  lines: LineCutter,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    for (let line = lines.take(); ; line = lines.take()) {
      if (line !== undefined) return line
      const chunk = await connection.read(undefined, { signal })
      if (chunk === null) return undefined
      lines.add(chunk)
    }
  } catch (error) {
    if (isSkynetError(error, 'ABORT_ERR')) throw signal.reason
    return undefined
  }
}

/** A client that is gone hears nothing: that is no fault. */
function say(connection: Connection, line: string): void {
  if (connection.isOpen) connection.write(`${line}\n`)
}
