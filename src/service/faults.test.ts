import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Faults } from './faults.ts'

function host() {
  const said: string[] = []
  const timers: { readonly ms: number; readonly task: () => void }[] = []
  const faults = new Faults({
    say: (text) => said.push(text),
    after: (ms, task) => {
      const timer = { ms, task }
      timers.push(timer)
      return { cancel: () => void timers.splice(timers.indexOf(timer), 1) }
    },
  })
  const come = (text: string, times: number): boolean[] =>
    Array.from({ length: times }, () => faults.isNews(text))
  return { faults, said, timers, come }
}

// Proves: docs/semantics.md#fault-repeated
test('Faults tells the first of a kind as they are, then how many more, ever more seldom', () => {
  const { said, timers, come } = host()
  assert.deepEqual(come('timeout: Error: x\n    at tick', 5), [true, true, true, false, false])
  assert.deepEqual(said, [])
  timers.shift()!.task()
  assert.deepEqual(said, ['2 times more: timeout: Error: x'])
  const waits: number[] = []
  for (let i = 0; i < 8; i++) {
    come('timeout: Error: x\n    at tick', 1)
    const { ms, task } = timers.shift()!
    waits.push(ms)
    task()
  }
  assert.deepEqual(waits, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  assert.equal(said.length, 9)
})

test('Faults begins anew with a kind that has not come for a while', () => {
  const { said, timers, come } = host()
  come('x', 1)
  timers.shift()!.task()
  assert.deepEqual(timers, [])
  assert.deepEqual(come('x', 4), [true, true, true, false])
  assert.deepEqual(said, [])
})

// Proves: docs/semantics.md#fault-repeated
// Proves: docs/limits.md#faults
test('Faults tells sixteen kinds apart; what comes besides is one kind, whatever it says', () => {
  const { faults, said, timers, come } = host()
  come('first', 5)
  for (let i = 0; i < 15; i++) assert.deepEqual(come(`kind ${i}`, 1), [true])
  assert.deepEqual(come('first', 1), [false])
  const others = Array.from({ length: 1000 }, (_, i) => come(`at byte ${i}: no\n  at x`, 1)[0])
  assert.deepEqual(others.filter(Boolean).length, 3)
  assert.equal(timers.length, 17, 'no timer is kept of the others')
  assert.deepEqual(said, [])
  // A second later: kinds that came once are forgotten, and told when they come again.
  for (const { task } of timers.splice(0)) task()
  assert.deepEqual(said, ['3 times more: first', '997 others more, as: at byte 999: no'])
  assert.deepEqual(come('kind 3', 1), [true])
  faults.end()
  assert.equal(said.length, 2)
  assert.equal(timers.length, 0)
})
