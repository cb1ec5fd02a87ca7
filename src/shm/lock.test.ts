import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { inherit, lock, tryLock, unlock } from './lock.ts'

const LOCK = 0
const COUNTER = 1
/** While it is 1, workers that have the lock keep it. */
const HOLD = 2
const SLEEPING = 1 << 30

interface Job {
  readonly cells: Int32Array
  readonly holder: number
  readonly rounds: number
}

function start(job: Job): Promise<unknown> {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job })
  return once(worker, 'exit')
}

const newCells = (): Int32Array => new Int32Array(new SharedArrayBuffer(12))

if (isMainThread) {
  test('tryLock of a free lock takes it and says who holds it', () => {
    const cells = newCells()
    assert.equal(tryLock(cells, LOCK, 7), true)
    assert.equal(cells[LOCK], 7)
    assert.equal(tryLock(cells, LOCK, 8), false)
    unlock(cells, LOCK)
    assert.equal(cells[LOCK], 0)
    assert.equal(tryLock(cells, LOCK, 8), true)
  })

  test('lock asserts on a second time from one thread, unlock on a free lock', () => {
    const cells = newCells()
    assert.throws(() => unlock(cells, LOCK), assert.AssertionError)
    lock(cells, LOCK, 1)
    assert.throws(() => lock(cells, LOCK, 1), assert.AssertionError)
    assert.throws(() => tryLock(cells, LOCK, 0), assert.AssertionError)
    assert.throws(() => tryLock(cells, LOCK, 1 << 20), assert.AssertionError)
  })

  test('inherit takes the lock of a thread that has ended, and only of that one', () => {
    const cells = newCells()
    assert.equal(inherit(cells, LOCK, 7, 9), false)
    lock(cells, LOCK, 7)
    assert.equal(inherit(cells, LOCK, 8, 9), false)
    assert.equal(inherit(cells, LOCK, 7, 9), true)
    assert.equal(cells[LOCK], 9 | SLEEPING, 'whoever sleeps on it is woken by its end')
    assert.equal(inherit(cells, LOCK, 7, 9), false)
    unlock(cells, LOCK)
    assert.equal(tryLock(cells, LOCK, 7), true)
    cells[LOCK] = 7 | SLEEPING
    assert.equal(inherit(cells, LOCK, 7, 9), true)
  })

  test('unlock notifies only when somebody sleeps', (t) => {
    const cells = newCells()
    const notify = t.mock.method(Atomics, 'notify')
    lock(cells, LOCK, 3)
    unlock(cells, LOCK)
    assert.equal(notify.mock.callCount(), 0)
    cells[LOCK] = 3 | SLEEPING
    unlock(cells, LOCK)
    assert.deepEqual(notify.mock.calls[0].arguments, [cells, LOCK, 1])
  })

  test('unlock wakes a thread that sleeps, and the cell shows that it did', async () => {
    const cells = newCells()
    lock(cells, LOCK, 1)
    const done = start({ cells, holder: 2, rounds: 1 })
    while (Atomics.load(cells, LOCK) !== (1 | SLEEPING)) await new Promise(setImmediate)
    assert.equal(Atomics.load(cells, COUNTER), 0)
    unlock(cells, LOCK)
    await done
    assert.equal(cells[COUNTER], 1)
    assert.equal(cells[LOCK], 0)
  })

  test('lock after a sleep keeps the sleep bit, for the others that sleep', async () => {
    const cells = newCells()
    cells[HOLD] = 1
    lock(cells, LOCK, 1)
    const done = start({ cells, holder: 2, rounds: 1 })
    while (Atomics.load(cells, LOCK) !== (1 | SLEEPING)) await new Promise(setImmediate)
    unlock(cells, LOCK)
    while (Atomics.load(cells, LOCK) === 0) await new Promise(setImmediate)
    const seen = Atomics.load(cells, LOCK)
    Atomics.store(cells, HOLD, 0)
    await done
    assert.equal(seen, 2 | SLEEPING)
  })

  test('four threads under the lock lose no plain increment', async () => {
    const cells = newCells()
    const rounds = 5000
    const holders = [1, 2, 3, 4]
    await Promise.all(holders.map((holder) => start({ cells, holder, rounds })))
    assert.equal(cells[COUNTER], holders.length * rounds)
    assert.equal(cells[LOCK], 0)
  })
} else {
  const { cells, holder, rounds } = workerData as Job
  for (let i = 0; i < rounds; i++) {
    lock(cells, LOCK, holder)
    // Read, dawdle, write: without the lock this loses counts.
    const was = cells[COUNTER]
    for (let spin = 0; spin < 20; spin++) Atomics.load(cells, LOCK)
    assert.equal(Atomics.load(cells, LOCK) & ~SLEEPING, holder)
    cells[COUNTER] = was + 1
    while (Atomics.load(cells, HOLD) === 1);
    unlock(cells, LOCK)
  }
}
