import assert from 'node:assert/strict'
import { platform } from 'node:process'
import { test } from 'node:test'
import { ownThreadId } from '../thread-id.ts'
import { heldShare, type Turns, turnsOf } from './turns.ts'

const BEFORE: Turns = { ranMs: 1000, waitedMs: 500, isRunnable: true }
const share = (elapsedMs: number, ranMs: number, waitedMs: number, isRunnable = true): number =>
  heldShare(500, elapsedMs, BEFORE, {
    ranMs: 1000 + ranMs,
    waitedMs: 500 + waitedMs,
    isRunnable,
  })

test('heldShare() counts what a thread ran, and what it spent in system calls', () => {
  assert.equal(share(500, 500, 0), 1)
  assert.equal(share(500, 0, 0, false), 1, 'a system call')
  assert.equal(share(500, 250, 0, false), 1, 'both')
  assert.equal(share(500, 490, 0), 1, 'what it runs now is not counted yet')
  assert.equal(share(520, 520, 0), 1, 'never more than the period')
})

test('heldShare() does not count what a thread waited for a core', () => {
  assert.equal(share(500, 125, 375), 0.25)
  assert.equal(share(500, 0, 0), 0, 'it still waits')
  assert.equal(share(500, 50, 0), 0.1, 'it ran, and waits again')
  assert.equal(share(500, 50, 200), 0.1, 'it waited, ran, and waits again')
  assert.equal(share(500, 489, 0), 0.978, 'more than a tick is missing')
  assert.equal(share(500, 1, 2000), 0, 'the wait began before')
})

test('heldShare() counts of a look that is late only what the thread ran', () => {
  assert.equal(share(3_600_000, 0, 0, false), 0)
  assert.equal(share(3_600_000, 125, 0), 0.25)
  assert.equal(share(3_600_000, 3_600_000, 0), 1)
  assert.equal(heldShare(500, 3_600_000, undefined, undefined), 0)
})

test('heldShare() counts all where the system does not tell', () => {
  assert.equal(heldShare(500, 500, undefined, BEFORE), 1)
  assert.equal(heldShare(500, 500, BEFORE, undefined), 1)
})

test('turnsOf() tells how a thread of Linux ran', () => {
  assert.equal(turnsOf(0), undefined)
  assert.equal(turnsOf(0x7fffffff), undefined, 'no such thread')
  const found = turnsOf(ownThreadId())
  if (platform !== 'linux') assert.equal(found, undefined)
  // Some kernels do not count.
  else if (found !== undefined) assert.ok(found.ranMs > 0 && found.isRunnable)
})
