/** What a thread that died in the middle of a change has left in the table of names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lock, unlock } from '../shm/lock.ts'
import { createHandleMemory, Handles } from './handles.ts'
import { createNameMemory, Names } from './names.ts'

const LOCK = 0
const HEADER_CELLS = 16
const SLOT_CELLS = 16
const DEAD = 2
const MAIN = 3

function setUp() {
  const handles = new Handles(createHandleMemory(1000), 0)
  const memory = createNameMemory()
  const cells = new Int32Array(memory)
  const names = new Names(memory, handles, 1)
  const main = new Names(memory, handles, MAIN)
  const count = 40
  const all = Array.from({ length: count }, (_, i) => {
    const handle = handles.register(i % 2)
    names.register(`.name-${i}`, handle)
    return handle
  })
  const used = (): number[] => {
    const slots: number[] = []
    for (let at = HEADER_CELLS; at < cells.length; at += SLOT_CELLS) {
      if (cells[at] !== 0) slots.push(at)
    }
    return slots
  }
  const check = (alive: (i: number) => boolean): void => {
    for (const [i, handle] of all.entries()) {
      assert.equal(names.query(`.name-${i}`), alive(i) ? handle : 0, `.name-${i}`)
      if (!alive(i)) assert.equal(handles.isNamed(handle), false, 'its id may be used again')
    }
    assert.equal(used().length, all.filter((_, i) => alive(i)).length)
    // The count is right, too: as many as there is room for.
    const { length } = used()
    const owner = handles.register(0)
    for (let i = length; i < 4096; i++) names.register(`.more-${i}`, owner)
    assert.throws(() => names.register('.one-too-many', owner), { code: 'ERR_NAME_LIMIT' })
  }
  return { handles, cells, names, main, all, used, check }
}

test('repair() frees the names of all services of a worker that died', () => {
  const { handles, main, check } = setUp()
  const { named } = handles.retireAll(1)
  assert.equal(main.repair(named, DEAD), true)
  check((i) => i % 2 === 0)
})

test('repair() takes the lock of the dead, and drops a name that was half written', () => {
  const { handles, cells, main, used, check } = setUp()
  lock(cells, LOCK, DEAD)
  const at = used().at(-1)! + SLOT_CELLS
  // A name of a living service: only its handle was there already.
  cells[at] = handles.register(0)
  assert.equal(main.repair([], DEAD), true)
  check(() => true)
})

test('repair() drops the double of a name that was being moved', () => {
  const { cells, main, used, check } = setUp()
  lock(cells, LOCK, DEAD)
  const free = used().find((at) => cells[at + SLOT_CELLS] === 0)! + SLOT_CELLS
  cells.copyWithin(free, used()[3]!, used()[3]! + SLOT_CELLS)
  assert.equal(main.repair([], DEAD), true)
  check(() => true)
})

test('repair() does not wait for a living thread', () => {
  const { cells, main } = setUp()
  lock(cells, LOCK, 1)
  assert.equal(main.repair([], DEAD), false)
  unlock(cells, LOCK)
  assert.equal(main.repair([], DEAD), true)
})
