import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Spread } from './spread.ts'

test('at() is within a step of the truth', () => {
  const spread = new Spread()
  for (let ms = 1; ms <= 1000; ms++) spread.add(ms)
  for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
    const ms = spread.at(share)
    assert.ok(ms >= share * 1000 && ms <= share * 1000 * 1.021, `${share}: ${ms}`)
  }
  assert.deepEqual([spread.count, spread.maxMs], [1000, 1000])
})

test('at() is never more than the longest, and takes what took no time', () => {
  const spread = new Spread()
  assert.equal(spread.at(0.99), 0)
  spread.add(0)
  assert.equal(spread.at(0.5), 0)
  spread.add(7.3)
  assert.equal(spread.at(1), 7.3)
})
