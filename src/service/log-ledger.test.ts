import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_KEPT_CHARS_MAX } from '../base/limits.ts'
import { Mailbox } from '../kernel/mailbox.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { LogLine } from './log.ts'
import { LogLedger } from './log-ledger.ts'

const line = (text: string): LogLine => ({ at: 0, level: 'info', handle: 1, title: '', text })
const alive = () => true
const textsOf = (lines: readonly LogLine[]) => lines.map(({ text }) => text)

function ledgers() {
  const memory = LogLedger.memory(2)
  const [home, other] = [0, 1].map((worker) => new LogLedger(memory, worker))
  home!.settleHere()
  return { memory, main: new LogLedger(memory), home: home!, other: other! }
}

test('LogLedger gives back what is not written, in order, and that once', () => {
  const { main, home, other } = ledgers()
  const sessions = ['a', 'b', 'c'].map((text) => other.sent(line(text)))
  home.taken(sessions[0]!)
  home.written(sessions[0]!)
  assert.equal(main.unwritten, 2)
  home.taken(sessions[1]!)
  const { given, unseen, lost } = other.takeBack()
  assert.deepEqual([textsOf(given), textsOf(unseen), lost], [['b'], ['c'], 0])
  assert.deepEqual(other.takeBack(), { given: [], unseen: [], lost: 0 })
  assert.equal(main.unwritten, 0)
})

// Proves: docs/semantics.md#death-log
test('LogLedger keeps a bounded amount of text, and counts the rest', () => {
  const { other } = ledgers()
  const text = 'x'.repeat(LOG_KEPT_CHARS_MAX / 4)
  for (let i = 0; i < 10; i++) other.sent(line(text))
  const { unseen, lost } = other.takeBack()
  assert.deepEqual([unseen.length, lost], [4, 6])
})

test('LogLedger keeps apart what the logger was given, also where some of it is not kept', () => {
  const { home, other } = ledgers()
  const text = 'x'.repeat(LOG_KEPT_CHARS_MAX / 4)
  for (let i = 0; i < 10; i++) home.taken(other.sent(line(text)))
  other.sent(line('unseen'))
  const { given, unseen, lost } = other.takeBack()
  assert.deepEqual([given.length, textsOf(unseen), lost], [3, ['unseen'], 7])
  // Another logger is there before they are taken back: it got nothing of the former's.
  home.taken(other.sent(line('early')))
  home.settleHere()
  other.sent(line('late'))
  const next = other.takeBack()
  assert.deepEqual([textsOf(next.given), textsOf(next.unseen)], [['early'], ['late']])
})

test('LogLedger is not moved back by a logger that finishes its lines in another order', () => {
  const { main, home, other } = ledgers()
  const sessions = ['a', 'b'].map((text) => other.sent(line(text)))
  home.written(sessions[1]!)
  home.written(sessions[0]!)
  assert.equal(main.unwritten, 0)
})

test('LogLedger is not moved back by a logger that was writing when lines were taken back', (t) => {
  const { main, home, other } = ledgers()
  const sessions = ['a', 'b', 'c'].map((text) => other.sent(line(text)))
  // The sender comes between what the logger reads and what it stores.
  for (const name of ['store', 'compareExchange'] as const) {
    const real = Atomics[name] as (...args: unknown[]) => number
    t.mock.method(Atomics, name, (...args: unknown[]) => {
      t.mock.restoreAll()
      other.takeBack()
      return real(...args)
    })
  }
  home.written(sessions[0]!)
  assert.equal(main.unwritten, 0)
})

test('LogLedger knows what went with the worker of the logger', () => {
  const { main, home, other } = ledgers()
  home.sent(line('own'))
  other.sent(line('of another'))
  assert.deepEqual(main.buried(0, alive), { sent: 1, lost: 1 })
  assert.equal(other.takeBack().unseen.length, 1)
  assert.equal(main.unwritten, 0)
})

test('LogLedger counts lines of a dead worker with the logger that had them', () => {
  const { main, other } = ledgers()
  other.sent(line('a'))
  assert.deepEqual(main.buried(1, alive), { sent: 1, lost: 0 })
  const isAlive = (worker: number): boolean => worker !== 1
  assert.equal(main.buried(0, isAlive).lost, 1)
})

test('LogLedger counts lines that never left a worker, also when another is in its place', () => {
  const { memory, main, home, other } = ledgers()
  const sessions = ['a', 'b', 'never left', 'never left'].map((text) => other.sent(line(text)))
  home.taken(sessions[0]!)
  home.written(sessions[0]!)
  const { sent } = main.buried(1, alive)
  // Whoever takes its place goes on counting.
  const later = new LogLedger(memory, 1).sent(line('of the next'))
  const mailbox = new Mailbox()
  mailbox.push({ type: PTYPE.TEXT, source: 1, session: sessions[1]!, value: line('b') })
  mailbox.push({ type: PTYPE.TEXT, source: 1, session: later, value: line('of the next') })
  assert.equal(home.missing(1, sent, mailbox), 2)
  assert.equal(main.unwritten, 4)
  home.written(sessions[1]!)
  assert.equal(main.unwritten, 1)
  home.written(later)
  assert.equal(main.unwritten, 0)
})

test('LogLedger works across the wrap of its numbers', () => {
  const memory = LogLedger.memory(1)
  new Int32Array(memory).fill(0x7fffffff, 16, 18)
  const [main, home] = [new LogLedger(memory), new LogLedger(memory, 0)]
  home.settleHere()
  const sessions = ['a', 'b'].map((text) => home.sent(line(text)))
  assert.equal(main.unwritten, 2)
  for (const session of sessions) home.written(session)
  assert.equal(main.unwritten, 0)
})
