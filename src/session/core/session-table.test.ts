import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUIET } from '../../client/wire.ts'
import { LIMITS, TestGate, type TestLink, utf8 } from './gate.kit.ts'

test('a login begins a session, and what is asked is answered', () => {
  const gate = new TestGate()
  const link = gate.connect()
  link.hello()
  assert.deepEqual(link.heard, ['welcome 0 0 0 []'])
  const session = link.visitor.session!
  assert.match(session.id, /^[0-9a-f]{16}$/)
  assert.equal(gate.table.get(session.id), session)
  assert.equal(session.isConfirmed, false)
  link.request(1)
  assert.equal(session.isConfirmed, true)
  link.request(2, QUIET)
  assert.deepEqual(gate.told, ['attached bob 1 false', 'request 1 draw x', 'quiet 2 draw x'])
  assert.equal(session.answer(2, utf8('not told')), true)
  assert.equal(session.fail(1, 'ERR_HANDLER', 'no'), true)
  assert.equal(session.answer(1, utf8('again')), false)
  assert.equal(session.answer(3, utf8('never asked')), false)
  assert.deepEqual(link.heard, ['answer 2 ', 'failed 1 ERR_HANDLER'])
  link.say({ kind: 'ping', value: 7 })
  assert.deepEqual(link.heard, ['pong 7'])
  link.say({ kind: 'bye' })
  assert.deepEqual(link.heard, ['close bye 0'])
  assert.deepEqual(gate.told, ['ended bob bye'])
  assert.ok(gate.table.isIdle)
})

// Proves: docs/session-protocol.md#once
test('a request runs once, whatever comes again; its answer comes on the new connection', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.request(1)
  link.request(2)
  link.request(3)
  session.answer(1, utf8('one'))
  link.visitor.lost()
  session.answer(2, utf8('two'))
  gate.told.length = 0
  const next = gate.connect()
  next.hello({ token: link.token, answersUpTo: 1 })
  assert.deepEqual(next.heard, ['welcome 1 3 0 [2,3]', 'answer 2 two'])
  next.request(2)
  next.request(3)
  assert.deepEqual(next.heard, ['answer 2 two'])
  session.answer(3, utf8('three'))
  assert.deepEqual(next.heard, ['answer 3 three'])
  assert.deepEqual(gate.told, ['attached bob 2 true'])
  // It was acknowledged: nobody may ask again.
  next.request(1)
  assert.deepEqual(next.heard, ['close protocol 0'])
})

// Proves: docs/session-protocol.md#last-answers
test('answers that have waited for room are told in front of the end; pushes are not', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  for (let number = 1; number <= 3; number++) link.request(number)
  link.bufferedAmount = LIMITS.sendMarkBytes
  session.answer(1, utf8('one'))
  session.fail(2, 'ERR_CALL_DEAD', 'It has ended')
  session.push('line', utf8('a'))
  assert.deepEqual(link.heard, [])
  session.end({ code: 'agent' })
  assert.deepEqual(link.heard, ['answer 1 one', 'failed 2 ERR_CALL_DEAD', 'close agent 5000'])
})

test('a connection that takes no more at the end hears the end alone', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.request(1)
  link.bufferedAmount = LIMITS.sendMarkBytes
  session.answer(1, utf8('one'))
  link.send = () => link.visitor.close('overflow')
  const told: string[] = []
  link.close = (_message: Uint8Array, code?: string) => told.push(`${code}`)
  session.end({ code: 'agent' })
  assert.deepEqual(told, ['agent'])
  assert.equal(gate.told.at(-1), 'ended bob agent')
  assert.ok(gate.table.isIdle)
})

// Proves: docs/session-protocol.md#window
test('one request that runs for long does not hold the window', () => {
  const gate = new TestGate({ messagesPerSecond: 1000 })
  const { link, session } = gate.enter()
  link.request(1)
  for (let number = 2; number < 50; number++) {
    link.request(number)
    session.answer(number, utf8(''))
    link.ack(0, 0, [number])
  }
  assert.equal(link.isClosed, false)
  for (let number = 50; number < 53; number++) link.request(number)
  assert.equal(link.isClosed, false)
  link.request(53)
  assert.equal(link.heard.at(-1), 'close protocol 0')
})

/** What a client must not say. */
const WRONG: Record<string, (gate: TestGate) => ReturnType<TestGate['connect']>> = {
  'a gap between requests': (gate) => {
    const { link } = gate.enter()
    link.request(2)
    return link
  },
  'request 0': (gate) => {
    const { link } = gate.enter()
    link.request(0)
    return link
  },
  'a push that never left': (gate) => {
    const { link } = gate.enter()
    link.ack(1, 0)
    return link
  },
  'an answer that is not there': (gate) => {
    const { link } = gate.enter()
    link.request(1)
    link.ack(0, 1)
    return link
  },
  'one answer that is not there': (gate) => {
    const { link } = gate.enter()
    link.request(1)
    link.ack(0, 0, [1])
    return link
  },
  'an answer to what was not asked': (gate) => {
    const { link } = gate.enter()
    link.ack(0, 0, [1])
    return link
  },
  'a request before the session': (gate) => {
    const link = gate.connect()
    link.request(1)
    return link
  },
  'a second hello': (gate) => {
    const { link } = gate.enter()
    link.hello()
    return link
  },
  'a hello while the login is looked at': (gate) => {
    gate.isOpen = false
    const link = gate.connect()
    link.hello()
    link.hello()
    return link
  },
  'a new session that has heard pushes': (gate) => {
    const { link, session } = gate.enter()
    session.push('line', utf8('1'))
    link.visitor.lost()
    const next = gate.connect()
    next.hello({ token: link.token, pushesUpTo: 2 })
    return next
  },
  'no message': (gate) => {
    const { link } = gate.enter()
    link.visitor.heard(Buffer.of(99))
    return link
  },
}

test('a client that says what cannot be is closed: protocol', () => {
  for (const [what, say] of Object.entries(WRONG)) {
    const gate = new TestGate()
    const link = say(gate)
    assert.equal(link.heard.at(-1), 'close protocol 0', what)
    assert.ok(link.isClosed && gate.table.isIdle, what)
    assert.match(link.why, /^\S+ \S+ \S+/, `${what}: it is said in words`)
    assert.ok(gate.table.counters.closed.protocol > 0, what)
    // What comes behind is nobody's.
    link.request(1)
    link.visitor.lost()
    assert.deepEqual(link.heard, [], what)
  }
})

// Proves: docs/session-protocol.md#tokens
test('a token is good until its successor is known to have come', () => {
  const gate = new TestGate()
  const { link } = gate.enter()
  const first = link.token
  const lost = gate.connect()
  lost.hello({ token: first, attempt: 1 })
  assert.equal(lost.heard.length, 1)
  // That WELCOME was lost: the client shows the same again.
  const next = gate.connect()
  next.hello({ token: first, attempt: 2 })
  assert.deepEqual(next.heard, ['welcome 1 0 0 []'])
  assert.deepEqual(lost.heard, ['close superseded 0'])
  next.ack(0, 0)
  for (const token of [first, lost.token, next.token.subarray(1), new Uint8Array(24)]) {
    const other = gate.connect()
    other.hello({ token, attempt: 9 })
    assert.deepEqual(other.heard, ['close unknown 1000'])
  }
  assert.equal(next.isClosed, false)
  const last = gate.connect()
  last.hello({ token: next.token, attempt: 3 })
  assert.deepEqual(last.heard, ['welcome 1 0 0 []'])
})

// Proves: docs/session-protocol.md#old-connections, #attempt
test('nothing of an old connection has an effect', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  const next = gate.connect()
  next.hello({ token: link.token, attempt: 5 })
  assert.deepEqual(gate.told, ['detached bob superseded', 'attached bob 2 true'])
  assert.deepEqual(link.heard, ['close superseded 0'])
  link.request(1)
  link.say({ kind: 'bye' })
  link.visitor.lost()
  link.visitor.close('rate')
  link.visitor.drained()
  assert.deepEqual(gate.told, [])
  assert.equal(session.link, next)
  // A HELLO of before that comes late.
  const late = gate.connect()
  late.hello({ token: link.token, attempt: 4 })
  assert.deepEqual(late.heard, ['close superseded 0'])
  assert.equal(session.link, next)
  assert.equal(next.isClosed, false)
})

// Proves: docs/session-protocol.md#keep
test('a session ends keepMs after its connection, and not before', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  gate.pass(500)
  link.visitor.lost()
  gate.pass(LIMITS.keepMs - 1)
  assert.equal(session.state, 'detached')
  assert.deepEqual(gate.told, ['detached bob lost'])
  gate.pass(gate.table.tickMs)
  assert.deepEqual(gate.told, ['ended bob silent'])
  assert.equal(gate.table.counters.expired, 1)
  const next = gate.connect()
  next.hello({ token: link.token })
  assert.deepEqual(next.heard, ['close unknown 1000'])
  assert.equal(session.push('line', utf8('')), false)
})

test('keepMs 0: a session ends with its connection, but not when the next one is there', () => {
  const gate = new TestGate({ keepMs: 0 })
  const { link } = gate.enter()
  const next = gate.connect()
  next.hello({ token: link.token })
  assert.deepEqual(gate.told, ['detached bob superseded', 'attached bob 2 true'])
  next.visitor.lost()
  assert.deepEqual(gate.told, ['detached bob lost', 'ended bob silent'])
  assert.ok(gate.table.isIdle)
})

// Proves: docs/session-protocol.md#heartbeats
test('a client that is silent loses its connection; any sign of life is enough', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  const silentMs = LIMITS.heartbeatMs * LIMITS.missed
  for (let beat = 0; beat < 5; beat++) {
    gate.pass(silentMs - 1)
    link.visitor.alive()
  }
  // What is sent to it does not count.
  session.push('line', utf8(''))
  gate.pass(silentMs)
  assert.equal(link.heard.at(-1), 'close silent 1000')
  assert.deepEqual(gate.told, ['detached bob silent'])
  assert.equal(session.state, 'detached')
})

test('who does not log in in time is sent away, and what the login says then is nobody’s', () => {
  const gate = new TestGate()
  gate.isOpen = false
  const mute = gate.connect()
  const slow = gate.connect()
  slow.hello()
  gate.pass(LIMITS.loginTimeoutMs - gate.table.tickMs)
  assert.ok(!mute.isClosed && !slow.isClosed)
  gate.pass(gate.table.tickMs)
  assert.deepEqual(mute.heard, ['close login-timeout 5000'])
  assert.deepEqual(slow.heard, ['close login-timeout 5000'])
  assert.equal(gate.waiting!.admit('bob', 'owner'), undefined)
  assert.ok(gate.table.isIdle)
})

test('a refused login is told its text', () => {
  const gate = new TestGate()
  gate.isOpen = false
  const link = gate.connect()
  link.hello()
  gate.waiting!.close('login', 'Wrong password')
  assert.deepEqual(link.heard, ['close login 0'])
  assert.equal(gate.waiting!.admit('bob', 'owner'), undefined)
})

test('maxSessions are there at most: at the HELLO, and when a login is done', () => {
  const gate = new TestGate({ maxSessions: 2 })
  gate.isOpen = false
  const early = gate.connect()
  early.hello()
  const waiting = gate.waiting!
  gate.isOpen = true
  const { link } = gate.enter('a')
  gate.enter('b')
  const late = gate.connect()
  late.hello()
  assert.deepEqual(late.heard, ['close full 10000'])
  assert.equal(waiting.admit('c', 'owner'), undefined)
  assert.deepEqual(early.heard, ['close full 10000'])
  assert.equal(gate.table.counters.closed.full, 2)
  // A session that is there is resumed all the same.
  const next = gate.connect()
  next.hello({ token: link.token })
  assert.deepEqual(next.heard, ['welcome 1 0 0 []'])
})

test('refuseNew() lets nobody new in, and lets sessions be resumed', () => {
  const gate = new TestGate()
  const { link } = gate.enter()
  gate.table.refuseNew({ code: 'drain', retryMs: 1234 })
  const late = gate.connect()
  late.hello()
  assert.deepEqual(late.heard, ['close drain 1234'])
  const next = gate.connect()
  next.hello({ token: link.token })
  assert.deepEqual(next.heard, ['welcome 1 0 0 []'])
  gate.table.refuseNew(undefined)
  gate.enter('other')
  assert.equal(gate.table.size, 2)
})

test('a version that is not spoken is refused', () => {
  const link = new TestGate().connect()
  link.hello({ version: 2 })
  assert.deepEqual(link.heard, ['close version 0'])
})

// Proves: docs/session-protocol.md#rate
test('requests are counted: a second and a window of them pass at once, one more does not', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  let number = 0
  const request = (): void => {
    link.request(++number)
    session.answer(number, utf8('ok'))
    link.ack(0, number)
  }
  for (let i = 0; i < LIMITS.messagesPerSecond + LIMITS.window; i++) request()
  assert.equal(link.isClosed, false)
  gate.pass(1000)
  for (let i = 0; i < LIMITS.messagesPerSecond; i++) request()
  assert.equal(link.isClosed, false)
  gate.pass(99)
  request()
  assert.equal(link.heard.at(-1), 'close rate 0')
  assert.equal(gate.told.at(-1), 'ended bob rate')
})

// Proves: docs/session-protocol.md#rate-session
test('requests are those of a session: who comes back may say no more', () => {
  const gate = new TestGate()
  const { session, link: first } = gate.enter()
  let link = first
  let number = 0
  const request = (): void => {
    link.request(++number)
    session.answer(number, utf8('ok'))
    link.ack(0, number)
  }
  const comeBack = (): void => {
    const next = gate.connect()
    next.hello({ token: link.token, attempt: number + 2, answersUpTo: number })
    link = next
  }
  const most = LIMITS.messagesPerSecond + LIMITS.window
  for (let i = 0; i < most; i++) {
    request()
    comeBack()
  }
  assert.equal(link.isClosed, false)
  gate.pass(1000)
  for (let i = 0; i < LIMITS.messagesPerSecond; i++) {
    comeBack()
    request()
  }
  assert.equal(link.isClosed, false)
  // Its next session has all of that again, as a client has then.
  const other = gate.enter('ann')
  for (let i = 1; i <= LIMITS.window; i++) other.link.request(i)
  assert.equal(other.link.isClosed, false)
  request()
  assert.equal(link.heard.at(-1), 'close rate 0')
})

// Proves: docs/session-protocol.md#idle
test('what says nothing new is counted apart, with room for heartbeats that were held up', () => {
  const idle = [
    (link: TestLink) => link.say({ kind: 'ping', value: 1 }),
    (link: TestLink) => link.say({ kind: 'pong', value: 1 }),
    (link: TestLink) => link.ack(0, 0),
    // It has come before.
    (link: TestLink) => link.request(1),
  ]
  // 2 a heartbeat and 2 a second, of 2 s that a client may be silent, beside the 16 and a window.
  const most = 16 + 4 + 8
  for (const say of idle) {
    const gate = new TestGate()
    const { link } = gate.enter()
    link.request(1)
    link.ack(0, 0)
    for (let i = 1; i < most; i++) say(link)
    assert.equal(link.isClosed, false)
    gate.pass(1000)
    for (let i = 0; i < 4; i++) say(link)
    assert.equal(link.isClosed, false)
    link.request(2)
    assert.equal(link.isClosed, false, 'requests are not counted here')
    say(link)
    assert.equal(link.heard.at(-1), 'close rate 0')
  }
})

test('acknowledgements of what has come are not counted', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  for (let number = 1; number <= 1000; number++) {
    session.push('line', utf8('x'))
    link.ack(number, 0)
  }
  assert.equal(link.isClosed, false)
})

test('close() of a visitor ends its session where the code says so', () => {
  const gate = new TestGate()
  const { link } = gate.enter()
  link.visitor.close('size')
  assert.deepEqual(gate.told, ['ended bob size'])
  const { link: other, session } = gate.enter()
  other.visitor.close('address')
  assert.deepEqual(gate.told, ['detached bob lost'])
  session.end({ code: 'kicked', text: 'Go' })
  session.end({ code: 'kicked' })
  assert.deepEqual(gate.told, ['ended bob kicked'])
  assert.equal(gate.table.counters.closed.kicked, 1)
})

test('tickMs is a part of the shortest deadline, within bounds', () => {
  const tickMs = (keepMs: number): number => new TestGate({ keepMs }).table.tickMs
  assert.equal(tickMs(0), 250)
  assert.equal(tickMs(1), 10)
  assert.equal(tickMs(800), 100)
  assert.equal(tickMs(1e6), 250)
})

test('whoever is told of a connection may say something: it comes behind the WELCOME', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.request(1)
  gate.attached = (told) => {
    told.push('line', utf8('a'))
    told.answer(1, utf8('one'))
  }
  const next = gate.connect()
  next.hello({ token: link.token })
  assert.deepEqual(next.heard, ['welcome 1 1 0 [1]', 'answer 1 one', 'push 1 line a'])
  gate.attached = (told) => told.end({ code: 'kicked' })
  const last = gate.connect()
  last.hello({ token: next.token })
  assert.deepEqual(last.heard, ['close kicked 0'])
  assert.equal(session.state, 'gone')
})

test('whoever is told that a connection is lost may end the session', () => {
  const gate = new TestGate()
  const { link } = gate.enter()
  gate.detached = (told) => told.end({ code: 'kicked' })
  const next = gate.connect()
  next.hello({ token: link.token })
  assert.deepEqual(next.heard, ['close unknown 1000'])
  assert.ok(gate.table.isIdle)
})

test('a link may close its visitor while something is sent', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.send = () => link.visitor.close('overflow')
  session.push('line', utf8('a'))
  assert.deepEqual(gate.told, ['ended bob overflow'])
  const full = gate.connect()
  full.send = () => full.visitor.close('overflow')
  full.hello()
  assert.deepEqual(gate.told, ['attached bob 1 false', 'ended bob overflow'])
  assert.ok(gate.table.isIdle)
})
