import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CallRefusal,
  ClientCore,
  type ClientReason,
  type CoreCall,
  type CoreHost,
  type CoreState,
} from './core.ts'
import { decodeWire, encodeWire, FROM_CLIENT, FROM_SERVER, type FromServer, QUIET } from './wire.ts'

const OPTIONS = {
  callsMax: 30,
  callBytesMax: 1000,
  openTimeoutMs: 5000,
  retryMsMin: 500,
  retryMsMax: 4000,
}
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const HEARTBEAT_MS = 1000
const NEW = {
  kind: 'welcome',
  version: 1,
  isResumed: 0,
  session: 's1',
  token: utf8('token1'),
  epoch: 1,
  requestsUpTo: 0,
  pushesUpTo: 0,
  heartbeatMs: HEARTBEAT_MS,
  missed: 2,
  keepMs: 60_000,
  window: 4,
  messageBytesMax: 500,
  messagesPerSecond: 100,
  open: [],
} as const satisfies FromServer
const AGAIN = { ...NEW, isResumed: 1, token: utf8('token2'), epoch: 2 } as const

/** A host that writes down what it is told, in short. */
class TestHost implements CoreHost {
  readonly core: ClientCore
  time = 1000
  chance = 0.5
  #timerAt = Infinity
  #log: string[] = []

  constructor(options: Partial<typeof OPTIONS> & { readonly token?: Uint8Array } = {}) {
    this.core = new ClientCore(this, { ...OPTIONS, ...options })
  }

  get log(): string[] {
    return this.#log.splice(0)
  }

  now(): number {
    return this.time
  }

  random(): number {
    return this.chance
  }

  login(): Uint8Array {
    return utf8('bob')
  }

  open(connection: number): void {
    this.#log.push(`open ${connection}`)
  }

  end(connection: number): void {
    this.#log.push(`end ${connection}`)
  }

  timer(ms: number): void {
    this.#timerAt = this.time + ms
  }

  changed(state: CoreState): void {
    this.#log.push(state)
  }

  send(bytes: Uint8Array): void {
    const message = decodeWire(FROM_CLIENT, bytes)
    const { kind } = message
    if (kind === 'hello') {
      const { token, pushesUpTo, answersUpTo, login } = message
      this.#log.push(`HELLO ${textOf(token)} ${pushesUpTo} ${answersUpTo} ${textOf(login)}`)
    } else if (kind === 'request') {
      this.#log.push(`REQUEST ${message.number} ${message.name} ${message.flags}`)
    } else if (kind === 'ack') {
      this.#log.push(`ACK ${message.pushesUpTo} ${message.answersUpTo} [${message.answers}]`)
    } else this.#log.push(kind.toUpperCase())
  }

  push(name: string, body: Uint8Array): void {
    this.#log.push(`push ${name} ${textOf(body)}`)
  }

  pass(ms: number): void {
    const end = this.time + ms
    while (this.#timerAt <= end) {
      this.time = Math.max(this.time, this.#timerAt)
      this.#timerAt = Infinity
      this.core.tick()
    }
    this.time = end
  }

  hear(message: FromServer, connection = 1): void {
    this.core.heard(connection, encodeWire(FROM_SERVER, message))
  }

  answer(number: number, connection = 1): void {
    this.hear({ kind: 'answer', number, body: utf8('ok') }, connection)
  }

  push1(number: number, connection = 1): void {
    this.hear({ kind: 'push', number, name: 'line', body: utf8(`${number}`) }, connection)
  }

  /** What has become of a call. */
  ended(call: number, failure: ClientReason | undefined, answer: Uint8Array): void {
    this.#log.push(
      failure === undefined
        ? `answered ${call} ${textOf(answer)}`
        : `failed ${call} ${failure.code}`,
    )
  }

  /** @returns The call, which the log shows by its number, or why there is none. */
  call(name = 'draw', isQuiet = false, body = utf8('x')): CoreCall | CallRefusal {
    const number = this.#calls + 1
    const end: CoreCall['end'] = (failure, answer) => this.ended(number, failure, answer)
    const call = { name, body, isQuiet, end }
    const refusal = this.core.call(call)
    if (refusal === undefined) this.#calls = number
    return refusal ?? call
  }
  #calls = 0

  callOf(bytes: number): CallRefusal | undefined {
    const call = this.call('draw', false, new Uint8Array(bytes))
    return typeof call === 'string' ? call : undefined
  }

  /** Get a session by connection 1. */
  enter(welcome: FromServer = NEW): this {
    this.core.start()
    this.core.opened(1)
    this.hear(welcome)
    this.log.length = 0
    return this
  }

  /** Lose the connection, and be greeted on the next one. */
  comeBack(welcome: FromServer, connection = 2): void {
    this.core.lost(connection - 1, 'cut')
    this.pass(OPTIONS.retryMsMin)
    this.core.opened(connection)
    this.log.length = 0
    this.hear(welcome, connection)
  }
}

test('a client greets, is welcomed, says so at once, and sends what has waited', () => {
  const host = new TestHost()
  assert.equal(host.core.state, 'idle')
  host.core.start()
  host.core.start()
  host.call()
  host.core.opened(1)
  assert.deepEqual(host.log, ['connecting', 'open 1', 'greeting', 'HELLO  0 0 bob'])
  host.hear(NEW)
  assert.deepEqual(host.log, ['ACK 0 0 []', 'open', 'REQUEST 1 draw 0'])
  host.call('clear', true)
  host.answer(2)
  host.hear({ kind: 'failed', number: 1, code: 'ERR_HANDLER', text: '' })
  assert.deepEqual(host.log, [`REQUEST 2 clear ${QUIET}`, 'answered 2 ok', 'failed 1 ERR_HANDLER'])
  assert.equal(host.core.session, 's1')
  host.core.close()
  host.core.close()
  assert.deepEqual(host.log, ['BYE', 'end 1', 'closed'])
  assert.equal(host.callOf(0), 'ERR_CLIENT_CLOSED')
})

test('an ACK goes after 16 messages, sooner when they are long, and after a second', () => {
  const host = new TestHost().enter({ ...NEW, heartbeatMs: 60_000 })
  for (let number = 1; number <= 16; number++) host.push1(number)
  assert.equal(host.log.filter((line) => line.startsWith('ACK')).join(), 'ACK 16 0 []')
  host.hear({ kind: 'push', number: 17, name: 'line', body: new Uint8Array(32_768) })
  assert.equal(host.log[0], 'ACK 17 0 []')
  host.push1(18)
  host.pass(999)
  assert.deepEqual(host.log, ['push line 18'])
  host.pass(1)
  assert.deepEqual(host.log, ['ACK 18 0 []'])
  host.pass(5000)
  assert.deepEqual(host.log, [])
})

test('no more is open than the window, and an ACK goes first when it makes room', () => {
  const host = new TestHost().enter()
  for (let i = 0; i < 6; i++) host.call()
  assert.deepEqual(
    host.log.map((line) => line.slice(0, 9)),
    [1, 2, 3, 4].map((n) => `REQUEST ${n}`),
  )
  host.answer(3)
  assert.deepEqual(host.log, ['answered 3 ok', 'ACK 0 0 [3]', 'REQUEST 5 draw 0'])
  host.answer(1)
  assert.deepEqual(host.log, ['answered 1 ok', 'ACK 0 1 []', 'REQUEST 6 draw 0'])
})

// Proves: docs/session-protocol.md#rate
test('a client keeps to the rate that it is told: so many at once, a little less a second', () => {
  const host = new TestHost({ callsMax: 100 }).enter({ ...NEW, window: 50, messagesPerSecond: 10 })
  for (let i = 0; i < 30; i++) host.call()
  const requests = (): number => host.log.filter((each) => each.startsWith('REQUEST')).length
  assert.equal(requests(), 10)
  host.pass(105)
  assert.equal(requests(), 0)
  host.pass(1)
  assert.equal(requests(), 1)
  for (let number = 1; number <= 11; number++) host.answer(number)
  assert.equal(requests(), 0, 'an answer is no leave to send more')
  host.pass(894)
  assert.equal(requests(), 8)
  // After a rest as many as at first.
  host.pass(60_000)
  assert.equal(host.core.callCount, 19)
})

// Proves: docs/session-protocol.md#rate-session
test('a cut gives no more leave to send; what is sent again has counted, and leaves', () => {
  const welcome = { ...NEW, window: 50, messagesPerSecond: 10 }
  const host = new TestHost({ callsMax: 100 }).enter(welcome)
  for (let i = 0; i < 30; i++) host.call()
  const requests = (): number => host.log.filter((each) => each.startsWith('REQUEST')).length
  assert.equal(requests(), 10)
  // Half a second later: 4.75 more.
  host.comeBack({ ...AGAIN, window: 50, messagesPerSecond: 10 })
  assert.equal(requests(), 10 + 4)
  host.pass(26)
  assert.equal(requests(), 0)
  host.pass(1)
  assert.equal(requests(), 1)
})

// Proves: docs/session-protocol.md#rate-session
test('a session is new: so is what may be said; of one of before nothing may at once', () => {
  const limits = { window: 50, messagesPerSecond: 10 }
  const host = new TestHost().enter({ ...NEW, ...limits })
  const requests = (): number => host.log.filter((each) => each.startsWith('REQUEST')).length
  for (let i = 0; i < 10; i++) host.call()
  host.hear({ kind: 'close', code: 'agent', text: '', retryMs: 1, isOver: 1 })
  for (let i = 0; i < 11; i++) host.call()
  host.pass(1)
  host.core.opened(2)
  host.log.length = 0
  host.hear({ ...NEW, ...limits }, 2)
  assert.equal(requests(), 10)
  const next = new TestHost({ token: utf8('token1') })
  next.call()
  next.enter({ ...AGAIN, ...limits })
  next.pass(105)
  assert.ok(!next.log.some((each) => each.startsWith('REQUEST')))
  next.pass(1)
  assert.ok(next.log.includes('REQUEST 1 draw 0'))
})

test('a page that comes back all the time is asked for one probe a second', () => {
  const host = new TestHost().enter()
  for (let i = 0; i < 5; i++) host.core.wake()
  assert.deepEqual(host.log, ['PING'])
  host.pass(1000)
  host.core.wake()
  assert.ok(host.log.includes('PING'))
})

// Proves: docs/session-protocol.md#once
test('after a cut only what has not come is sent again, behind what is not held any more', () => {
  const host = new TestHost().enter()
  for (let i = 0; i < 4; i++) host.call()
  host.answer(2)
  host.comeBack({ ...AGAIN, requestsUpTo: 3, open: [1, 2, 3] })
  assert.deepEqual(host.log, ['ACK 0 0 [2]', 'REQUEST 4 draw 0', 'open'])
  host.answer(2, 2)
  host.answer(1, 2)
  host.answer(3, 2)
  assert.deepEqual(host.log, ['answered 1 ok', 'answered 3 ok'])
  host.core.lost(2, 'cut')
  host.pass(500)
  host.core.opened(3)
  assert.equal(host.log.at(-1), 'HELLO token2 0 3 ')
})

test('events of an old connection are passed over', () => {
  const host = new TestHost().enter()
  host.comeBack(AGAIN)
  host.log.length = 0
  host.push1(1)
  host.core.opened(1)
  host.core.opened(2)
  host.core.lost(1, 'late')
  host.hear({ kind: 'close', code: 'kicked', text: '', retryMs: 0, isOver: 1 })
  assert.deepEqual(host.log, [])
  assert.equal(host.core.state, 'open')
})

test('behind a session that has ended comes a new one, and what was not sent goes on', () => {
  const host = new TestHost().enter()
  for (let i = 0; i < 5; i++) host.call()
  host.push1(1)
  host.log.length = 0
  host.hear({ kind: 'close', code: 'drain', text: 'Bye', retryMs: 10_000, isOver: 1 })
  const lost = [1, 2, 3, 4].map((call) => `failed ${call} ERR_CLIENT_LOST`)
  assert.deepEqual(host.log, ['end 1', 'waiting', ...lost])
  assert.deepEqual(host.core.reason, { code: 'drain', text: 'Bye' })
  host.pass(4999)
  assert.deepEqual(host.log, [])
  host.pass(1)
  host.core.opened(2)
  assert.deepEqual(host.log, ['connecting', 'open 2', 'greeting', 'HELLO  0 0 bob'])
  host.hear({ ...NEW, session: 's2' }, 2)
  assert.deepEqual(host.log, ['ACK 0 0 []', 'open', 'REQUEST 1 draw 0'])
  assert.equal(host.core.isResumed, false)
  host.answer(1, 2)
  host.push1(1, 2)
  assert.deepEqual(host.log, ['answered 5 ok', 'push line 1'])
})

test('a close that leaves the session leaves the token; one without a way back is the end', () => {
  const host = new TestHost().enter()
  host.call()
  host.hear({ kind: 'close', code: 'silent', text: '', retryMs: 1000, isOver: 0 })
  host.pass(500)
  host.core.opened(2)
  assert.equal(host.log.at(-1), 'HELLO token1 0 0 ')
  host.hear({ kind: 'close', code: 'address', text: '', retryMs: 1000, isOver: 0 }, 2)
  host.pass(500)
  host.core.opened(3)
  assert.equal(host.log.at(-1), 'HELLO token1 0 0 ')
  host.hear({ kind: 'close', code: 'later-code', text: '', retryMs: 1000, isOver: 0 }, 3)
  host.pass(500)
  host.core.opened(4)
  assert.equal(host.log.at(-1), 'HELLO token1 0 0 ')
  host.call()
  host.hear({ kind: 'close', code: 'kicked', text: 'Go', retryMs: 0, isOver: 1 }, 4)
  const told = ['end 4', 'closed', 'failed 1 ERR_CLIENT_LOST', 'failed 2 ERR_CLIENT_CLOSED']
  assert.deepEqual(host.log, told)
  assert.deepEqual(host.core.reason, { code: 'kicked', text: 'Go' })
  host.pass(100_000)
  assert.deepEqual(host.log, [])
})

test('attempts are further and further apart, by chance; wake() makes one at once', () => {
  const host = new TestHost()
  host.core.start()
  const waits: number[] = []
  for (let attempt = 1; attempt <= 6; attempt++) {
    host.core.lost(attempt, 'refused')
    const from = host.time
    while (host.core.state === 'waiting') host.pass(1)
    waits.push(host.time - from)
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 2000, 2000])
  host.core.lost(7, 'refused')
  host.log.length = 0
  host.core.wake()
  assert.deepEqual(host.log, ['connecting', 'open 8'])
  host.core.lost(8, 'refused')
  host.pass(250)
  assert.equal(host.core.state, 'connecting')
})

test('a connection without a welcome is given up in time', () => {
  const host = new TestHost()
  host.core.start()
  host.pass(OPTIONS.openTimeoutMs - 1)
  host.core.opened(1)
  host.log.length = 0
  host.pass(1)
  assert.deepEqual(host.log, ['end 1', 'waiting'])
  assert.equal(host.core.reason?.code, 'timeout')
})

// Proves: docs/session-protocol.md#heartbeats
test('a client pings when it says nothing, and when it hears nothing', () => {
  const host = new TestHost().enter({ ...NEW, window: 100 })
  host.pass(HEARTBEAT_MS - 1)
  assert.deepEqual(host.log, [])
  host.pass(1)
  assert.deepEqual(host.log, ['PING'])
  host.hear({ kind: 'pong', value: 1 })
  // Requests go out all the time, and nothing comes.
  for (let i = 0; i < 10; i++) {
    host.pass(HEARTBEAT_MS / 10)
    host.call()
  }
  assert.equal(host.log.filter((line) => line === 'PING').length, 1)
  assert.equal(host.core.state, 'open')
  host.hear({ kind: 'ping', value: 9 })
  assert.equal(host.log.at(-1), 'PONG')
})

test('a server that is silent is left, sooner when the page is back', () => {
  const host = new TestHost().enter()
  host.pass(2 * HEARTBEAT_MS - 1)
  assert.equal(host.core.state, 'open')
  host.pass(1)
  assert.equal(host.core.reason?.code, 'silent')
  assert.equal(host.core.state, 'waiting')

  const other = new TestHost().enter({ ...NEW, heartbeatMs: 60_000 })
  other.core.wake()
  assert.deepEqual(other.log, ['PING'])
  other.hear({ kind: 'pong', value: 1 })
  other.pass(3000)
  assert.equal(other.core.state, 'open')
  other.core.wake()
  other.pass(3000)
  assert.equal(other.core.state, 'waiting')
})

test('calls and their bytes are limited, one that is too long is refused at once', () => {
  const host = new TestHost({ callsMax: 2, callBytesMax: 600 })
  assert.equal(host.callOf(601), 'ERR_CLIENT_FULL')
  assert.equal(host.callOf(480), undefined)
  assert.equal(host.callOf(121), 'ERR_CLIENT_FULL')
  assert.equal(host.callOf(120), undefined)
  assert.equal(host.callOf(0), 'ERR_CLIENT_FULL')
  host.core.start()
  host.core.opened(1)
  host.log.length = 0
  host.hear(NEW)
  // Nobody knew what the server takes: 500, its head counted.
  assert.deepEqual(host.log, [
    'ACK 0 0 []',
    'open',
    'failed 1 ERR_CLIENT_TOO_LONG',
    'REQUEST 1 draw 0',
  ])
  assert.equal(host.callOf(480), 'ERR_CLIENT_TOO_LONG')
  host.answer(1)
  assert.equal(host.core.callCount, 0)
  assert.equal(host.callOf(460), undefined)
})

test('giveUp() says whether a call can still run, and nothing more is told of it', () => {
  const host = new TestHost()
  const [unsent, sent] = [host.call() as CoreCall, host.call() as CoreCall]
  assert.equal(host.core.giveUp(unsent), true)
  assert.equal(host.core.giveUp(unsent), false)
  host.enter()
  assert.equal(host.core.giveUp(sent), false)
  host.answer(1)
  assert.deepEqual(host.log, [])
  assert.equal(host.core.callCount, 0)
})

test('a client that has only the token goes on behind what the one before has done', () => {
  const host = new TestHost({ token: utf8('token1') })
  host.core.start()
  host.core.opened(1)
  assert.equal(host.log.at(-1), 'HELLO token1 0 0 ')
  host.call()
  host.hear({ ...AGAIN, requestsUpTo: 7, pushesUpTo: 40, open: [5, 7] })
  host.pass(11)
  assert.deepEqual(host.log, ['ACK 40 4 []', 'open', 'REQUEST 8 draw 0'])
  host.answer(7)
  host.answer(5)
  host.push1(41)
  host.answer(8)
  assert.deepEqual(host.log, ['push line 41', 'answered 1 ok'])
  host.pass(1000)
  assert.deepEqual(host.log, ['ACK 41 8 []', 'PING'])
})

test('a server that says what cannot be is left for good', () => {
  const wrong: Record<string, (host: TestHost) => void> = {
    'a push that leaves a gap': (host) => host.push1(2),
    'a push that comes twice': (host) => {
      host.push1(1)
      host.push1(1)
    },
    'an answer to nothing': (host) => host.answer(1),
    'a second welcome': (host) => host.hear(NEW),
    'no message': (host) => host.core.heard(1, Buffer.of(77)),
    'nothing at all': (host) => host.core.heard(1, Buffer.of()),
  }
  for (const [what, say] of Object.entries(wrong)) {
    const host = new TestHost().enter()
    say(host)
    assert.equal(host.core.state, 'closed', what)
    assert.equal(host.core.reason?.code, 'protocol', what)
  }
  const welcomes: Record<string, FromServer> = {
    'a new session for a token': { ...NEW },
    'pushes that never came': { ...AGAIN, pushesUpTo: 1 },
    'more that is open than the window': { ...AGAIN, open: [1, 2, 3, 4, 5] },
    'a window without end': { ...AGAIN, window: 4097 },
    'an answer before the welcome': { kind: 'answer', number: 1, body: utf8('') },
  }
  for (const [what, welcome] of Object.entries(welcomes)) {
    const host = new TestHost().enter()
    host.comeBack(welcome)
    assert.equal(host.core.reason?.code, 'protocol', what)
  }
})

test('a server that has forgotten a request leaves nobody waiting', () => {
  const host = new TestHost().enter()
  host.call()
  host.comeBack({ ...AGAIN, requestsUpTo: 1, open: [] })
  assert.deepEqual(host.log, ['failed 1 ERR_CLIENT_LOST', 'ACK 0 1 []', 'open'])
})

test('a client that is closed as it hears of a request that is forgotten stays closed', () => {
  const host = new TestHost().enter()
  host.call()
  host.ended = () => host.core.close()
  host.comeBack({ ...AGAIN, requestsUpTo: 1, open: [] })
  assert.equal(host.core.state, 'closed')
  assert.deepEqual(host.log.slice(-2), ['end 2', 'closed'])
})

test('a session that the server has ended leaves no token, from the change of state on', () => {
  const host = new TestHost().enter()
  const tokens: string[] = []
  host.changed = () => tokens.push(textOf(host.core.token))
  host.hear({ kind: 'close', code: 'drain', text: '', retryMs: 1000, isOver: 1 })
  assert.deepEqual(tokens, [''])
})

test('a time to come back that no timer can have is waited for', () => {
  const host = new TestHost().enter()
  host.hear({ kind: 'close', code: 'drain', text: '', retryMs: Number.MAX_SAFE_INTEGER, isOver: 1 })
  host.pass(10_000_000)
  assert.equal(host.core.state, 'waiting')
})

test('whoever is told something may call or close at once', () => {
  const host = new TestHost().enter()
  host.call()
  host.log.length = 0
  host.ended = () => {
    host.ended = TestHost.prototype.ended
    host.call('next')
    host.core.close()
  }
  host.answer(1)
  assert.deepEqual(host.log, [
    'REQUEST 2 next 0',
    'BYE',
    'end 1',
    'closed',
    'failed 2 ERR_CLIENT_LOST',
  ])
})
