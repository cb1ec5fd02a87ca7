import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimer } from '../testing/timers.ts'
import { Timer } from './timer.ts'
import { NO_TIMER } from './timers.ts'
import { Wheel } from './wheel.ts'

function setUp() {
  const wheel = new Wheel(0, (error) => assert.fail(String(error)))
  const fired: string[] = []
  const set = (dueMs: number, name: string): Timer => setTimer(wheel, dueMs, () => fired.push(name))
  return { wheel, fired, set }
}

test('Timer that is armed is pending, and cancelled once', () => {
  const { wheel, fired, set } = setUp()
  const timer = set(10, 'timer')
  assert.equal(timer.pending, true)
  timer.cancel()
  timer.cancel()
  assert.deepEqual([timer.pending, wheel.size], [false, 0])
  wheel.advance(10)
  assert.deepEqual(fired, [])
})

// Proves: docs/semantics.md#timer-cancel
test('Timer that is due but waits for its turn can be cancelled', () => {
  const { wheel, fired, set } = setUp()
  const timers = ['a', 'b', 'c', 'd'].map((name) => set(10, name))
  wheel.advance(10, (count) => count < 1)
  assert.deepEqual(
    timers.map(({ pending }) => pending),
    [false, true, true, true],
  )
  timers[1]!.cancel()
  // One that fires first cancels one of the same tick behind it.
  setTimer(wheel, 0, () => timers[3]!.cancel())
  timers[2]!.cancel()
  wheel.advance(10)
  assert.deepEqual([fired, wheel.size], [['a', 'd'], 0])
})

// Proves: docs/semantics.md#timer-cancel
test('Timer that runs is over: to cancel it then touches no other', () => {
  const { wheel, fired, set } = setUp()
  const timer = setTimer(wheel, 10, () => {
    assert.equal(timer.pending, false)
    // Takes the same record again.
    const next = set(20, 'next')
    timer.cancel()
    assert.deepEqual([timer.pending, next.pending], [false, true])
  })
  wheel.advance(10)
  timer.cancel()
  wheel.advance(20)
  assert.deepEqual(fired, ['next'])
})

test('Timer that has fired cancels no other that has its place now', () => {
  const { wheel, fired, set } = setUp()
  for (let round = 1; round <= 100; round++) {
    const old = set(round, 'old')
    wheel.advance(round)
    const young = set(round + 1, 'young')
    old.cancel()
    assert.deepEqual([old.pending, young.pending], [false, true])
    wheel.advance(round + 1)
  }
  assert.equal(fired.length, 200)
})

test('Timer is cancelled at the end of a block that uses it', () => {
  const { wheel, fired, set } = setUp()
  {
    using timer = set(10, 'used')
    assert.equal(timer.pending, true)
  }
  wheel.advance(10)
  assert.deepEqual(fired, [])
})

test('Timer that never was is not pending, and harmless', () => {
  const { wheel, set } = setUp()
  set(10, 'other')
  const timer = new Timer(wheel.timers, NO_TIMER)
  assert.equal(timer.pending, false)
  timer.cancel()
  assert.equal(wheel.size, 1)
})
