import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimDrains } from './drains.ts'

const SOCKET = { id: 7, bytesTaken: undefined }

/** The drains of an owner that gave the socket away with one open, and asked for it again. */
function askedAgain(): SimDrains {
  const former = new SimDrains(SOCKET)
  former.ordered(0)
  const drains = new SimDrains(SOCKET)
  drains.inherit(former)
  return drains
}

test('SimDrains takes an answer that comes before the socket is back for the old drain', () => {
  const drains = askedAgain()
  drains.answered(1)
  drains.tookOver()
  drains.ordered(0)
  assert.throws(() => drains.checkAnswered(), /a drain has no answer/)
})

test('SimDrains takes an answer that comes when the socket is back for the new drain', () => {
  const drains = askedAgain()
  drains.tookOver()
  drains.ordered(0)
  drains.answered(1)
  drains.checkAnswered()
  assert.throws(() => drains.answered(1), /DRAIN 1 of 0/)
})
