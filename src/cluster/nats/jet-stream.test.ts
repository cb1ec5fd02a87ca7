import assert from 'node:assert/strict'
import { test } from 'node:test'
import { microseconds } from './jet-stream.ts'

test('microseconds() reads what a Date does not hold', () => {
  const whole = Date.UTC(2026, 10, 30, 2, 57, 27) * 1000
  assert.equal(microseconds('2026-11-30T02:57:27.123456789Z'), whole + 123_456)
  assert.equal(microseconds('2026-11-30T02:57:27.1Z'), whole + 100_000)
  assert.equal(microseconds('2026-11-30T02:57:27Z'), whole)
  assert.ok(Number.isSafeInteger(microseconds('2199-12-31T23:59:59.999999999Z')))
})
