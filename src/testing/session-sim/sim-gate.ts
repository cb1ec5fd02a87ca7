/** A gate of the simulation: the real table of sessions, and an agent that answers by chance. */
import type { CloseCode } from '../../client/close-codes.ts'
import type { ClientSession, DetachReason } from '../../session/core/client-session.ts'
import type { SessionLimits } from '../../session/core/session-limits.ts'
import { type SessionHost, SessionTable } from '../../session/core/session-table.ts'
import type { Visitor } from '../../session/core/visitor.ts'
import type { Agenda } from '../cluster-sim/agenda.ts'
import type { Random } from '../sim/random.ts'
import type { SessionAccounts, SessionPage } from './accounts.ts'

const LOGIN_MS = 60
const SLOW_MS = 1000
const LATEST_KEYS = 3
const BODY_BYTES = 60

/** How the agent treats a request: the first letter of its body. */
export const TREATMENTS = {
  /** Before the call returns. */
  now: 'n',
  soon: 's',
  /** Later than what comes behind it. */
  late: 'l',
  /** With an error. */
  fails: 'f',
  /** And pushes before and behind. */
  pushes: 'p',
} as const

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
export const latin = (letters: string): Uint8Array => Buffer.from(letters, 'latin1')

export class SimGate implements SessionHost<SessionPage> {
  readonly table: SessionTable<SessionPage>
  /** It has crashed: whatever it does is nobody's. */
  isDown = false
  readonly #agenda: Agenda
  readonly #random: Random
  readonly #accounts: SessionAccounts

  constructor(agenda: Agenda, random: Random, accounts: SessionAccounts, limits: SessionLimits) {
    this.#agenda = agenda
    this.#random = random
    this.#accounts = accounts
    this.table = new SessionTable(this, limits)
    this.#tick()
  }

  now(): number {
    return this.#agenda.now
  }

  randomBytes(count: number): Uint8Array {
    return this.#random.bytes(count)
  }

  #tick(): void {
    this.#agenda.after(this.table.tickMs, () => {
      if (this.isDown) return
      this.table.tick()
      this.#tick()
    })
  }

  login(visitor: Visitor<SessionPage>, credentials: Uint8Array): void {
    const user = text(credentials)
    this.#agenda.after(this.#random.below(LOGIN_MS), () => {
      if (!this.isDown) visitor.admit(user, this.#accounts.newPage(user))
    })
  }

  attached(session: ClientSession<SessionPage>, isResume: boolean): void {
    session.owner.attached(session.id, session.link, isResume)
    // Whoever is told may say something at once.
    if (this.#random.oneIn(3)) this.push(session)
  }

  detached({ owner }: ClientSession<SessionPage>, reason: DetachReason): void {
    owner.detached(reason, this.#agenda.now)
  }

  ended({ owner }: ClientSession<SessionPage>, code: CloseCode): void {
    owner.ended(code, this.#agenda.now, this.table)
  }

  request(
    session: ClientSession<SessionPage>,
    number: number,
    name: string,
    body: Uint8Array,
    isQuiet: boolean,
  ): void {
    const page = session.owner
    const key = text(body)
    this.#accounts.ran(page, name, key, isQuiet)
    const treatment = key[0]
    if (treatment === TREATMENTS.pushes) this.push(session)
    const answer = (): void => {
      if (this.isDown) return
      if (treatment === TREATMENTS.fails) session.fail(number, 'ERR_HANDLER', key)
      else session.answer(number, latin(`${key}!`))
      if (treatment === TREATMENTS.pushes) this.push(session)
    }
    if (treatment === TREATMENTS.now) answer()
    else {
      const mostMs = treatment === TREATMENTS.late ? SLOW_MS : LOGIN_MS
      this.#agenda.after(this.#random.below(mostMs), answer)
    }
  }

  /** One push, maybe one that replaces others. */
  push(session: ClientSession<SessionPage>): void {
    if (this.isDown || session.state === 'gone') return
    const latest = this.#random.oneIn(2) ? `k${this.#random.below(LATEST_KEYS)}` : undefined
    const number = session.owner.pushed(latest)
    const body = `${number}${' '.repeat(this.#random.below(BODY_BYTES))}`
    // Refused, the session is over.
    session.push('event', latin(body), latest)
  }
}
