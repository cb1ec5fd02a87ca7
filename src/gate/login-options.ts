/** What a login server is told: checked, and complete. */
import { checkFlag, checkFunction, checkGiven, checkInteger, checkMs } from '../base/check.ts'
import { LOGIN_MS, LOGINS_MAX, SOCKETS_MAX } from '../base/limits.ts'
import { WAIT_NAMES, type WaitOptions } from '../service/wait-options.ts'
import type { ListenOptions } from '../sockets/open-listener.ts'

/** Whose login it is, for handlers. */
export interface LoginPeer {
  /** `ip:port` of the client. */
  readonly address: string
  /** Aborts when the time of this login is up. Hand it on: `gate.with({ signal })`. */
  readonly signal: AbortSignal
}

/** Who a token is of, and where that user wants to play. */
export interface LoginUser {
  /** Name of a game server, as `login` knows them. */
  readonly server: string
  readonly uid: string
}

/** Where to listen, how long that may take, and who is let in. */
export interface LoginServerOptions
  extends WaitOptions,
    Pick<ListenOptions, 'host' | 'path' | 'backlog'> {
  /** 0 lets the system choose: see `LoginServer.port`. */
  readonly port?: number
  /**
   * Who is it? Whatever it throws is answered by `401 Unauthorized`.
   *
   * @param token What the client has sent, decrypted. The bytes are yours.
   */
  readonly auth: (token: Buffer, peer: LoginPeer) => LoginUser | Promise<LoginUser>
  /**
   * Tell the game server of a user who is known now. What it returns is the `subid` of the session,
   * and the client is told it. Whatever it throws is answered by `403 Forbidden`.
   *
   * @param secret Eight bytes that the client has too: the game server checks codes with it.
   */
  readonly login: (
    server: string,
    uid: string,
    secret: Buffer,
    peer: LoginPeer,
  ) => string | number | Promise<string | number>
  /** May logins of one user be in `login` at the same time? Default no: `406 Not Acceptable`. */
  readonly multiLogin?: boolean
  /** Of a whole login, in milliseconds, handlers included. Default 10 s. */
  readonly loginTimeoutMs?: number
  /** Logins under way; those beyond are answered by `503 Service Unavailable`. Default 4,096. */
  readonly maxLogins?: number
}

const WHAT = 'serve logins'
const PLACE_NAMES = ['host', 'port', 'path', 'backlog', ...WAIT_NAMES]
const NAMES = [...PLACE_NAMES, 'auth', 'login', 'multiLogin', 'loginTimeoutMs', 'maxLogins']

/** What holds for each login. */
export type LoginRules = Required<Omit<LoginServerOptions, keyof ListenOptions>>

/** @throws `TypeError`, `RangeError` naming what is wrong with them. */
export function checkLogin(options: LoginServerOptions): {
  readonly rules: LoginRules
  /** What is for the listener, which checks it. */
  readonly listen: ListenOptions
} {
  checkGiven(WHAT, 'options', options, NAMES)
  const {
    auth,
    login,
    multiLogin = false,
    loginTimeoutMs = LOGIN_MS,
    maxLogins = LOGINS_MAX,
    ...listen
  } = options
  checkFunction(WHAT, 'auth', auth)
  checkFunction(WHAT, 'login', login)
  checkFlag(WHAT, 'multiLogin', multiLogin)
  checkMs(WHAT, 'loginTimeoutMs', loginTimeoutMs, 1)
  checkInteger(WHAT, 'maxLogins', maxLogins, 1, SOCKETS_MAX)
  return { rules: { auth, login, multiLogin, loginTimeoutMs, maxLogins }, listen }
}
