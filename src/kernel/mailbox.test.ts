import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAILBOX_WARNING } from '../base/limits.ts'
import { Mailbox } from './mailbox.ts'

let now = 0
const CLOCK = { now: () => now }
const MESSAGE = { type: 10, source: 1, session: 0, value: undefined }

function fill(mailbox: Mailbox, length: number): void {
  while (mailbox.length < length) mailbox.push(MESSAGE)
}

/** Take messages as the scheduler does, down to `length`. Returns the warnings. */
function take(mailbox: Mailbox, length: number): number[] {
  const warnings: number[] = []
  while (mailbox.length > length) {
    const overload = mailbox.overload(CLOCK)
    if (overload > 0) warnings.push(overload)
    mailbox.shift()
  }
  return warnings
}

test('overload warns once above 1,024 and once above each doubling', () => {
  const mailbox = new Mailbox()
  fill(mailbox, MAILBOX_WARNING)
  assert.deepEqual(take(mailbox, MAILBOX_WARNING - 1), [])
  for (const length of [1025, 2049, 4097]) {
    fill(mailbox, length)
    assert.deepEqual(take(mailbox, length - 2), [length])
  }
  assert.deepEqual(take(mailbox, 100), [])
})

test('overload warns once of a jump over several doublings', () => {
  const mailbox = new Mailbox()
  fill(mailbox, 10_000)
  assert.deepEqual(take(mailbox, 5000), [10_000])
  fill(mailbox, 16_384)
  assert.deepEqual(take(mailbox, 16_000), [])
  fill(mailbox, 16_385)
  assert.deepEqual(take(mailbox, 16_000), [16_385])
})

test('overload warns again from 1,024 on once it was empty, at most once a second', () => {
  const mailbox = new Mailbox()
  fill(mailbox, 5000)
  assert.deepEqual(take(mailbox, 1), [5000])
  fill(mailbox, 5000)
  assert.deepEqual(take(mailbox, 0), [])
  fill(mailbox, 1500)
  assert.deepEqual(take(mailbox, 0), [], 'empty, but within a second of the last warning')
  now += 1000
  fill(mailbox, 1)
  assert.deepEqual(take(mailbox, 0), [])
  fill(mailbox, 1500)
  assert.deepEqual(take(mailbox, 0), [1500])
})
