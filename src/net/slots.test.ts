import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SOCKETS_MAX } from '../base/limits.ts'
import { debtErrno, debtorOf, owe, SLOT, SLOTS_BYTES, Slots } from './slots.ts'
import { STATE } from './state.ts'

/** The first cell of the memory: the last id that was given out. */
const LAST_ID = 0

function newSlots(): Slots {
  return new Slots(new SharedArrayBuffer(SLOTS_BYTES))
}

test('reserve gives ids that go up, each in a slot of its own', () => {
  const slots = newSlots()
  const ids = Array.from({ length: 100 }, () => slots.reserve())
  assert.deepEqual(
    ids,
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  assert.equal(new Set(ids.map((id) => slots.at(id))).size, 100)
  assert.ok(ids.every((id) => slots.stateOf(id) === STATE.RESERVE))
  assert.equal(slots.countUsed(), 100)
})

// Proves: docs/limits.md#socket-slots
test('reserve says -1 when all slots are in use, and finds the one that is freed', () => {
  const slots = newSlots()
  for (let i = 0; i < SOCKETS_MAX; i++) assert.ok(slots.reserve() > 0)
  assert.equal(slots.reserve(), -1)
  slots.free(slots.at(4242))
  const id = slots.reserve()
  assert.deepEqual([id % SOCKETS_MAX, id > SOCKETS_MAX], [4242, true])
  assert.equal(slots.at(id), slots.at(4242))
  assert.equal(slots.stateOf(4242), STATE.INVALID, 'the old id is stale')
  assert.equal(slots.stateOf(id), STATE.RESERVE)
  assert.equal(slots.reserve(), -1, 'full again')
})

test('a full table is refused without a walk over it: no id is spent', () => {
  const slots = newSlots()
  for (let i = 0; i < SOCKETS_MAX; i++) slots.reserve()
  assert.equal(slots.reserve(), -1)
  assert.equal(slots.cells[LAST_ID], SOCKETS_MAX)
})

test('reserve wraps from 2^31-1 to 1, never to 0 or below', () => {
  const slots = newSlots()
  slots.cells[LAST_ID] = 0x7ffffffe
  assert.deepEqual([slots.reserve(), slots.reserve(), slots.reserve()], [0x7fffffff, 1, 2])
})

test('a slot that is being reserved says INVALID to a stale id', () => {
  const slots = newSlots()
  const id = slots.reserve()
  slots.free(slots.at(id))
  // Another thread is between its two steps: the state is taken, the id is not written yet.
  slots.cells[slots.at(id) + SLOT.state] = STATE.RESERVE
  assert.equal(slots.stateOf(id), STATE.INVALID)
})

test('queuedOf is 0 for a socket that is gone', () => {
  const slots = newSlots()
  const id = slots.reserve()
  slots.cells[slots.at(id) + SLOT.queued] = 5
  assert.equal(slots.queuedOf(id), 5)
  slots.free(slots.at(id))
  assert.equal(slots.queuedOf(id), 0)
})

test('owe tells who owes the rest and why its write failed', () => {
  for (const thread of [0, 1, 1024]) {
    for (const errno of [0, -1, -104, -4095]) {
      assert.deepEqual(
        [debtorOf(owe(thread, errno)), debtErrno(owe(thread, errno))],
        [thread, errno],
      )
    }
  }
  assert.deepEqual([debtorOf(0), debtErrno(0)], [-1, 0])
})

test('inheritTokens gives back the tokens of a dead thread, which owes a rest from then on', () => {
  const slots = newSlots()
  const [dead, other, indebted] = [slots.reserve(), slots.reserve(), slots.reserve()]
  const cell = (id: number, name: 'token' | 'remainder') => slots.cells[slots.at(id) + SLOT[name]]
  slots.cells[slots.at(dead) + SLOT.token] = 1 + 1
  slots.cells[slots.at(other) + SLOT.token] = 2 + 1
  slots.cells[slots.at(indebted) + SLOT.token] = 1 + 1
  slots.cells[slots.at(indebted) + SLOT.remainder] = owe(1, -32)
  slots.inheritTokens(1, 7)
  assert.deepEqual([cell(dead, 'token'), cell(dead, 'remainder')], [0, owe(1, 0)])
  assert.deepEqual([cell(other, 'token'), cell(other, 'remainder')], [3, 0])
  assert.deepEqual([cell(indebted, 'token'), cell(indebted, 'remainder')], [0, owe(1, -32)])
})

test('reserve leaves out a slot whose counts were never settled', () => {
  const slots = newSlots()
  for (let i = 0; i < SOCKETS_MAX; i++) slots.reserve()
  slots.cells[slots.at(77) + SLOT.pending] = 1
  slots.free(slots.at(77))
  assert.equal(slots.reserve(), -1)
  slots.cells[slots.at(77) + SLOT.pending] = 0
  assert.equal(slots.reserve() % SOCKETS_MAX, 77)
})
