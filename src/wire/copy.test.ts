import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copy } from './copy.ts'
import { testValues } from './values.suite.ts'

testValues('copy()', copy)

test('copy() returns primitives as they are and objects as others', () => {
  const value = { list: [1] }
  const got = copy(value) as typeof value
  assert.ok(got !== value && got.list !== value.list)
  assert.equal(copy('text'), 'text')
})
