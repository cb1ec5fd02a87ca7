/** One session of a client: what of it outlives its connections. */
import { Allowance } from '../../client/allowance.ts'
import type { CloseCode } from '../../client/close-codes.ts'
import {
  encodeWire,
  type FROM_CLIENT,
  FROM_SERVER,
  QUIET,
  WIRE_VERSION,
  type WireMessage,
} from '../../client/wire.ts'
import { KeptAnswers } from './kept-answers.ts'
import { KeptPushes } from './kept-pushes.ts'
import type { SessionCounters } from './session-counters.ts'
import type { SessionLimits } from './session-limits.ts'
import { type Closing, type SessionLink, toldWords } from './session-link.ts'
import type { SessionTokens } from './session-tokens.ts'

/** The state of a session, and where each event leads; one that has no place is passed over. */
export const SESSION_STATES = {
  /** Its client may come. */
  detached: { attach: 'attached', end: 'gone' },
  /** It has a connection. */
  attached: { attach: 'attached', detach: 'detached', end: 'gone' },
  gone: {},
} as const
export type ClientSessionState = keyof typeof SESSION_STATES

/** Why a session has no connection for now. */
export type DetachReason = 'lost' | 'silent' | 'superseded'

/** The connection that a session has. */
export interface Attachment {
  readonly link: SessionLink
  /** It is not the session's any more: tell the client why, and end it. */
  part(closing: Closing): void
}

/** What a session needs of its table. */
export interface SessionHolder<Owner> {
  readonly limits: SessionLimits
  readonly counters: SessionCounters
  readonly host: {
    now(): number
    attached(session: ClientSession<Owner>, isResume: boolean): void
    detached(session: ClientSession<Owner>, reason: DetachReason): void
    ended(session: ClientSession<Owner>, code: CloseCode): void
    request(
      session: ClientSession<Owner>,
      number: number,
      name: string,
      body: Uint8Array,
      isQuiet: boolean,
    ): void
  }
  /** It has ended. */
  forget(session: ClientSession<Owner>): void
}

const EMPTY = new Uint8Array(0)

/** `Owner` is what a gate keeps of each session. */
export class ClientSession<Owner> {
  /** For people and logs: it opens nothing. */
  readonly id: string
  /** Whom the login said. */
  readonly user: string
  /** What the gate keeps of it. */
  readonly owner: Owner
  /** Grows with each connection. */
  epoch = 0
  /** @internal */
  readonly tokens: SessionTokens
  readonly #holder: SessionHolder<Owner>
  /** Of requests: each costs an agent something, whichever connection it comes by. */
  readonly #requests: Allowance
  readonly #answers: KeptAnswers
  readonly #pushes: KeptPushes
  #state: ClientSessionState = 'detached'
  #attachment: Attachment | undefined
  /** Its client has the WELCOME before anything else. */
  #isWelcome = false
  #detachedAt: number
  /** Answers that have not been sent on the connection of now. */
  readonly #unsent = new Set<number>()

  constructor(
    holder: SessionHolder<Owner>,
    id: string,
    user: string,
    owner: Owner,
    tokens: SessionTokens,
  ) {
    this.#holder = holder
    this.id = id
    this.user = user
    this.owner = owner
    this.tokens = tokens
    this.#answers = new KeptAnswers(holder.limits, holder.counters)
    this.#pushes = new KeptPushes(holder.limits, holder.counters)
    const now = holder.host.now()
    const { messagesPerSecond, window } = holder.limits
    this.#requests = new Allowance(messagesPerSecond + window, messagesPerSecond, now)
    this.#detachedAt = now
  }

  get state(): ClientSessionState {
    return this.#state
  }

  /** The connection of now. */
  get link(): SessionLink | undefined {
    return this.#attachment?.link
  }

  /** Pushes that are not acknowledged, those that have not left counted. */
  get pushCount(): number {
    return this.#pushes.count
  }

  /** Bytes that it keeps for its client: answers and pushes. */
  get keptBytes(): number {
    return this.#answers.bytes + this.#pushes.bytes
  }

  /**
   * Answer a request. Its bytes are the session's from now on.
   *
   * @returns False: nobody can be answered; the session has ended, or that request has its answer.
   */
  answer(number: number, body: Uint8Array): boolean {
    const running = this.#answers.running(number)
    if (this.#state === 'gone' || running === undefined) return false
    const told = running === 'quiet' ? EMPTY : body
    this.#keep(number, encodeWire(FROM_SERVER, { kind: 'answer', number, body: told }))
    return true
  }

  /** As `answer`, with an error: its code (64 characters), and of its text what fits. */
  fail(number: number, code: string, text: string): boolean {
    const running = this.#answers.running(number)
    if (running === 'quiet') return this.answer(number, EMPTY)
    if (this.#state === 'gone' || running === undefined) return false
    const words = toldWords(code, text, this.#holder.limits.messageBytesMax)
    this.#keep(number, encodeWire(FROM_SERVER, { kind: 'failed', number, ...words }))
    return true
  }

  /** What has room leaves before its bytes count: it is not given up for them. */
  #keep(number: number, message: Uint8Array): void {
    if (this.#unsent.size === 0 && this.#hasRoom()) this.link?.send(message)
    else if (this.#attachment !== undefined) this.#unsent.add(number)
    this.#answers.keep(number, message)
  }

  /**
   * Tell the client something, now or when it is there again. `body` is kept as it is until then:
   * nobody may change it; sessions may share it.
   *
   * @param latest Only the newest of the same name and `latest` matters: it replaces those that
   * have not left.
   * @returns False: the session has ended, maybe by this push: more waits than is kept for it.
   */
  push(name: string, body: Uint8Array, latest?: string): boolean {
    if (this.#state === 'gone') return false
    if (!this.#pushes.add(name, body, latest)) {
      this.end({ code: 'overflow' })
      return false
    }
    this.flush()
    return this.state !== 'gone'
  }

  /** End it, and tell the client why. Again: harmless. */
  end(closing: Closing): void {
    if (!this.#go('end')) return
    const attachment = this.#attachment
    this.#attachment = undefined
    if (attachment !== undefined && this.#isWelcome) this.#sendLast(attachment.link)
    this.#unsent.clear()
    this.#holder.forget(this)
    if (attachment !== undefined) attachment.part(closing)
    else this.#holder.counters.countClose(closing.code)
    this.#holder.host.ended(this, closing.code)
  }

  #go(event: 'attach' | 'detach' | 'end'): boolean {
    const next = (SESSION_STATES[this.#state] as Partial<Record<string, ClientSessionState>>)[event]
    if (next === undefined) return false
    this.#state = next
    return true
  }

  /**
   * @internal It has another connection from now on. What the one before says or ends is void.
   *
   * @returns False: the client says that it has what was never sent.
   */
  attach(to: Attachment, pushesUpTo: number, answersUpTo: number): boolean {
    if (this.acknowledge(pushesUpTo, answersUpTo, []) === 'wrong') return false
    const isResume = this.epoch > 0
    if (this.#attachment !== undefined) this.detach('superseded', { code: 'superseded' })
    // Whoever was told may have ended it.
    if (!this.#go('attach')) return false
    this.#attachment = to
    this.#isWelcome = false
    this.epoch++
    this.#pushes.rewind()
    for (const number of this.#answers.open) {
      if (this.#answers.running(number) === undefined) this.#unsent.add(number)
    }
    this.#holder.host.attached(this, isResume)
    if (this.#attachment !== to) return true
    to.link.send(encodeWire(FROM_SERVER, this.#welcome(isResume)))
    this.#isWelcome = true
    this.flush()
    return true
  }

  #welcome(isResume: boolean): WireMessage<typeof FROM_SERVER, 'welcome'> {
    const { heartbeatMs, missed, keepMs, window, messageBytesMax, messagesPerSecond } =
      this.#holder.limits
    return {
      kind: 'welcome',
      version: WIRE_VERSION,
      isResumed: isResume ? 1 : 0,
      session: this.id,
      token: this.tokens.current,
      epoch: this.epoch,
      requestsUpTo: this.#answers.upTo,
      pushesUpTo: this.#pushes.acknowledged,
      heartbeatMs,
      missed,
      keepMs,
      window,
      messageBytesMax,
      messagesPerSecond,
      open: this.#answers.open,
    }
  }

  /**
   * @internal It has no connection any more.
   *
   * @param closing What is told to the client; undefined: there is nobody to tell.
   */
  detach(reason: DetachReason, closing?: Closing): void {
    const attachment = this.#attachment
    if (attachment === undefined || !this.#go('detach')) return
    this.#attachment = undefined
    this.#unsent.clear()
    this.#detachedAt = this.#holder.host.now()
    if (closing !== undefined) attachment.part(closing)
    this.#holder.host.detached(this, reason)
    // Where nothing is kept nobody need look for it.
    if (reason !== 'superseded' && this.#holder.limits.keepMs === 0) this.expire(this.#detachedAt)
  }

  /** @internal Has nobody come back within `keepMs`? Then it ends. */
  expire(now: number): void {
    if (this.#state !== 'detached' || now - this.#detachedAt < this.#holder.limits.keepMs) return
    this.#holder.counters.expired++
    this.end({ code: 'silent' })
  }

  /**
   * Its client was heard since its first WELCOME. Not so: maybe nobody knows its token, as that
   * WELCOME was lost with the connection.
   */
  get isConfirmed(): boolean {
    return this.tokens.isConfirmed
  }

  /** @internal A request comes: `new`; `old`, it came before; `much`, `wrong`: it may not come. */
  request({
    number,
    flags,
    name,
    body,
  }: WireMessage<typeof FROM_CLIENT, 'request'>): 'new' | 'old' | 'much' | 'wrong' {
    if (number === this.#answers.upTo + 1) {
      if (this.#requests.waitMs(this.#holder.host.now()) > 0) return 'much'
      this.#requests.take(1)
    }
    const isQuiet = (flags & QUIET) !== 0
    const take = this.#answers.take(number, isQuiet)
    if (take === 'broken') return 'wrong'
    if (take === 'run') this.#holder.host.request(this, number, name, body, isQuiet)
    if (take === 'send') {
      this.#unsent.add(number)
      this.flush()
    }
    return take === 'run' ? 'new' : 'old'
  }

  /** @internal What the client has: it is `new`; `old`, known before; `wrong`, it cannot be. */
  acknowledge(
    pushesUpTo: number,
    answersUpTo: number,
    answers: readonly number[],
  ): 'new' | 'old' | 'wrong' {
    const count = this.#pushes.count + this.#answers.count
    if (!this.#pushes.acknowledge(pushesUpTo)) return 'wrong'
    if (!this.#answers.acknowledge(answersUpTo, answers)) return 'wrong'
    return this.#pushes.count + this.#answers.count === count ? 'old' : 'new'
  }

  /** @internal Send what waits, as long as the connection has room: answers, then pushes. */
  flush(): void {
    while (this.#hasRoom()) {
      const message = this.#nextAnswer() ?? this.#pushes.next()
      if (message === undefined) return
      this.link?.send(message)
    }
  }

  #hasRoom(): boolean {
    const { link } = this
    if (link === undefined || !this.#isWelcome) return false
    return link.bufferedAmount < this.#holder.limits.sendMarkBytes
  }

  /** Answers that have waited for room, as far as the connection takes them at all. */
  #sendLast(link: SessionLink): void {
    for (;;) {
      const message = this.#nextAnswer()
      if (message === undefined) return
      link.send(message)
    }
  }

  #nextAnswer(): Uint8Array | undefined {
    for (const number of this.#unsent) {
      this.#unsent.delete(number)
      const message = this.#answers.message(number)
      if (message === 'gone') return encodeWire(FROM_SERVER, { kind: 'failed', number, ...GONE })
      // Acknowledged meanwhile, on a connection that was cut.
      if (message !== undefined) return message
    }
    return undefined
  }
}

/** A request that has run, whose answer was too long to be kept. */
const GONE = { code: 'ERR_ANSWER_GONE', text: 'It has run, but its answer was not kept' }
