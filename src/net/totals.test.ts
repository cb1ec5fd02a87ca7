import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLOT, SLOTS_BYTES, Slots } from './slots.ts'
import { STATE } from './state.ts'
import { TOTAL, Totals } from './totals.ts'

const THREADS = 3
/** Each row of `TOTAL`. */
const NO_COUNTS = {
  accepted: 0,
  refused: 0,
  opened: 0,
  closed: 0,
  received: 0,
  sent: 0,
  calls: 0,
  waits: 0,
  wakes: 0,
  events: 0,
}
const setUp = (): { totals: Totals; slots: Slots; memory: SharedArrayBuffer } => {
  const slots = new Slots(new SharedArrayBuffer(SLOTS_BYTES))
  const memory = Totals.memory(THREADS)
  return { totals: new Totals(memory, slots), slots, memory }
}

test('read() of a node that has done nothing is all zero, with every state', () => {
  const { queued, states, ...counts } = setUp().totals.read()
  assert.deepEqual(counts, NO_COUNTS)
  assert.equal(queued, 0)
  const names = Object.keys(STATE).filter((name) => name !== 'INVALID')
  assert.deepEqual(states, Object.fromEntries(names.map((name) => [name, 0])))
})

test('read() adds up the rows of all threads, each number for itself', () => {
  const { totals } = setUp()
  const fields = Object.entries(TOTAL).filter(([name]) => name !== 'CELLS' && name !== 'unused')
  for (let thread = 0; thread < THREADS; thread++) {
    const row = totals.row(thread)
    for (const [, field] of fields) row.add(field, 10 ** thread * (field + 1))
  }
  const { queued, states, ...counts } = totals.read()
  assert.deepEqual(counts, Object.fromEntries(fields.map(([name, at]) => [name, 111 * (at + 1)])))
})

test('a row counts beyond 32 bits, and set() replaces', () => {
  const { totals } = setUp()
  totals.row(0).add(TOTAL.received, 2 ** 40)
  totals.row(1).add(TOTAL.received, 1)
  assert.equal(totals.read().received, 2 ** 40 + 1)
  for (const calls of [5, 7]) totals.row(2).set(TOTAL.calls, calls)
  assert.equal(totals.read().calls, 7)
})

test('a wait without events is a wait and no wake, one that failed too', () => {
  const { totals } = setUp()
  for (const events of [0, 3, -22, 1]) totals.row(2).waited(events)
  const { waits, wakes, events } = totals.read()
  assert.deepEqual({ waits, wakes, events }, { waits: 4, wakes: 2, events: 4 })
})

test('read() counts the sockets there are by state, and what they have queued', () => {
  const { totals, slots } = setUp()
  const wanted = { ...totals.read().states }
  const names = Object.keys(wanted) as (keyof typeof wanted)[]
  for (const [index, name] of names.entries()) {
    for (let count = 0; count <= index; count++) {
      const at = slots.at(slots.reserve())
      slots.cells[at + SLOT.state] = STATE[name]
      slots.cells[at + SLOT.queued] = 100
      wanted[name]++
    }
  }
  const free = slots.at(slots.reserve())
  slots.cells[free + SLOT.state] = STATE.INVALID
  slots.cells[free + SLOT.queued] = 100
  assert.deepEqual(totals.read().states, wanted)
  const used = (names.length * (names.length + 1)) / 2
  assert.equal(totals.read().queued, used * 100)
})
