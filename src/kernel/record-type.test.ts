import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TIMER_MS_MAX } from '../base/limits.ts'
import { BLOCK_FLAG, deadlineBits, deadlineOf, MESSAGE_TYPE_MASK } from './record-type.ts'

test('a deadline beside a type and a flag comes back, never shorter, at most a unit longer', () => {
  const types = fc.integer({ min: 0, max: MESSAGE_TYPE_MASK })
  const waits = fc.oneof(
    fc.double({ min: 0.001, max: 3e6, noNaN: true }),
    fc.integer({ min: 1, max: 2 ** 31 - 2048 }),
  )
  fc.assert(
    fc.property(types, fc.boolean(), waits, (type, isBlock, timeoutMs) => {
      const recordType = type | (isBlock ? BLOCK_FLAG : 0) | deadlineBits(timeoutMs)
      assert.equal(recordType, recordType | 0, 'an int32')
      assert.equal(recordType & MESSAGE_TYPE_MASK, type)
      assert.equal((recordType & BLOCK_FLAG) !== 0, isBlock)
      const found = deadlineOf(recordType)
      assert.ok(found >= timeoutMs && found < timeoutMs + 1024, `${timeoutMs} → ${found}`)
      if (timeoutMs < 2 ** 21 - 1) assert.equal(found, Math.ceil(timeoutMs))
    }),
  )
})

test('a deadline that is none is none, and one without room is as long as there is room', () => {
  assert.equal(deadlineOf(MESSAGE_TYPE_MASK | BLOCK_FLAG | deadlineBits(0)), 0)
  assert.equal(deadlineOf(deadlineBits(2 ** 21 - 1)), 2 ** 21 - 1)
  assert.equal(deadlineOf(deadlineBits(2 ** 21)), 2 ** 21)
  assert.equal(deadlineOf(deadlineBits(TIMER_MS_MAX)), (2 ** 21 - 1) * 1024)
})
