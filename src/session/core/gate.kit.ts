/** A gate for tests of the core: a clock, links that write down what is sent, a host as told. */
import {
  decodeWire,
  encodeWire,
  FROM_CLIENT,
  FROM_SERVER,
  type FromClient,
  type FromServer,
  WIRE_VERSION,
} from '../../client/wire.ts'
import type { ClientSession } from './client-session.ts'
import type { SessionLimits } from './session-limits.ts'
import type { SessionLink } from './session-link.ts'
import { type SessionHost, SessionTable } from './session-table.ts'
import type { Visitor } from './visitor.ts'

export const LIMITS: SessionLimits = {
  keepMs: 8000,
  loginTimeoutMs: 4000,
  heartbeatMs: 1000,
  missed: 2,
  maxSessions: 3,
  messageBytesMax: 1000,
  messagesPerSecond: 10,
  window: 4,
  answerBytesMax: 100,
  pushesMax: 5,
  pushBytesMax: 300,
  sendMarkBytes: 1000,
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** A message in short, for comparison. */
export function short(message: FromServer): string {
  switch (message.kind) {
    case 'welcome': {
      const { isResumed, requestsUpTo, pushesUpTo, open } = message
      return `welcome ${isResumed} ${requestsUpTo} ${pushesUpTo} [${open}]`
    }
    case 'answer':
      return `answer ${message.number} ${textOf(message.body)}`
    case 'failed':
      return `failed ${message.number} ${message.code}`
    case 'push':
      return `push ${message.number} ${message.name} ${textOf(message.body)}`
    case 'close':
      return `close ${message.code} ${message.retryMs}`
    default:
      return `${message.kind} ${message.value}`
  }
}

/** One connection of a client. */
export class TestLink implements SessionLink {
  readonly address = '127.0.0.1:1'
  readonly transport = 'test'
  bufferedAmount = 0
  isClosed = false
  /** What it was told for people at its end. */
  why = ''
  /** The last WELCOME. */
  token = new Uint8Array(0)
  readonly visitor: Visitor<string>
  #heard: string[] = []

  constructor(table: SessionTable<string>) {
    this.visitor = table.enter(this)
  }

  send(bytes: Uint8Array): void {
    const message = decodeWire(FROM_SERVER, bytes)
    if (message.kind === 'welcome') this.token = message.token.slice()
    if (message.kind === 'close') this.why = message.text
    this.#heard.push(short(message))
  }

  close(message: Uint8Array): void {
    this.isClosed = true
    this.send(message)
  }

  /** What has come since the last call. */
  get heard(): string[] {
    return this.#heard.splice(0)
  }

  say(message: FromClient): void {
    this.visitor.heard(encodeWire(FROM_CLIENT, message))
  }

  hello(fields: Partial<Extract<FromClient, { kind: 'hello' }>> = {}): void {
    this.say({
      kind: 'hello',
      version: WIRE_VERSION,
      attempt: 1,
      token: new Uint8Array(0),
      pushesUpTo: 0,
      answersUpTo: 0,
      login: utf8('bob'),
      ...fields,
    })
  }

  request(number: number, flags = 0, name = 'draw', body = utf8('x')): void {
    this.say({ kind: 'request', number, flags, name, body })
  }

  ack(pushesUpTo: number, answersUpTo: number, answers: readonly number[] = []): void {
    this.say({ kind: 'ack', pushesUpTo, answersUpTo, answers })
  }
}

export class TestGate implements SessionHost<string> {
  readonly table: SessionTable<string>
  time = 1_000_000
  /** What the host was told since the last call of `told`. */
  #told: string[] = []
  /** Logins are admitted at once. */
  isOpen = true
  waiting: Visitor<string> | undefined
  #random = 0

  constructor(limits: Partial<SessionLimits> = {}) {
    this.table = new SessionTable(this, { ...LIMITS, ...limits })
  }

  get told(): string[] {
    return this.#told.splice(0)
  }

  now(): number {
    return this.time
  }

  randomBytes(count: number): Uint8Array {
    return new Uint8Array(count).fill(++this.#random)
  }

  login(visitor: Visitor<string>, credentials: Uint8Array): void {
    this.waiting = visitor
    if (this.isOpen) visitor.admit(textOf(credentials), 'owner')
  }

  attached(session: ClientSession<string>, isResume: boolean): void {
    this.#told.push(`attached ${session.user} ${session.epoch} ${isResume}`)
  }

  request(
    _session: ClientSession<string>,
    number: number,
    name: string,
    body: Uint8Array,
    isQuiet: boolean,
  ): void {
    this.#told.push(`${isQuiet ? 'quiet' : 'request'} ${number} ${name} ${textOf(body)}`)
  }

  detached(session: ClientSession<string>, reason: string): void {
    this.#told.push(`detached ${session.user} ${reason}`)
  }

  ended(session: ClientSession<string>, code: string): void {
    this.#told.push(`ended ${session.user} ${code}`)
  }

  /** Time passes, in ticks. */
  pass(ms: number): void {
    const end = this.time + ms
    while (this.time < end) {
      this.time = Math.min(end, this.time + this.table.tickMs)
      this.table.tick()
    }
  }

  connect(): TestLink {
    return new TestLink(this.table)
  }

  /** A client with a session: its link, and the session. Nothing of that is in `heard`, `told`. */
  enter(user = 'bob'): { readonly link: TestLink; readonly session: ClientSession<string> } {
    const link = this.connect()
    link.hello({ login: utf8(user) })
    link.heard.length = 0
    this.told.length = 0
    return { link, session: link.visitor.session! }
  }
}
