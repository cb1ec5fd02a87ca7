import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SPARE_BYTES_MAX, SPARE_BYTES_MIN } from './limits.ts'
import { SpareMemory } from './spare-memory.ts'

test('take() gives again what was given back, to who wants no less than a quarter of it', () => {
  const spare = new SpareMemory()
  const first = spare.take(8 * SPARE_BYTES_MIN)
  spare.give(first)
  assert.notEqual(spare.take(8 * SPARE_BYTES_MIN + 1).buffer, first.buffer)
  assert.notEqual(spare.take(2 * SPARE_BYTES_MIN - 1).buffer, first.buffer)
  const again = spare.take(2 * SPARE_BYTES_MIN)
  assert.equal(again.buffer, first.buffer)
  assert.equal(again.length, 2 * SPARE_BYTES_MIN)
  assert.notEqual(spare.take(2 * SPARE_BYTES_MIN).buffer, first.buffer)
  // All of it comes back.
  spare.give(again)
  assert.equal(spare.take(8 * SPARE_BYTES_MIN).buffer, first.buffer)
})

test('give() keeps nothing that take() has not given, that is small, or above the limit', () => {
  const spare = new SpareMemory()
  const large = Buffer.allocUnsafeSlow(2 * SPARE_BYTES_MIN)
  for (const part of [large, large.subarray(1), large.subarray(0, 10)]) spare.give(part)
  spare.give(spare.take(SPARE_BYTES_MIN - 1))
  assert.equal(spare.bytes, 0)
  const most = SPARE_BYTES_MAX - SPARE_BYTES_MIN
  const [least, over, rest] = [SPARE_BYTES_MIN, most + 1, most].map((each) => spare.take(each))
  spare.give(least!)
  spare.give(over!)
  assert.equal(spare.bytes, SPARE_BYTES_MIN)
  spare.give(rest!)
  assert.equal(spare.bytes, SPARE_BYTES_MAX)
})

test('what is given twice is kept once', () => {
  const spare = new SpareMemory()
  const memory = spare.take(SPARE_BYTES_MIN)
  spare.give(memory)
  spare.give(memory)
  assert.equal(spare.bytes, SPARE_BYTES_MIN)
})

test('tick() lets go of what was not wanted for three ticks', () => {
  const spare = new SpareMemory()
  const [first, second] = [spare.take(SPARE_BYTES_MIN), spare.take(SPARE_BYTES_MIN)]
  spare.give(first)
  for (let i = 0; i < 2; i++) spare.tick()
  // It was in use until now.
  spare.give(second)
  for (let i = 0; i < 2; i++) spare.tick()
  assert.equal(spare.bytes, 2 * SPARE_BYTES_MIN)
  spare.tick()
  assert.equal(spare.bytes, 0)
})
