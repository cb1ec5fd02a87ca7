/** Who may have a session: what clients give for it, and who is here already. */
import { checkFunction, checkOptions, checkPlain, checkText, isA, refusal } from '../base/check.ts'
import type { ClientProtocol } from '../client/client-protocol.ts'
import { validated } from '../codec/define-protocol.ts'
import { ServiceRef } from '../service/ref.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { Visitor } from './core/visitor.ts'
import type { CheckedSessionGate, LoginVisitor } from './gate-options.ts'
import type { GateSession } from './gate-session.ts'
import type { LoginAnswer } from './login-answer.ts'
import { serverBodies } from './server-bodies.ts'
import { badMessage, toldOf } from './told-errors.ts'
import type { Users } from './users.ts'

const WHAT = 'let a client in'

/** What logins need of their gate. */
export interface LoginsHost {
  readonly skynet: Skynet
  readonly protocol: ClientProtocol
  readonly options: CheckedSessionGate
  readonly users: Users
  /** Of a session that is to begin. */
  newClient(user: string, agent: number, data: unknown): GateSession
  fault(what: string, error: unknown): void
}

export class Logins {
  readonly #host: LoginsHost
  constructor(host: LoginsHost) {
    this.#host = host
  }

  /** Let him in, or close: told by code, and to people by a text. Never rejects. */
  async login(visitor: Visitor<GateSession>, bytes: Uint8Array): Promise<void> {
    const credentials = this.#credentials(visitor, bytes)
    if (credentials === undefined) return
    let admission: LoginAnswer
    try {
      admission = checkAdmission(await this.#ask(visitor, credentials.value))
    } catch (error) {
      const told = toldOf(error)
      if (told === undefined) this.#host.fault('login of a client', error)
      if (told === undefined) visitor.close('error')
      else visitor.close('login', told[1] === '' ? undefined : told[1])
      return
    }
    if (!this.#admit(visitor, admission)) this.#unused(admission)
  }

  /** What the login has made for him is nobody's. */
  async #unused({ unused }: LoginAnswer): Promise<void> {
    try {
      await unused?.()
    } catch (error) {
      this.#host.fault('unused of a login', error)
    }
  }

  #credentials(visitor: Visitor<GateSession>, bytes: Uint8Array): { value: unknown } | undefined {
    const { protocol } = this.#host
    try {
      return {
        value: validated(
          'login',
          protocol.login,
          serverBodies(protocol).decode('login', '', bytes),
        ),
      }
    } catch (error) {
      visitor.close('login', badMessage(error)[1])
      return undefined
    }
  }

  async #ask(visitor: Visitor<GateSession>, credentials: unknown): Promise<LoginAnswer> {
    const { options, skynet } = this.#host
    const gone = new AbortController()
    visitor.onClosed = () => gone.abort()
    try {
      return await options.login(skynet, credentials as never, whoIs(visitor, gone.signal))
    } finally {
      visitor.onClosed = undefined
    }
  }

  /** False: he has no session. */
  #admit(visitor: Visitor<GateSession>, { user, agent, data }: LoginAnswer): boolean {
    if (visitor.state !== 'login') return false
    const { users, options } = this.#host
    if (options.sameUser === 'refuse' && users.isHere(user)) {
      visitor.close('login', 'This user is here already')
      return false
    }
    let handle: number
    try {
      handle = agent.handle
    } catch (error) {
      this.#host.fault('agent of a client', error)
      visitor.close('agent')
      return false
    }
    const before = options.sameUser === 'allow' ? [] : users.sessionsOf(user)
    // Nobody loses what he has for what he does not get.
    if (!visitor.mayEnter(before.length)) return false
    for (const { session } of before) session.end({ code: 'replaced' })
    return visitor.admit(user, this.#host.newClient(user, handle, data)) !== undefined
  }
}

const whoIs = ({ link }: Visitor<GateSession>, signal: AbortSignal): LoginVisitor => ({
  address: link.address,
  transport: link.transport,
  signal,
})

/** @throws {TypeError} For what is none: a mistake of who has written the login. */
function checkAdmission(admission: unknown): LoginAnswer {
  checkPlain(WHAT, 'what login returns', admission)
  checkOptions(WHAT, 'what login returns', admission, ['user', 'agent', 'data', 'unused'])
  const { user, agent, unused } = admission as Partial<LoginAnswer>
  checkText(WHAT, 'user', user)
  if (!isA(agent, ServiceRef)) {
    throw refusal('type', WHAT, 'agent', 'a reference to an agent', agent)
  }
  if (unused !== undefined) checkFunction(WHAT, 'unused', unused)
  return admission as LoginAnswer
}
