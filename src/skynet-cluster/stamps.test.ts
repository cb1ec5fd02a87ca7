import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stamps } from './stamps.ts'

test('next() is later than all before, of other instances too', () => {
  const stamps = new Stamps()
  let last = 0
  for (let i = 0; i < 1000; i++) {
    const next = stamps.next()
    assert.ok(next > last)
    last = next
  }
  stamps.seen(last + 60_000)
  assert.ok(stamps.next() > last + 60_000)
  stamps.seen(1)
  assert.ok(stamps.next() > last + 60_000)
})
