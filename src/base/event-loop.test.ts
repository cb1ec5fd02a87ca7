import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isoTime, wallNow } from './event-loop.ts'

test('wallNow() is real time, also while a test mocks Date', (t) => {
  const before = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now: 0 })
  assert.equal(Date.now(), 0)
  assert.ok(wallNow() >= before)
  assert.ok(isoTime() >= '2025')
})
