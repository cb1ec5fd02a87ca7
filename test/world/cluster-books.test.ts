/** The judge of the tests of clusters finds what is wrong, each kind of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  type Book,
  type CallEntry,
  type Harm,
  judge,
  type NodeEntry,
  type WatchEntry,
} from '../support/cluster-books.ts'

type Ran = Readonly<Record<string, readonly string[]>>

interface Case {
  readonly call?: Partial<CallEntry>
  readonly more?: readonly Partial<CallEntry>[]
  readonly sends?: Readonly<Record<string, number>>
  readonly nodes?: readonly NodeEntry[]
  readonly watches?: readonly WatchEntry[]
  /** By process, what it has written down. */
  readonly ran?: Ran
  readonly ledger?: readonly string[]
  readonly harms?: readonly Harm[]
}

const DONE: Ran = { 'b.2': ['call a.1:0'] }
const KILLED: Harm = { node: 'b', pid: 2, what: 'kill', from: 1, to: Number.POSITIVE_INFINITY }
const BLINK: Harm = { node: 'b', pid: 2, what: 'blink', from: 1, to: 501 }
const DOWN: NodeEntry = { at: 9, state: 'down', node: 'b', epoch: 7 }

const ENTRY: CallEntry = {
  id: 'a.1:0',
  what: 'work',
  to: 'b',
  begunAt: 2,
  endedAt: 3,
  timeoutMs: 10,
  outcome: 'ok',
}

function faultsOf(t: TestContext, given: Case): readonly string[] {
  const {
    call,
    more = [],
    sends = {},
    nodes = [],
    watches = [],
    ran = DONE,
    ledger,
    harms = [],
  } = given
  const folder = mkdtempSync(join(tmpdir(), 'skynet-books-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, lines] of Object.entries(ran)) {
    writeFileSync(join(folder, `${name}.ran`), `${lines.join('\n')}\n`)
  }
  if (ledger !== undefined) writeFileSync(join(folder, 'ledger'), ledger.join('\n'))
  const calls = [call ?? {}, ...more].map((each) => ({ ...ENTRY, ...each }))
  const book: Book & { pid: number } = { node: 'a', pid: 1, calls, sends, nodes, watches }
  return judge(folder, [book], harms).faults
}

const LOST = { outcome: 'ERR_NODE_LOST', sent: 'maybe' } as const

test('what may be is no fault', (t) => {
  assert.deepEqual(faultsOf(t, {}), [])
  for (const sent of ['no', 'maybe'] as const) {
    assert.deepEqual(faultsOf(t, { call: { ...LOST, sent }, ran: {}, harms: [KILLED] }), [])
  }
  assert.deepEqual(faultsOf(t, { call: LOST, harms: [KILLED], nodes: [DOWN] }), [])
  assert.deepEqual(faultsOf(t, { harms: [{ ...BLINK, to: 5001 }], nodes: [DOWN] }), [])
  const ran = { 'b.2': [...DONE['b.2']!, 'send a.1 1', 'send a.1 2'] }
  assert.deepEqual(faultsOf(t, { sends: { b: 2 }, ran }), [])
})

const FAULTS: Readonly<Record<string, readonly [Case, RegExp]>> = {
  'a call that has not ended': [{ call: { outcome: 'open' } }, /has not ended/],
  'an answer without a run': [{ ran: {} }, /was answered and has not run/],
  'two runs': [{ ran: { 'b.2': [...DONE['b.2']!, ...DONE['b.2']!] } }, /ran 2 times/],
  'a run of what was not sent': [
    { call: { ...LOST, sent: 'no' }, harms: [KILLED] },
    /was not sent, and it ran/,
  ],
  'no word of whether it was sent': [
    { call: { ...LOST, sent: undefined }, harms: [KILLED] },
    /does not say whether/,
  ],
  'an error without a code': [
    { call: { outcome: 'Error: oh' }, harms: [KILLED] },
    /ended with Error: oh/,
  ],
  'a failure between those that nothing was done to': [{ call: LOST }, /though nothing was done/],
  'a death of somebody healthy': [{ nodes: [DOWN] }, /to which nothing was done/],
  'a death of who was cut off for a moment': [
    { nodes: [DOWN], harms: [BLINK] },
    /to which nothing was done/,
  ],
  'a death that is told twice': [{ nodes: [DOWN, DOWN], harms: [KILLED] }, /told 2 times/],
  'an end that nobody was told of': [
    { watches: [{ way: 'name', by: 'a.1', to: 'b', reason: 'open' }] },
    /a.1 waits for the end of a name of b/,
  ],
  'a lost message': [
    { sends: { b: 2 }, ran: { 'b.2': [...DONE['b.2']!, 'send a.1 1'] } },
    /got 1 of the 2 messages/,
  ],
  'messages out of order': [
    { sends: { b: 2 }, ran: { 'b.2': [...DONE['b.2']!, 'send a.1 2', 'send a.1 1'] } },
    /got 1 of a.1 after 2/,
  ],
}

const FIRST = { id: 'x', what: 'ledger', token: [1, 2] } as const
const SECOND = { id: 'y', what: 'ledger', token: [1, 3], endedAt: 4 } as const

test('owners that follow each other are no fault', (t) => {
  const ledger = ['x 1.2 a', 'y 1.3 b', 'z 2.1 c']
  assert.deepEqual(faultsOf(t, { more: [FIRST, SECOND], ledger }), [])
})

test('an owner that acts after a later one is a fault, and an answer of it another', (t) => {
  const ledger = ['y 1.3 b', 'x 1.2 a']
  const faults = faultsOf(t, { more: [{ ...FIRST, endedAt: 5 }, SECOND], ledger })
  assert.match(faults[0]!, /took 1,2 after 1,3/)
  assert.match(faults[1]!, /owner 1,2 of the ledger has acted after 1,3/)
})

for (const [what, [given, expected]] of Object.entries(FAULTS)) {
  test(`${what} is a fault`, (t) => {
    assert.match(faultsOf(t, given)[0] ?? '', expected)
  })
}

test('what is late is told, but of whom was held', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-books-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const call: CallEntry = { ...ENTRY, what: 'query', begunAt: 0, endedAt: 110 }
  const book = { node: 'a', pid: 1, calls: [call], sends: {}, nodes: [], watches: [] }
  const stop: Harm = { node: 'a', pid: 1, what: 'stop', from: 0, to: 100 }
  assert.equal(judge(folder, [book], []).lateMs, 100)
  assert.equal(judge(folder, [book], [stop]).lateMs, 0)
})
