/** One connection of a client, from its first moment to its end. */
import { Allowance } from '../../client/allowance.ts'
import { CLOSE_CODES, type CloseCode } from '../../client/close-codes.ts'
import {
  decodeWire,
  encodeWire,
  FROM_CLIENT,
  FROM_SERVER,
  type FromClient,
  WIRE_VERSION,
  WireError,
  type WireMessage,
} from '../../client/wire.ts'
import type { Attachment, ClientSession, SessionHolder } from './client-session.ts'
import { IDLE_MESSAGES } from './session-limits.ts'
import { type Closing, closeLink, type SessionLink } from './session-link.ts'

/**
 * The state of a connection.
 *
 * | state | what may come |
 * | --- | --- |
 * | `greeting` | a HELLO |
 * | `login` | nothing: the gate looks at the credentials |
 * | `attached` | all but a HELLO |
 * | `closed` | nothing is heard any more |
 */
export type VisitorState = 'greeting' | 'login' | 'attached' | 'closed'

/** What a visitor needs of its table. */
export interface VisitorHost<Owner> extends SessionHolder<Owner> {
  /** The session that a token is of. */
  find(token: Uint8Array): ClientSession<Owner> | undefined
  /** Why there may be no new session now. */
  refusal(leaving: number): Closing | undefined
  login(visitor: Visitor<Owner>, credentials: Uint8Array): void
  begin(user: string, owner: Owner): ClientSession<Owner>
  leave(visitor: Visitor<Owner>): void
}

/** For who writes a client. */
const NEVER_SENT = 'it acknowledges what was never sent'
const GONE = { code: 'unknown' } as const

export class Visitor<Owner> implements Attachment {
  readonly link: SessionLink
  /** Told once, when the connection is over, whoever has ended it. */
  onClosed: (() => void) | undefined
  readonly #host: VisitorHost<Owner>
  #state: VisitorState = 'greeting'
  #session: ClientSession<Owner> | undefined
  readonly #enteredAt: number
  #heardAt: number
  /** Of what asks for nothing and says nothing new. */
  readonly #idle: Allowance

  constructor(host: VisitorHost<Owner>, link: SessionLink) {
    this.link = link
    this.#host = host
    const now = host.host.now()
    this.#enteredAt = now
    this.#heardAt = now
    const { window, heartbeatMs, missed } = host.limits
    // Twice what a client of ours says, and at once all that was held up when it was nearly silent.
    const perMs = 2 * (1 / heartbeatMs + 1 / 1000)
    const most = IDLE_MESSAGES + window + Math.ceil(perMs * heartbeatMs * missed)
    this.#idle = new Allowance(most, perMs * 1000, now)
  }

  get state(): VisitorState {
    return this.#state
  }

  /** The session that it has. */
  get session(): ClientSession<Owner> | undefined {
    return this.#session
  }

  /** A message has come. It belongs to the core from now on. */
  heard(bytes: Uint8Array): void {
    if (this.#state === 'closed') return
    this.#heardAt = this.#host.host.now()
    try {
      this.#obey(decodeWire(FROM_CLIENT, bytes))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.close('protocol', error.message)
    }
  }

  /** Something has come that is no message yet: the client lives. */
  alive(): void {
    this.#heardAt = this.#host.host.now()
  }

  /** What was sent has left: `link.bufferedAmount` is lower now. */
  drained(): void {
    if (this.#state === 'attached') this.#session?.flush()
  }

  /** The connection has ended, whoever has ended it. Again: harmless. */
  lost(): void {
    if (!this.#leave()) return
    this.#host.counters.lost++
    this.#session?.detach('lost')
  }

  /**
   * The login is right: a session begins.
   *
   * @returns Undefined: the visitor is gone. Nothing was begun, and `owner` is nobody's.
   */
  admit(user: string, owner: Owner): ClientSession<Owner> | undefined {
    if (!this.mayEnter(0)) return undefined
    const session = this.#host.begin(user, owner)
    this.#host.counters.admitted++
    this.#join(session, 0, 0)
    return session
  }

  /**
   * May a session begin now? Else the visitor is told why not, or is gone.
   *
   * @param leaving So many others would end for it.
   */
  mayEnter(leaving: number): boolean {
    return this.#state === 'login' && !this.#refuse(leaving)
  }

  #refuse(leaving: number): boolean {
    const refusal = this.#host.refusal(leaving)
    if (refusal !== undefined) this.close(refusal.code, refusal.text, refusal.retryMs)
    return refusal !== undefined
  }

  /** End the connection, and tell the client why; its session as well where the row says so. */
  close(code: CloseCode, text?: string, retryMs?: number): void {
    if (this.#state === 'closed') return
    const closing = { code, text, retryMs }
    const session = this.#session
    if (session === undefined) this.part(closing)
    else if (CLOSE_CODES[code].ends) session.end(closing)
    else session.detach(code === 'silent' ? 'silent' : 'lost', closing)
  }

  /** @internal */
  part(closing: Closing): void {
    if (!this.#leave()) return
    this.#host.counters.countClose(closing.code)
    closeLink(this.link, closing, this.#host.limits.messageBytesMax)
  }

  /** @internal Has it been silent for too long? */
  tick(now: number): void {
    const { heartbeatMs, missed, loginTimeoutMs } = this.#host.limits
    if (this.#state === 'attached') {
      if (now - this.#heardAt >= heartbeatMs * missed) this.close('silent')
    } else if (now - this.#enteredAt >= loginTimeoutMs) {
      this.close('login-timeout')
    }
  }

  #leave(): boolean {
    if (this.#state === 'closed') return false
    this.#state = 'closed'
    this.#host.leave(this)
    this.onClosed?.()
    return true
  }

  /** One more has come. False: it is one too many, and the end. */
  #count(allowance: Allowance): boolean {
    if (allowance.waitMs(this.#heardAt) > 0) {
      this.close('rate')
      return false
    }
    allowance.take(1)
    return true
  }

  #obey(message: FromClient): void {
    const session = this.#session
    if (session === undefined) {
      if (message.kind === 'hello' && this.#state === 'greeting') this.#greet(message)
      else this.close('protocol', `${message.kind} comes before the session`)
      return
    }
    session.tokens.confirm()
    switch (message.kind) {
      case 'request': {
        const heard = session.request(message)
        if (heard === 'wrong') this.close('protocol', this.#notNext(message.number))
        if (heard === 'much') this.close('rate')
        // As a client may do that has not heard what has come: a window of them.
        if (heard === 'old') this.#count(this.#idle)
        return
      }
      case 'ack': {
        const { pushesUpTo, answersUpTo, answers } = message
        const heard = session.acknowledge(pushesUpTo, answersUpTo, answers)
        if (heard === 'wrong') this.close('protocol', NEVER_SENT)
        // There are no more of those that say something new than messages of ours.
        if (heard === 'old') this.#count(this.#idle)
        return
      }
      case 'ping':
        if (!this.#count(this.#idle)) return
        this.link.send(encodeWire(FROM_SERVER, { kind: 'pong', value: message.value }))
        return
      case 'pong':
        this.#count(this.#idle)
        return
      case 'bye':
        this.close('bye')
        return
      case 'hello':
        this.close('protocol', 'a second hello')
    }
  }

  #notNext(number: number): string {
    const { window } = this.#host.limits
    return `request ${number} is not the next one, or more than ${window} are open`
  }

  #greet(hello: WireMessage<typeof FROM_CLIENT, 'hello'>): void {
    if (hello.version !== WIRE_VERSION) {
      this.close('version')
      return
    }
    if (hello.token.length > 0) {
      this.#resume(hello)
      return
    }
    if (this.#refuse(0)) return
    this.#state = 'login'
    this.#host.login(this, hello.login)
  }

  #resume(hello: WireMessage<typeof FROM_CLIENT, 'hello'>): void {
    const session = this.#host.find(hello.token)
    const shown = session?.tokens.show(hello.token, hello.attempt) ?? 'wrong'
    if (session === undefined || shown !== 'good') {
      this.close(shown === 'late' ? 'superseded' : 'unknown')
      return
    }
    this.#host.counters.resumed++
    this.#join(session, hello.pushesUpTo, hello.answersUpTo)
  }

  #join(session: ClientSession<Owner>, pushesUpTo: number, answersUpTo: number): void {
    this.#session = session
    this.#state = 'attached'
    if (session.attach(this, pushesUpTo, answersUpTo)) return
    this.#session = undefined
    const isGone = session.state === 'gone'
    const closing = isGone ? GONE : ({ code: 'protocol', text: NEVER_SENT } as const)
    if (!isGone) session.end(closing)
    this.part(closing)
  }
}
