import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PTYPE } from '../wire/ptype.ts'
import { BusyCells, BusyWatch, createBusyMemory } from './busy.ts'

const HERE = 1

function setUp() {
  const memory = createBusyMemory(3)
  return { cells: new BusyCells(memory, HERE), monitor: new BusyWatch(memory, 3) }
}

test('check reports a worker that is busy with the same message at two checks', () => {
  const { cells, monitor } = setUp()
  cells.enter()
  cells.trigger(0x0a, 0xff00000b, PTYPE.LUA, 7)
  assert.deepEqual(monitor.check(), [])
  const [stuck, ...others] = monitor.check()
  assert.deepEqual(others, [])
  assert.deepEqual(
    { ...stuck },
    {
      worker: HERE,
      source: 0x0a,
      destination: 0xff00000b,
      version: 1,
      text:
        'A message from [ :0000000a ] to [ :ff00000b ] maybe in an endless loop ' +
        '(version = 1, LUA, session 7)',
    },
  )
  assert.equal(monitor.check().length, 1, 'as long as it lasts')
  assert.equal(monitor.isStill(stuck!), true)
  cells.trigger(0x0a, 0xff00000b, PTYPE.LUA, 8)
  assert.equal(monitor.isStill(stuck!), false, 'it has come back')
})

test('tasks of one service without end are one that does not come back', () => {
  const { cells, monitor } = setUp()
  const looks = (handle: number): number[] =>
    Array.from({ length: 3 }, () => {
      cells.task(handle)
      return monitor.check().length
    })
  cells.enter()
  assert.deepEqual(looks(0xff00000b), [0, 1, 1])
  // Another service, and the next batch, are progress.
  assert.deepEqual(looks(0x0c), [0, 1, 1])
  cells.leave()
  assert.deepEqual(looks(0x0c), [0, 1, 1])
  cells.trigger(0x0a, 0x0c, PTYPE.LUA, 7)
  assert.deepEqual(looks(0x0c), [0, 1, 1])
  assert.deepEqual(monitor.lastMessages(HERE), [
    ...['a task, from :00000000 to :ff00000b', 'a task, from :00000000 to :0000000c'],
    ...['LUA, session 7, from :0000000a to :0000000c', 'a task, from :00000000 to :0000000c'],
  ])
})

test('check waits for as many rounds as it is told, then tells again after as many', () => {
  const { cells, monitor } = setUp()
  cells.enter()
  const counts = () => Array.from({ length: 7 }, () => monitor.check(3).length)
  cells.trigger(1, 2)
  assert.deepEqual(counts(), [0, 0, 0, 1, 0, 0, 1])
  cells.trigger(1, 2)
  assert.deepEqual(counts(), [0, 0, 0, 1, 0, 0, 1])
})

test('check counts of a round what its caller says, of those alone that did not come back', () => {
  const { cells, monitor } = setUp()
  cells.enter()
  cells.trigger(1, 2)
  const shares = [1, 0.5, 0, 0.25, 1, 0.25, 1]
  const share = (worker: number): number => {
    assert.equal(worker, HERE)
    return shares.shift()!
  }
  const counts = Array.from({ length: 8 }, () => monitor.check(3, share).length)
  assert.deepEqual(counts, [0, 0, 0, 0, 0, 0, 1, 0])
  cells.trigger(1, 2)
  assert.equal(monitor.check(3, share).length, 0)
})

test('check says nothing of a worker that goes on, or that sleeps', () => {
  const { cells, monitor } = setUp()
  cells.enter()
  for (let i = 0; i < 3; i++) {
    cells.trigger(1, 2)
    assert.deepEqual(monitor.check(), [])
  }
  cells.leave()
  assert.deepEqual(monitor.check(), [])
  cells.idle()
  for (let i = 0; i < 3; i++) assert.deepEqual(monitor.check(), [])
})

test('check begins anew after a sleep, also with the same message count', () => {
  const { cells, monitor } = setUp()
  cells.enter()
  cells.trigger(1, 2)
  monitor.check()
  cells.idle()
  monitor.check()
  cells.enter()
  assert.deepEqual(monitor.check(), [])
  assert.equal(monitor.check().length, 1)
})

test('lastMessages tells the last 32 messages of a worker, the latest at the end', () => {
  const { cells, monitor } = setUp()
  assert.deepEqual(monitor.lastMessages(HERE), [])
  cells.trigger(1, 2, PTYPE.LUA, 3)
  cells.trigger(0, 0xff00000b)
  cells.leave()
  assert.deepEqual(monitor.lastMessages(HERE), [
    'LUA, session 3, from :00000001 to :00000002',
    'a task, from :00000000 to :ff00000b',
  ])
  for (let session = 1; session <= 33; session++) cells.trigger(1, 2, PTYPE.RESPONSE, session)
  const last = monitor.lastMessages(HERE)
  assert.equal(last.length, 32)
  assert.match(last[0]!, /^RESPONSE, session 2,/)
  assert.match(last[31]!, /^RESPONSE, session 33,/)
  assert.deepEqual(monitor.lastMessages(HERE + 1), [], 'it is of that worker alone')
})

test('check says of a task that it is one, and forget() makes a worker a new one', () => {
  const { cells, monitor } = setUp()
  cells.enter()
  cells.trigger(0, 2)
  monitor.check()
  assert.match(monitor.check()[0]!.text, /version = 1, a task\)$/)
  monitor.forget(HERE)
  for (let i = 0; i < 3; i++) assert.deepEqual(monitor.check(), [])
})
