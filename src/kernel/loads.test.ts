import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HANDLE_ID_MAX } from '../base/limits.ts'
import { Loads, workerAt } from './loads.ts'

test('least takes equal workers in turn, beginning with its own', () => {
  const loads = new Loads(Loads.memory(3), 1)
  assert.deepEqual([loads.workers, loads.least(), loads.least(), loads.least()], [3, 1, 2, 0])
})

test('least finds the worker with the fewest services, over all threads', () => {
  const memory = Loads.memory(3)
  const [here, there] = [new Loads(memory, 0), new Loads(memory, 2)]
  const places = [0, 0, 1, 2, 2].map((worker) => there.add(worker))
  assert.deepEqual([here.least(), there.least()], [1, 1])
  there.remove(places[3]!)
  there.remove(places[4]!)
  assert.equal(here.least(), 2)
  assert.deepEqual([here.of(0), here.of(1), here.of(2)], [2, 1, 0])
})

test('least spreads services that are counted at once', () => {
  const loads = new Loads(Loads.memory(4), 3)
  for (let i = 0; i < 40; i++) loads.add(loads.least())
  assert.deepEqual(
    [0, 1, 2, 3].map((worker) => loads.of(worker)),
    [10, 10, 10, 10],
  )
})

test('restart begins a worker anew: what was counted before is not taken from it', () => {
  const loads = new Loads(Loads.memory(2), 0)
  const before = loads.add(1)
  assert.equal(workerAt(before), 1)
  assert.equal(loads.restart(1), before)
  const after = loads.add(1)
  assert.notEqual(after, before)
  assert.equal(after, loads.placeOf(1))
  loads.remove(before)
  assert.equal(loads.of(1), 1, 'of the worker that is gone')
  loads.remove(after)
  loads.remove(after)
  assert.equal(loads.of(1), 0, 'never below 0')
  for (let i = 0; i < 127; i++) loads.restart(1)
  assert.equal(loads.placeOf(1), before, 'incarnations come round after 128')
})

// Proves: docs/node.md#death-descriptors
test('least passes over a worker that is closed, unless all are; restart opens it', () => {
  const loads = new Loads(Loads.memory(2), 0)
  for (let i = 0; i < 3; i++) loads.add(0)
  loads.close(1)
  assert.deepEqual([loads.least(), loads.least(), loads.of(1)], [0, 0, 0])
  loads.close(0)
  loads.add(0)
  assert.equal(loads.least(), 1)
  loads.open(0)
  loads.add(0)
  assert.deepEqual([loads.least(), loads.of(0)], [0, 2])
  loads.restart(1)
  assert.equal(loads.least(), 1)
})

test('close is the end of an incarnation, which has nothing, and of the next until open', () => {
  const loads = new Loads(Loads.memory(2), 0)
  const dead = loads.add(1)
  assert.equal(loads.isOpen(dead), true)
  loads.restart(1)
  const late = loads.add(1)
  assert.deepEqual([loads.isOpen(dead), loads.isOpen(late)], [false, true])
  assert.equal(loads.close(1), late)
  assert.equal(loads.of(1), 0)
  const refused = loads.add(1)
  assert.deepEqual([loads.isOpen(late), loads.isOpen(refused)], [false, false])
  loads.remove(refused)
  loads.open(1)
  assert.deepEqual([loads.isOpen(refused), loads.placeOf(1), loads.of(1)], [true, refused, 0])
})

test('a worker counts as many services as there are handles', () => {
  const memory = Loads.memory(1)
  const loads = new Loads(memory, 0)
  const place = loads.placeOf(0)
  new Int32Array(memory)[0] = HANDLE_ID_MAX - 1
  loads.add(0)
  assert.deepEqual(
    [loads.of(0), loads.placeOf(0), loads.isOpen(place)],
    [HANDLE_ID_MAX, place, true],
  )
})
