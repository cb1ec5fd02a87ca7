import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copy, copyMade } from './copy.ts'
import { Packer } from './pack.ts'
import { throughBytes } from './packing.kit.ts'
import { UNBOUND } from './service-id.ts'
import { testValues } from './values.suite.ts'

testValues('copy()', copy)

test('copy() and pack() take a date that was made while timers are mocked', () => {
  // As @sinonjs/fake-timers does it, of Jest and Vitest too.
  class ClockDate extends Date {
    static readonly isFake = true
  }
  class Other extends Date {}
  const packer = new Packer()
  for (const pass of [copy, (value: unknown) => throughBytes(packer, value)]) {
    assert.deepEqual(pass([new ClockDate(5)]), [new Date(5)])
    assert.throws(() => pass(new Other(5)), { code: 'ERR_MESSAGE_UNSUPPORTED' })
    const made = Object.create(ClockDate.prototype)
    assert.throws(() => pass(made), { code: 'ERR_MESSAGE_UNSUPPORTED' }, 'no date inside')
  }
})

test('copy() returns primitives as they are and objects as others', () => {
  const value = { list: [1] }
  const got = copy(value) as typeof value
  assert.ok(got !== value && got.list !== value.list)
  assert.equal(copy('text'), 'text')
})

test('copyMade() hands on an array of simple values, and copies any other', () => {
  const long = 'x'.repeat(1024)
  const simple = ['method', 1, -0, true, null, undefined, '', long]
  assert.equal(copyMade(simple, 'args', UNBOUND), simple)
  const many = new Array<number>(33).fill(1)
  for (const args of [['method', {}], ['method', 1n], [`${long}x`], many]) {
    const got = copyMade(args, 'args', UNBOUND)
    assert.notEqual(got, args)
    assert.deepEqual(got, args)
  }
  assert.throws(() => copyMade(['method', () => {}], 'args', UNBOUND), { message: /args\[1\]/ })
})
