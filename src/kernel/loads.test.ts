import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Loads } from './loads.ts'

test('least takes equal workers in turn, beginning with its own', () => {
  const loads = new Loads(Loads.memory(3), 1)
  assert.deepEqual([loads.workers, loads.least(), loads.least(), loads.least()], [3, 1, 2, 0])
})

test('least finds the worker with the fewest services, over all threads', () => {
  const memory = Loads.memory(3)
  const [here, there] = [new Loads(memory, 0), new Loads(memory, 2)]
  for (const worker of [0, 0, 1, 2, 2]) there.add(worker)
  assert.deepEqual([here.least(), there.least()], [1, 1])
  there.remove(2)
  there.remove(2)
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
