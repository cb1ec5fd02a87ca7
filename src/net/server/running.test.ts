import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STOP_MS_MIN } from '../../base/limits.ts'
import { Running } from './running.ts'

const setup = () => {
  const clock = { at: 1000, now: () => clock.at }
  return { clock, running: new Running(clock) }
}

test('Running takes for a stop what is neither a short work nor a sleep, and nothing less', () => {
  const { clock, running } = setup()
  clock.at += STOP_MS_MIN - 1
  assert.equal(running.now(), clock.at)
  assert.equal(running.forMs, Number.POSITIVE_INFINITY)
  clock.at += 100 + STOP_MS_MIN - 1
  running.now(100)
  assert.equal(running.forMs, Number.POSITIVE_INFINITY)
  clock.at += 100 + STOP_MS_MIN
  running.now(100)
  assert.equal(running.forMs, 0)
  clock.at += 20
  running.now()
  assert.equal(running.forMs, 20)
})

test('Running takes for no stop what passes in a sleep without end', () => {
  const { clock, running } = setup()
  clock.at += 1e9
  running.now(Number.POSITIVE_INFINITY)
  assert.equal(running.forMs, Number.POSITIVE_INFINITY)
})

test('Running has a time begin anew where the process went on, if that is later', () => {
  const { clock, running } = setup()
  const end = clock.at + 500
  assert.equal(running.endOf(end, 500), end)
  clock.at += 10_000
  running.now()
  assert.equal(running.endOf(end, 500), clock.at + 500)
  assert.equal(running.endOf(clock.at + 600, 500), clock.at + 600)
})

test('Running lets no sleep be so long that a stop could hide in it', () => {
  const { running } = setup()
  assert.equal(running.sleepMs(3), 3)
  assert.equal(running.sleepMs(60_000), STOP_MS_MIN)
})
