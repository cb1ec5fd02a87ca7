/**
 * The sessions of a gate, and the connections of their clients: what decides, without sockets,
 * services or a clock.
 *
 * All calls are of one thread, none waits, and a host may call from within what it is told. What it
 * is told of one session is in order: `attached`, then `detached` and `attached` in turn, then
 * `ended`.
 */
import type { CloseCode } from '../../client/close-codes.ts'
import { ClientSession, type DetachReason } from './client-session.ts'
import { SessionCounters } from './session-counters.ts'
import type { SessionLimits } from './session-limits.ts'
import type { Closing, SessionLink } from './session-link.ts'
import { ID_BYTES, SessionTokens, TOKEN_BYTES } from './session-tokens.ts'
import { Visitor } from './visitor.ts'

/** A gate, as the core sees it. `Owner` is what it keeps of each session: `ClientSession.owner`. */
export interface SessionHost<Owner> {
  /** Milliseconds of a clock that never goes back. */
  now(): number
  /** Bytes that nobody can guess: ids and tokens are made of them. */
  randomBytes(count: number): Uint8Array
  /**
   * Somebody wants a new session. Answer with `visitor.admit` or `visitor.close('login')`, now or
   * later, also when the visitor is gone meanwhile. `credentials` are the gate's.
   */
  login(visitor: Visitor<Owner>, credentials: Uint8Array): void
  /**
   * It has a connection: the first one, or another one. Its WELCOME goes next, then what is pushed
   * and answered from within.
   */
  attached(session: ClientSession<Owner>, isResume: boolean): void
  /**
   * A request, once each, in their order. Answer each with `session.answer` or `session.fail`, in
   * any order, also when the session is detached. `body` is the gate's.
   *
   * @param isQuiet Nobody waits: the client is told that it is done, and no more.
   */
  request(
    session: ClientSession<Owner>,
    number: number,
    name: string,
    body: Uint8Array,
    isQuiet: boolean,
  ): void
  /** It has no connection now. It ends in `keepMs` unless it is resumed. */
  detached(session: ClientSession<Owner>, reason: DetachReason): void
  /** It is over. `silent`: its client has not come back within `keepMs`. */
  ended(session: ClientSession<Owner>, code: CloseCode): void
}

/** Deadlines are met within this part of the shortest of them. */
const TICKS_PER_DEADLINE = 8
const TICK_MS = { min: 10, max: 1000 }

export class SessionTable<Owner> {
  readonly limits: SessionLimits
  readonly host: SessionHost<Owner>
  readonly counters = new SessionCounters()
  /** Call `tick` so often while `isIdle` is false: one timer for all deadlines. */
  readonly tickMs: number
  readonly #sessions = new Map<string, ClientSession<Owner>>()
  readonly #visitors = new Set<Visitor<Owner>>()
  readonly #randomBytes = (count: number): Uint8Array => this.host.randomBytes(count)
  #closing: Closing | undefined

  constructor(host: SessionHost<Owner>, limits: SessionLimits) {
    this.host = host
    this.limits = limits
    const { keepMs, loginTimeoutMs, heartbeatMs, missed } = limits
    const shortest = Math.min(keepMs || loginTimeoutMs, loginTimeoutMs, heartbeatMs * missed)
    const tickMs = Math.ceil(shortest / TICKS_PER_DEADLINE)
    this.tickMs = Math.min(TICK_MS.max, Math.max(TICK_MS.min, tickMs))
  }

  /** Somebody has connected: hand its messages to the visitor. */
  enter(link: SessionLink): Visitor<Owner> {
    this.counters.entered++
    const visitor = new Visitor(this, link)
    this.#visitors.add(visitor)
    return visitor
  }

  /** No session, nobody there: no deadline. */
  get isIdle(): boolean {
    return this.#sessions.size === 0 && this.#visitors.size === 0
  }

  /** Connections, those without a session counted. */
  get visitorCount(): number {
    return this.#visitors.size
  }

  get size(): number {
    return this.#sessions.size
  }

  get(id: string): ClientSession<Owner> | undefined {
    return this.#sessions.get(id)
  }

  /** All sessions, in the order in which they began. */
  sessions(): IterableIterator<ClientSession<Owner>> {
    return this.#sessions.values()
  }

  /** From now on nobody gets a new session; sessions that there are may be resumed. */
  refuseNew(closing: Closing | undefined): void {
    this.#closing = closing
  }

  /** Meet the deadlines that have come. */
  tick(): void {
    const now = this.host.now()
    for (const visitor of this.#visitors) visitor.tick(now)
    for (const session of this.#sessions.values()) session.expire(now)
  }

  /** @internal */
  find(token: Uint8Array): ClientSession<Owner> | undefined {
    return token.length === TOKEN_BYTES ? this.#sessions.get(idOf(token)) : undefined
  }

  /** @internal @param leaving So many sessions end for it. */
  refusal(leaving: number): Closing | undefined {
    if (this.#closing !== undefined) return this.#closing
    return this.#sessions.size - leaving < this.limits.maxSessions ? undefined : { code: 'full' }
  }

  /** @internal */
  login(visitor: Visitor<Owner>, credentials: Uint8Array): void {
    this.host.login(visitor, credentials)
  }

  /** @internal */
  begin(user: string, owner: Owner): ClientSession<Owner> {
    const id = this.host.randomBytes(ID_BYTES)
    const tokens = new SessionTokens(id, this.#randomBytes)
    const session = new ClientSession(this, idOf(id), user, owner, tokens)
    this.#sessions.set(session.id, session)
    return session
  }

  /** @internal */
  leave(visitor: Visitor<Owner>): void {
    this.#visitors.delete(visitor)
  }

  /** @internal */
  forget(session: ClientSession<Owner>): void {
    this.#sessions.delete(session.id)
  }
}

/** The id of a session is the begin of its tokens, for people. */
const idOf = (token: Uint8Array): string =>
  Buffer.from(token.buffer, token.byteOffset, ID_BYTES).toString('hex')
