import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leastMessageBytes, QUIET, WINDOW_MAX } from '../../client/wire.ts'
import { LIMITS, TestGate, utf8 } from './gate.kit.ts'

// Proves: docs/session-protocol.md#no-push-missing
test('pushes are sent again from what was acknowledged on, without a gap', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  for (const text of ['a', 'b', 'c']) session.push('line', utf8(text))
  assert.deepEqual(link.heard, ['push 1 line a', 'push 2 line b', 'push 3 line c'])
  link.ack(1, 0)
  assert.equal(session.pushCount, 2)
  link.visitor.lost()
  session.push('line', utf8('d'))
  const next = gate.connect()
  next.hello({ token: link.token, pushesUpTo: 2 })
  assert.deepEqual(next.heard, ['welcome 1 0 2 []', 'push 3 line c', 'push 4 line d'])
  // A client that has forgotten what it heard begins where the one before had acknowledged.
  const other = gate.connect()
  other.hello({ token: next.token, pushesUpTo: 0 })
  assert.deepEqual(other.heard, ['welcome 1 0 2 []', 'push 3 line c', 'push 4 line d'])
})

test('a session that nothing was pushed to is resumed', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  const next = gate.connect()
  next.hello({ token: link.token })
  session.push('line', utf8('a'))
  assert.deepEqual(next.heard, ['welcome 1 0 0 []', 'push 1 line a'])
})

test('of latest ones only the newest leaves, behind what came before it', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.bufferedAmount = LIMITS.sendMarkBytes
  session.push('at', utf8('1'), 'x')
  session.push('line', utf8('a'))
  session.push('at', utf8('2'), 'x')
  session.push('at', utf8('3'), 'y')
  session.push('a', utf8('4'), 't x')
  session.push('at', utf8('5'), 'x')
  assert.deepEqual(link.heard, [])
  assert.equal(gate.table.counters.pushesReplaced, 2)
  link.bufferedAmount = LIMITS.sendMarkBytes - 1
  link.visitor.drained()
  assert.deepEqual(link.heard, ['push 1 line a', 'push 2 at 3', 'push 3 a 4', 'push 4 at 5'])
  // What has left stays.
  session.push('at', utf8('6'), 'x')
  assert.deepEqual(link.heard, ['push 5 at 6'])
})

test('answers and pushes wait while too much is unsent; what keeps a client alive does not', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.request(1)
  link.bufferedAmount = LIMITS.sendMarkBytes
  session.push('line', utf8('a'))
  session.answer(1, utf8('one'))
  link.say({ kind: 'ping', value: 3 })
  assert.deepEqual(link.heard, ['pong 3'])
  link.bufferedAmount = 0
  link.visitor.drained()
  assert.deepEqual(link.heard, ['answer 1 one', 'push 1 line a'])
})

// Proves: docs/session-protocol.md#overflow
test('pushesMax are kept; one more ends the session, and says so', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  for (let i = 0; i < LIMITS.pushesMax; i++) assert.equal(session.push('line', utf8('')), true)
  assert.equal(session.push('line', utf8('')), false)
  assert.equal(link.heard.at(-1), 'close overflow 5000')
  assert.deepEqual(gate.told, ['ended bob overflow'])
  assert.equal(gate.table.counters.closed.overflow, 1)
  assert.equal(session.push('line', utf8('')), false)
})

test('an acknowledged push makes room for another one, a replaced one too', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  for (let i = 1; i < LIMITS.pushesMax; i++) session.push('line', utf8(''))
  link.ack(1, 0)
  link.visitor.lost()
  session.push('line', utf8(''))
  session.push('at', utf8('1'), 'x')
  for (let i = 0; i < 10; i++) assert.equal(session.push('at', utf8('2'), 'x'), true)
  assert.equal(session.pushCount, LIMITS.pushesMax)
})

test('pushBytesMax bytes are kept, those of heads counted', () => {
  const gate = new TestGate()
  const { session } = gate.enter()
  const room = LIMITS.pushBytesMax - 13 - 1
  assert.equal(session.push('a', new Uint8Array(room)), true)
  assert.ok(session.keptBytes <= LIMITS.pushBytesMax)
  const { session: other } = gate.enter('other')
  assert.equal(other.push('a', new Uint8Array(room + 1)), false)
})

test('the key of a push counts while it waits: clients may have chosen it', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.bufferedAmount = LIMITS.sendMarkBytes
  const key = 'ключ'
  assert.equal(session.push('a', utf8('b'), key), true)
  assert.equal(session.keptBytes, 13 + 1 + 1 + 8)
  assert.equal(session.push('a', utf8('b'), key), true)
  assert.equal(session.keptBytes, 13 + 1 + 1 + 8)
  link.bufferedAmount = 0
  link.visitor.drained()
  assert.equal(session.keptBytes, 1 + 1 + 1 + 1 + 1, 'it has left')
  assert.equal(session.push('a', utf8('b'), 'k'.repeat(LIMITS.pushBytesMax)), false)
})

// Proves: docs/session-protocol.md#answers-gone
test('beyond answerBytesMax the oldest answer is given up, and that is told', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  for (let number = 1; number <= 3; number++) {
    link.request(number)
    session.answer(number, new Uint8Array(40).fill(number + 48))
  }
  link.heard.length = 0
  assert.ok(session.keptBytes <= LIMITS.answerBytesMax)
  assert.equal(gate.table.counters.answersGone, 1)
  const next = gate.connect()
  next.hello({ token: link.token })
  assert.deepEqual(
    next.heard.map((each) => each.slice(0, 22)),
    [
      'welcome 1 3 0 [1,2,3]',
      'failed 1 ERR_ANSWER_GO',
      'answer 2 2222222222222',
      'answer 3 3333333333333',
    ],
  )
  next.ack(0, 3)
  assert.equal(session.keptBytes, 0)
})

test('an answer that is longer than all that is kept leaves all the same when it can', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.request(1)
  session.answer(1, new Uint8Array(LIMITS.answerBytesMax + 1).fill(49))
  assert.match(link.heard[0]!, /^answer 1 1111/)
  link.request(2)
  link.visitor.lost()
  session.answer(2, new Uint8Array(LIMITS.answerBytesMax + 1))
  assert.equal(session.keptBytes, 0)
  const next = gate.connect()
  next.hello({ token: link.token, answersUpTo: 1 })
  assert.deepEqual(next.heard, ['welcome 1 2 0 [2]', 'failed 2 ERR_ANSWER_GONE'])
})

test('what a client asks again and does not read is kept once', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.request(1)
  link.bufferedAmount = LIMITS.sendMarkBytes
  session.answer(1, utf8('one'))
  for (let i = 0; i < 20; i++) link.request(1)
  link.bufferedAmount = 0
  link.visitor.drained()
  assert.deepEqual(link.heard, ['answer 1 one'])
})

test('an answer to a quiet request says nothing, and fails in silence', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.request(1, QUIET)
  session.fail(1, 'ERR_HANDLER', 'secret')
  assert.deepEqual(link.heard, ['answer 1 '])
})

test('acknowledging again what was acknowledged is harmless', () => {
  const gate = new TestGate()
  const { link, session } = gate.enter()
  link.request(1)
  session.answer(1, utf8(''))
  link.ack(0, 1, [])
  link.ack(0, 0, [1])
  link.ack(0, 1)
  assert.equal(link.isClosed, false)
})

test('all that a gate says fits into the shortest message that there may be', () => {
  const window = 64
  const messageBytesMax = leastMessageBytes(window)
  const gate = new TestGate({ window, messageBytesMax, messagesPerSecond: 1000 })
  const { link, session } = gate.enter()
  let longest = 0
  const long = '龙'.repeat(10_000)
  const watch = (to: typeof link): void => {
    const { send, close } = to
    to.send = (bytes) => {
      longest = Math.max(longest, bytes.length)
      send.call(to, bytes)
    }
    to.close = (bytes) => {
      longest = Math.max(longest, bytes.length)
      close.call(to, bytes)
    }
  }
  watch(link)
  link.request(1)
  session.fail(1, long, long)
  for (let number = 2; number <= window; number++) link.request(number)
  const next = gate.connect()
  watch(next)
  next.hello({ token: link.token })
  assert.equal(next.heard.length, 2)
  session.end({ code: 'kicked', text: long })
  assert.match(next.heard[0]!, /^close kicked/)
  assert.ok(longest > messageBytesMax - 40 && longest <= messageBytesMax, `${longest} bytes`)
  assert.ok(leastMessageBytes(WINDOW_MAX) < 65_535)
})
