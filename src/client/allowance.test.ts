import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Allowance } from './allowance.ts'

test('so many are said at once, and so many a second after that', () => {
  const allowance = new Allowance(3, 125, 0)
  for (let i = 0; i < 3; i++) {
    assert.equal(allowance.waitMs(0), 0)
    allowance.take(1)
  }
  assert.equal(allowance.waitMs(0), 8)
  assert.equal(allowance.waitMs(7), 1)
  assert.equal(allowance.waitMs(8), 0)
  allowance.take(4)
  assert.equal(allowance.waitMs(8), 32)
  assert.equal(allowance.waitMs(1_000_000), 0)
  allowance.take(3)
  assert.equal(allowance.waitMs(1_000_000), 8, 'a rest fills it, and no more')
})

/** A network that holds up: the wait before each request, and how long it is under way. */
const journeys = fc.array(fc.record({ restMs: fc.nat(300), wayMs: fc.nat(3000) }), {
  minLength: 50,
  maxLength: 300,
})

// Proves: docs/session-protocol.md#rate
test('a window beyond the rate is enough, however unevenly the network carries requests', () => {
  const isTaken = (rate: number, window: number, more: number, all: typeof example): boolean => {
    // As the core of clients does: clocks differ, and what is added up in parts is rounded.
    const client = new Allowance(rate, 0.95 * rate, 0)
    const gate = new Allowance(rate + more, rate, 0)
    const open: number[] = []
    let now = 0
    let last = 0
    for (const { restMs, wayMs } of all) {
      now += restMs
      now += client.waitMs(now)
      // One whose window is full waits for the oldest one, which is answered when it arrives.
      if (open.length === window) now = Math.max(now, open.shift()!)
      client.waitMs(now)
      client.take(1)
      last = Math.max(last, now + wayMs)
      open.push(last)
      if (gate.waitMs(last) > 0) return false
      gate.take(1)
    }
    return true
  }
  const example: { restMs: number; wayMs: number }[] = []
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 16 }),
      journeys,
      (r, w, j) => isTaken(r, w, w, j),
    ),
  )
  // Without it the network alone can have a client sent away.
  const stalled = Array.from({ length: 12 }, (_, i) => ({ restMs: 150, wayMs: i < 10 ? 3000 : 0 }))
  assert.equal(isTaken(4, 16, 0, stalled), false)
  assert.equal(isTaken(4, 16, 16, stalled), true)
})
