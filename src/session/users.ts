/** The sessions of each user. */
import { checkOptions, checkPlain, checkString, refusal } from '../base/check.ts'
import type { GateSession } from './gate-session.ts'
import { checkKick, type KickCode } from './kick-codes.ts'

/** Which sessions are ended: all of a user, or the one of that id. */
export type KickTarget =
  | { readonly user: string; readonly session?: undefined }
  | { readonly session: string; readonly user?: undefined }

/** Ends them, and tells how many. */
export type Kick = (who: KickTarget, code?: KickCode, text?: string) => number

const KICK = 'kick clients'
const TARGETS = ['user', 'session'] as const

export class Users {
  readonly #users = new Map<string, Set<GateSession>>()

  add(client: GateSession): void {
    const known = this.#users.get(client.user)
    if (known === undefined) this.#users.set(client.user, new Set([client]))
    else known.add(client)
  }

  remove(client: GateSession): void {
    const known = this.#users.get(client.user)
    if (known?.delete(client) === true && known.size === 0) this.#users.delete(client.user)
  }

  /**
   * Has he a session that he can come back to? One whose WELCOME was lost, with its token, is
   * nobody's: he logs in again, and must not be in his own way.
   */
  isHere(user: string): boolean {
    return this.sessionsOf(user).some(({ session }) => session.isConfirmed)
  }

  /** A list of its own: those in it may end. */
  sessionsOf(user: string): readonly GateSession[] {
    return [...(this.#users.get(user) ?? [])]
  }

  /** End them. Returns how many. @throws `TypeError`. */
  kick(
    who: KickTarget,
    code: KickCode,
    text: string,
    byId: (id: string) => GateSession | undefined,
  ): number {
    checkTarget(who)
    checkKick(KICK, code, text)
    const found = who.session === undefined ? undefined : byId(who.session)
    const all = who.user !== undefined ? this.sessionsOf(who.user) : found ? [found] : []
    for (const { session } of all) session.end(text === '' ? { code } : { code, text })
    return all.length
  }
}

/** @throws {TypeError} For neither, and for both. */
function checkTarget(who: KickTarget): void {
  checkPlain(KICK, 'who', who)
  checkOptions(KICK, 'who', who, TARGETS)
  const given = TARGETS.filter((name) => who[name] !== undefined)
  const [name] = given
  if (name === undefined || given.length > 1) {
    throw refusal('value', KICK, 'who', '{ user } or { session }', who)
  }
  checkString(KICK, `who.${name}`, who[name])
}
