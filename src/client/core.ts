/**
 * What a client decides, without sockets, timers or codecs: its connections, what it asks again,
 * what it acknowledges. docs/session-protocol.md is what it keeps to.
 *
 * Why a call runs once: its request has one number for the life of the session, it is kept until
 * its answer has come, and it is sent again only when the server says in WELCOME that it has not
 * come. Why no push is missing: numbers grow by one, and the first one behind a WELCOME follows
 * what the WELCOME says.
 */
import { Allowance } from './allowance.ts'
import { FULL } from './full.ts'
import {
  decodeWire,
  encodeWire,
  FROM_CLIENT,
  FROM_SERVER,
  type FromClient,
  type FromServer,
  NOTHING,
  QUIET,
  WINDOW_MAX,
  WIRE_VERSION,
  type WireMessage,
} from './wire.ts'

/**
 * | state | until |
 * | --- | --- |
 * | `idle` | `start` |
 * | `connecting` | the connection is there: `opened` |
 * | `greeting` | the server says WELCOME |
 * | `open` | the connection is lost |
 * | `waiting` | it is time to connect again |
 * | `closed` | nothing: it is over, `reason` says why |
 */
export type CoreState = 'idle' | 'connecting' | 'greeting' | 'open' | 'waiting' | 'closed'

/** Why a client waits, or is closed: a code of the server, or its own, as docs/client.md has it. */
export interface ClientReason {
  readonly code: string
  readonly text: string
}

/**
 * What the core tells to, and needs of, whoever has sockets and timers. It may be called from
 * within, but for `send`, `open` and `end`: what they cause comes later.
 */
export interface CoreHost {
  /** Milliseconds since 1970 by a clock that never goes back: `timeOrigin` + `now()`. */
  now(): number
  /** From 0 to below 1. */
  random(): number
  /** Who the user is, for a new session: what the gate's login gets. */
  login(): Uint8Array
  /** Begin a connection. Its number comes back in `opened`, `heard` and `lost`. */
  open(connection: number): void
  /** Send a message on the connection that was opened. Its bytes are the host's. */
  send(bytes: Uint8Array): void
  /** End this connection. What is told of it later is passed over. */
  end(connection: number): void
  /** Call `tick` in so many milliseconds. The timer of before is not needed any more. */
  timer(ms: number): void
  /** `core.state` has changed. */
  changed(state: CoreState): void
  push(name: string, body: Uint8Array): void
}

export interface ClientCoreOptions {
  /** Calls that wait or are under way, and their bytes. */
  readonly callsMax: number
  readonly callBytesMax: number
  /** From the begin of a connection to its WELCOME. */
  readonly openTimeoutMs: number
  /** The wait before the first attempt and the longest one, both by chance up to that. */
  readonly retryMsMin: number
  readonly retryMsMax: number
  /** Of a session that a client of before had: its `token`, and the `attempt` at that time. */
  readonly token?: Uint8Array | undefined
  readonly attempt?: number | undefined
}

/**
 * How calls fail that the server has not answered. `ERR_CLIENT_LOST`: the session has ended; it was
 * sent, and may have run. `ERR_CLIENT_CLOSED`: the client is closed; it was not sent.
 * `ERR_CLIENT_TOO_LONG`: it is longer than the server takes, and was not sent.
 */
export type CallFault = 'ERR_CLIENT_LOST' | 'ERR_CLIENT_CLOSED' | 'ERR_CLIENT_TOO_LONG'

/** Why `call` takes none. */
export type CallRefusal = 'ERR_CLIENT_FULL' | 'ERR_CLIENT_CLOSED' | 'ERR_CLIENT_TOO_LONG'

/** What is asked. */
export interface CoreCall {
  readonly name: string
  readonly body: Uint8Array
  /** Nobody waits: an answer says that it is done, and has no bytes. */
  readonly isQuiet: boolean
  /**
   * Is told once what has become of it: the answer; or why there is none, in the words of the
   * server, or by the core: a `CallFault`, no text. Undefined: the caller has given up.
   */
  end?: ((failure: ClientReason | undefined, answer: Uint8Array) => void) | undefined
}

type Welcome = WireMessage<typeof FROM_SERVER, 'welcome'>

/** An ACK goes after so many bytes, or so long. A message counts more: 16 are enough. */
const ACK_BYTES = 32_768
const MESSAGE_BYTES = ACK_BYTES / 16
const ACK_MS = 1000
/** An open connection must be heard within this when the network or the page is back. */
const PROBE_MS = 3000
/** Pages may come back often: they are not asked for more probes than this. */
const PROBE_EVERY_MS = 1000
/** Of the rate that the gate allows: its clock may be slower than ours. */
const PACE = 0.95
/** Timers of browsers end at 2^31 ms. */
const TIMER_MS = 60_000

export class ClientCore {
  /** Of the last WELCOME: the session is one of before. */
  isResumed = false
  /** Why it waits, or is closed. */
  reason: ClientReason | undefined
  /** For people and logs. */
  session = ''
  /** Whoever has it may resume the session. Empty: there is none. */
  declare token: Uint8Array
  /** Of the last HELLO. The next one is above, whatever the clock says: keep it with the token. */
  declare attempt: number
  readonly #host: CoreHost
  readonly #options: ClientCoreOptions
  #state: CoreState = 'idle'
  /** The session is one that another client had: what it knew is not known here. */
  #isRestored: boolean
  /** The connection that counts. */
  #connection: number | undefined
  #connections = 0
  #failures = 0
  /** The last one. */
  #welcome: Partial<Welcome> = {}
  #bytes = 0
  /** Calls that were never sent. */
  readonly #queue = new Set<CoreCall>()
  /** By number: those that were sent. Undefined: of a client of before, nobody waits. */
  readonly #sent = new Map<number, CoreCall | undefined>()
  /** Highest number of this session. */
  #lastNumber = 0
  #pushesUpTo = 0
  /** Answers since the last ACK, and all that counts for the next one. */
  #answers: number[] = []
  #heardBytes = 0
  #ackAt = Infinity
  /** When the connection is given up, or the next one begins. */
  #deadline = Infinity
  #sentAt = 0
  #heardAt = 0
  #pingedAt = 0
  #probedAt = -Infinity
  /** Requests that may be sent, from the first WELCOME of a session on. */
  #allowance: Allowance | undefined
  #wakeAt = Infinity

  constructor(host: CoreHost, options: ClientCoreOptions) {
    this.#host = host
    this.#options = options
    this.token = options.token ?? NOTHING
    this.attempt = options.attempt ?? 0
    this.#isRestored = this.token.length > 0
  }

  get state(): CoreState {
    return this.#state
  }

  /** Calls that are not answered; given up are only those that were not sent. */
  get callCount(): number {
    return this.#queue.size + this.#sent.size
  }

  start(): void {
    if (this.#state === 'idle') this.#connect()
  }

  /** The network or the page is back: connect now, or look whether what is open is alive. */
  wake(): void {
    if (this.#state === 'waiting') {
      this.#failures = 0
      this.#connect()
    } else if (this.#state === 'open') {
      const now = this.#host.now()
      if (now - this.#probedAt < PROBE_EVERY_MS) return
      this.#probedAt = now
      this.#ping()
      this.#endAt(Math.min(this.#deadline, now + PROBE_MS))
    }
  }

  /** End the session, and be closed: by the user, unless there is another reason. */
  close(code = 'bye', text = 'Closed here'): void {
    if (this.#state === 'closed') return
    if (this.#state === 'open') this.#send({ kind: 'bye' })
    this.#finish(code, text)
  }

  /** @returns Why it was not taken. */
  call(call: CoreCall): CallRefusal | undefined {
    if (this.#state === 'closed') return 'ERR_CLIENT_CLOSED'
    const { callsMax, callBytesMax } = this.#options
    const bytes = this.#bytes + call.body.length
    if (this.callCount >= callsMax || bytes > callBytesMax) return 'ERR_CLIENT_FULL'
    if (this.#isLong(call)) return 'ERR_CLIENT_TOO_LONG'
    this.#bytes = bytes
    this.#queue.add(call)
    this.#flush()
    return undefined
  }

  /**
   * The caller waits no longer: it is told nothing more.
   *
   * @returns True: it was not sent, and never will be.
   */
  giveUp(call: CoreCall): boolean {
    call.end = undefined
    const isUnsent = this.#queue.delete(call)
    if (isUnsent) this.#bytes -= call.body.length
    return isUnsent
  }

  /** The connection is there. */
  opened(connection: number): void {
    if (connection !== this.#connection || this.#state !== 'connecting') return
    this.attempt = Math.max(this.attempt + 1, Math.floor(this.#host.now()))
    this.#go('greeting')
    this.#send({
      kind: 'hello',
      version: WIRE_VERSION,
      attempt: this.attempt,
      token: this.token,
      pushesUpTo: this.#pushesUpTo,
      answersUpTo: this.#answersUpTo,
      login: this.token.length === 0 ? this.#host.login() : NOTHING,
    })
  }

  /** The connection has ended, or there was none. */
  lost(connection: number, text: string, code = 'lost'): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    this.#retry(code, text)
  }

  /** A message has come. Its bytes are the core's. */
  heard(connection: number, bytes: Uint8Array): void {
    if (connection !== this.#connection) return
    let message: FromServer
    try {
      message = decodeWire(FROM_SERVER, bytes)
    } catch (error) {
      this.#finish('protocol', String(error))
      return
    }
    this.#heardAt = this.#host.now()
    if (message.kind === 'close') this.#closed(message)
    else if (this.#state === 'open') {
      this.#deadline = this.#heardAt + this.#silenceMs
      this.#obey(message, bytes.length)
    } else if (message.kind === 'welcome' && this.#state === 'greeting') this.#enter(message)
    else this.#misplaced(message)
  }

  /** Time has passed: see `CoreHost.timer`. */
  tick(): void {
    const now = this.#host.now()
    this.#wakeAt = Infinity
    if (now >= this.#deadline) {
      if (this.#state === 'waiting') this.#connect()
      else if (this.#state === 'open')
        this.#retry('silent', FULL ? 'Nothing was heard for too long' : '')
      else this.#retry('timeout', FULL ? 'No welcome in time' : '')
    } else if (this.#state === 'open') {
      if (now >= this.#ackAt) this.#ack()
      if (now >= this.#pingAt) this.#ping()
      this.#flush()
      this.#need(Math.min(this.#ackAt, this.#pingAt))
    }
    this.#need(this.#deadline)
  }

  get #silenceMs(): number {
    const { heartbeatMs = 0, missed = 0 } = this.#welcome
    return heartbeatMs * missed
  }

  /** The server must hear something in time, and has to say something that can be heard. */
  get #pingAt(): number {
    const since = Math.max(this.#pingedAt, Math.min(this.#sentAt, this.#heardAt))
    return since + this.#welcome.heartbeatMs!
  }

  /** All answers up to this have come. */
  get #answersUpTo(): number {
    for (const number of this.#sent.keys()) return number - 1
    return this.#lastNumber
  }

  #go(state: CoreState): void {
    this.#state = state
    this.#host.changed(state)
  }

  /** When the connection is given up, or the next one begins, unless something happens. */
  #endAt(deadline: number): void {
    this.#deadline = deadline
    this.#need(deadline)
  }

  #need(at: number): void {
    if (at >= this.#wakeAt) return
    this.#wakeAt = at
    this.#host.timer(Math.min(TIMER_MS, Math.max(0, at - this.#host.now())))
  }

  #send(message: FromClient): void {
    this.#sentAt = this.#host.now()
    this.#host.send(encodeWire(FROM_CLIENT, message))
  }

  #connect(): void {
    this.#connection = ++this.#connections
    this.#endAt(this.#host.now() + this.#options.openTimeoutMs)
    this.#go('connecting')
    if (this.#state === 'connecting') this.#host.open(this.#connection)
  }

  /** The connection of now counts no more. The next one begins at the deadline. */
  #part(state: 'waiting' | 'closed', code: string, text: string, deadline: number): void {
    const connection = this.#connection
    this.#connection = undefined
    if (connection !== undefined) this.#host.end(connection)
    this.#ackAt = Infinity
    this.#endAt(deadline)
    this.reason = { code, text }
    this.#go(state)
  }

  /** @param withinMs The wait is as long as that, by chance. */
  #retry(code: string, text: string, withinMs = this.#backOffMs()): void {
    const waitMs = this.#host.random() * withinMs
    this.#part('waiting', code, text, this.#host.now() + waitMs)
  }

  #backOffMs(): number {
    const { retryMsMin, retryMsMax } = this.#options
    return Math.min(retryMsMax, retryMsMin * 2 ** this.#failures++)
  }

  #finish(code: string, text: string): void {
    this.token = NOTHING
    this.#part('closed', code, text, Infinity)
    this.#forget()
    for (const call of this.#queue) this.#fail(call, 'ERR_CLIENT_CLOSED')
    this.#queue.clear()
  }

  /** The session is over: what was sent will not be answered. */
  #forget(): void {
    const calls = [...this.#sent.values()]
    this.#sent.clear()
    this.#answers = []
    this.#isRestored = false
    this.#lastNumber = 0
    this.#pushesUpTo = 0
    for (const call of calls) this.#fail(call, 'ERR_CLIENT_LOST')
  }

  /** What was asked is over. A client of before has asked what is undefined. */
  #end(
    call: CoreCall | undefined,
    failure: ClientReason | undefined,
    answer: Uint8Array = NOTHING,
  ): void {
    this.#bytes -= call?.body.length ?? 0
    call?.end?.(failure, answer)
  }

  #fail(call: CoreCall | undefined, code: CallFault): void {
    this.#end(call, { code, text: '' })
  }

  #closed({ code, text, retryMs, isOver }: WireMessage<typeof FROM_SERVER, 'close'>): void {
    if (retryMs === 0) this.#finish(code, text)
    else {
      // Whoever keeps the token is told of the state.
      if (isOver) this.token = NOTHING
      this.#retry(code, text, retryMs)
      if (isOver) this.#forget()
    }
  }

  #enter(welcome: Welcome): void {
    const { window, messagesPerSecond } = welcome
    const isResumed = welcome.isResumed === 1
    const isGap = !this.#isRestored && welcome.pushesUpTo !== this.#pushesUpTo
    const isCrowd = window > WINDOW_MAX || welcome.open.length > window
    const isShut = window === 0 || messagesPerSecond === 0
    if (isResumed !== this.token.length > 0 || isGap || isCrowd || isShut) {
      this.#finish('protocol', FULL ? 'The welcome is of another session' : 'welcome')
      return
    }
    this.isResumed = isResumed
    this.session = welcome.session
    this.token = welcome.token
    this.#welcome = welcome
    this.#failures = 0
    if (!isResumed || this.#isRestored) {
      this.#allowance = new Allowance(messagesPerSecond, messagesPerSecond * PACE, this.#heardAt)
      // What a client of before has said just now counts.
      if (isResumed) this.#allowance.take(messagesPerSecond)
    }
    this.#isRestored = false
    this.#pushesUpTo = welcome.pushesUpTo
    this.#pingedAt = this.#heardAt
    this.#endAt(this.#heardAt + this.#silenceMs)
    const again = this.#compare(welcome)
    // Whoever heard of a call that is lost may have closed the client.
    if (this.#state !== 'greeting') return
    // The server has to know first what need not be held any more: then there is room.
    this.#ack()
    // They have counted when they were sent first, and have not come.
    for (const [number, call] of again) this.#request(number, call)
    this.#need(this.#pingAt)
    this.#go('open')
    this.#flush()
  }

  /** What the server holds, and what we wait for. @returns The requests that have not come. */
  #compare({ requestsUpTo, open }: Welcome): [number, CoreCall][] {
    const again: [number, CoreCall][] = []
    const held = new Set(open)
    this.#answers = open.filter((number) => number <= this.#lastNumber && !this.#sent.has(number))
    for (const [number, call] of this.#sent) {
      if (number > requestsUpTo) {
        if (call !== undefined) again.push([number, call])
      } else if (!held.has(number)) {
        this.#sent.delete(number)
        this.#fail(call, 'ERR_CLIENT_LOST')
      }
    }
    for (const number of open) if (number > this.#lastNumber) this.#sent.set(number, undefined)
    this.#lastNumber = Math.max(this.#lastNumber, requestsUpTo)
    return again
  }

  #request(number: number, { name, body, isQuiet }: CoreCall): void {
    this.#send({ kind: 'request', number, flags: isQuiet ? QUIET : 0, name, body })
  }

  /** Send what waits, as far as the window and the rate let it. */
  #flush(): void {
    const { window = 0 } = this.#welcome
    for (const call of this.#queue) {
      if (this.#state !== 'open') return
      const now = this.#host.now()
      const waitMs = this.#allowance!.waitMs(now)
      if (waitMs > 0) {
        this.#need(now + waitMs)
        return
      }
      if (this.#sent.size + this.#answers.length >= window && this.#answers.length > 0) this.#ack()
      if (this.#sent.size >= window) return
      this.#queue.delete(call)
      if (this.#isLong(call)) {
        this.#fail(call, 'ERR_CLIENT_TOO_LONG')
        continue
      }
      this.#allowance!.take(1)
      this.#sent.set(++this.#lastNumber, call)
      this.#request(this.#lastNumber, call)
    }
  }

  /** Before the first WELCOME nothing is. */
  #isLong({ name, body }: CoreCall): boolean {
    const { messageBytesMax = Infinity } = this.#welcome
    return body.length + 3 * name.length + REQUEST_HEAD_BYTES > messageBytesMax
  }

  #ack(): void {
    const answersUpTo = this.#answersUpTo
    const answers = this.#answers.filter((number) => number > answersUpTo).sort((a, b) => a - b)
    this.#answers = []
    this.#heardBytes = 0
    this.#ackAt = Infinity
    this.#send({ kind: 'ack', pushesUpTo: this.#pushesUpTo, answersUpTo, answers })
  }

  #ping(): void {
    this.#pingedAt = this.#host.now()
    this.#send({ kind: 'ping', value: this.#connections })
  }

  #obey(message: Exclude<FromServer, { kind: 'close' }>, bytes: number): void {
    const { kind } = message
    if (kind === 'push') this.#pushed(message, bytes)
    else if (kind === 'answer' || kind === 'failed') this.#answered(message, bytes)
    else if (kind === 'ping') this.#send({ kind: 'pong', value: message.value })
    else if (kind === 'welcome') this.#misplaced(message)
  }

  #pushed(message: WireMessage<typeof FROM_SERVER, 'push'>, bytes: number): void {
    const { number, name, body } = message
    if (number !== this.#pushesUpTo + 1) {
      this.#misplaced(message)
      return
    }
    this.#pushesUpTo = number
    this.#willAck(bytes)
    this.#host.push(name, body)
  }

  /** No gate says this now. */
  #misplaced(message: FromServer): void {
    this.#finish('protocol', FULL ? misplaced(message) : message.kind)
  }

  #answered(message: WireMessage<typeof FROM_SERVER, 'answer' | 'failed'>, bytes: number): void {
    const { number } = message
    if (number > this.#lastNumber) {
      this.#misplaced(message)
      return
    }
    // What was answered before the cut comes once more, as the ACK was lost with the connection.
    if (!this.#sent.has(number)) return
    const call = this.#sent.get(number)
    this.#sent.delete(number)
    this.#answers.push(number)
    this.#willAck(bytes)
    if (message.kind === 'answer') this.#end(call, undefined, message.body)
    else this.#end(call, message)
    this.#flush()
  }

  #willAck(bytes: number): void {
    this.#heardBytes += MESSAGE_BYTES + bytes
    if (this.#heardBytes >= ACK_BYTES) this.#ack()
    else if (this.#ackAt === Infinity) {
      this.#ackAt = this.#heardAt + ACK_MS
      this.#need(this.#ackAt)
    }
  }
}

function misplaced(message: FromServer): string {
  const number = 'number' in message ? ` ${message.number}` : ''
  return `${message.kind}${number} is out of place`
}

/** Of a REQUEST: its first byte, number, flags, and the length of its name. */
const REQUEST_HEAD_BYTES = 1 + 8 + 1 + 8
