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
test('Faults remembers a bounded number of kinds, and loses no count', () => {
  const { faults, said, timers, come } = host()
  come('first', 5)
  for (let i = 0; i < 100; i++) assert.deepEqual(come(`kind ${i}`, 1), [true])
  assert.deepEqual(said, ['2 times more: first'])
  assert.equal(timers.length, 16, 'no timer is kept of the others')
  come('last', 4)
  faults.end()
  assert.deepEqual(said.slice(1), ['1 times more: last'])
  assert.equal(timers.length, 0)
})
