import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../testing/timers.ts'
import { Budget, costOf } from './budget.ts'

/** How many pieces are done that take `ms` and cost `cost` each. */
function pieces(ms: number, cost = 1): number {
  const clock = new VirtualClock()
  const budget = new Budget(clock, 1000, 4)
  budget.begin(clock.now())
  let done = 0
  do {
    clock.move(ms)
    done++
  } while (budget.spend(cost))
  return done
}

test('Budget ends with its count when no time passes, whatever a piece costs', () => {
  assert.deepEqual([pieces(0), pieces(0, 10), pieces(0, 999), pieces(0, 5000)], [1000, 100, 2, 1])
})

test('Budget ends with its time, after one piece when that takes longer', () => {
  assert.equal(pieces(5000), 1)
  assert.equal(pieces(4), 1)
  assert.equal(pieces(3), 3)
  // Looks are after 1, 3, 7, 15 and 31 pieces, then after each 32.
  assert.equal(pieces(0.5), 15)
  assert.ok(pieces(0.01) < 450)
})

test('Budget that begins again has all of its count and time', () => {
  const clock = new VirtualClock()
  const budget = new Budget(clock, 10, 4)
  assert.equal(budget.left, 0)
  for (let turn = 0; turn < 3; turn++) {
    budget.begin(clock.now())
    assert.equal(budget.spend(9), true)
    clock.move(4)
    assert.equal(budget.spend(1), false)
  }
})

test('Budget looks at the clock no earlier than it is told to', () => {
  const clock = new VirtualClock()
  const budget = new Budget(clock, 1000, 4, 100)
  budget.begin(clock.now())
  clock.move(5)
  assert.equal(budget.spend(99), true)
  assert.equal(budget.spend(1), false)
})

test('costOf counts a piece, and its bytes', () => {
  assert.deepEqual([costOf(0), costOf(511), costOf(512), costOf(2 ** 28)], [1, 1, 2, 2 ** 19 + 1])
})
