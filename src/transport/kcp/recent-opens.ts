/**
 * Greetings that were answered with a conversation, for as long as their cookies are good: one that
 * comes again, or that somebody else has written down and sends again, opens no other one.
 */
import { KCP_COOKIE_MS, KCP_OPENS_MAX } from '../../base/limits.ts'

export class RecentOpens {
  /** The number of the conversation by the greeting. */
  #now = new Map<string, number>()
  /** Of the time before that: a cookie is good for one. */
  #before = new Map<string, number>()
  #since = 0

  get(key: string, now: number): number | undefined {
    this.#turn(now)
    return this.#now.get(key) ?? this.#before.get(key)
  }

  /** Another one would be one too many. */
  isFull(now: number): boolean {
    this.#turn(now)
    return this.#now.size >= KCP_OPENS_MAX
  }

  set(key: string, conv: number, now: number): void {
    this.#turn(now)
    this.#now.set(key, conv)
  }

  #turn(now: number): void {
    const age = now - this.#since
    if (age <= KCP_COOKIE_MS) return
    this.#before = age <= 2 * KCP_COOKIE_MS ? this.#now : new Map()
    this.#now = new Map()
    this.#since = now
  }
}
