import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { isAdmitted } from './admission.ts'

const packer = new Packer()

function admits(type: number, value: unknown): boolean {
  const length = packer.pack(value)
  const bytes = Buffer.concat([Buffer.alloc(3), packer.bytes.subarray(0, length), Buffer.alloc(9)])
  return isAdmitted(type, bytes, 3, 3 + length)
}

const LONG = 'm'.repeat(300)

test('a method call is an array that begins with text', () => {
  for (const value of [['m'], ['m', 1], ['', {}], [LONG], ['界'], ['m', ...Array(20).fill(0)]]) {
    assert.ok(admits(PTYPE.LUA, value), JSON.stringify(value))
  }
  const wrong = [undefined, 'm', [], [1], [null, 'm'], [['m']], {}, [[], 1], Array(20), 7]
  for (const value of wrong) assert.ok(!admits(PTYPE.LUA, value), JSON.stringify(value))
})

test('a message within a trace is what it would be alone', () => {
  for (const value of [
    [':0000000a-1', PTYPE.LUA, ['m']],
    ['id', 200, undefined],
    ['', 16, 7],
    [`${'n'.repeat(64)}:0000000a-1`, PTYPE.LUA, ['m']],
    ['界:0000000a-1', PTYPE.LUA, ['m']],
    ['(one-another-5):00000008-2'.padStart(255, 'x'), PTYPE.LUA, ['m']],
  ]) {
    assert.ok(admits(PTYPE.TRACE, value), JSON.stringify(value))
  }
  for (const value of [
    ['id', PTYPE.LUA, [1]],
    ['id', PTYPE.SYSTEM, { order: 'kill', handle: 1 }],
    ['id', PTYPE.TRACE, ['id', PTYPE.LUA, ['m']]],
    ['id', 256, 1],
    ['id', -1, 1],
    ['id', 1.5, 1],
    ['id', PTYPE.LUA],
    [LONG, PTYPE.LUA, ['m']],
    ['id\nof another line', PTYPE.LUA, ['m']],
    ['\u001b[31m', PTYPE.LUA, ['m']],
    ['界\u2028', PTYPE.LUA, ['m']],
    [1, PTYPE.LUA, ['m']],
    ['id', 'x', ['m']],
    [],
    undefined,
  ]) {
    assert.ok(!admits(PTYPE.TRACE, value), JSON.stringify(value))
  }
})

test('of other types all but those of the runtime itself', () => {
  for (const type of [PTYPE.TEXT, PTYPE.CLIENT, 16, 255]) assert.ok(admits(type, 1), `${type}`)
  const own = [PTYPE.RESPONSE, PTYPE.ERROR, PTYPE.SOCKET, PTYPE.MULTICAST, PTYPE.SYSTEM]
  for (const type of [...own, 256, 0x200 | PTYPE.LUA]) assert.ok(!admits(type, ['m']), `${type}`)
})

test('any bytes are admitted or not, and nothing behind their end decides', () => {
  const bytes = fc.uint8Array({ maxLength: 40 })
  const types = fc.constantFrom(PTYPE.LUA, PTYPE.TRACE, 16)
  fc.assert(
    fc.property(types, bytes, bytes, (type, message, behind) => {
      const found = isAdmitted(type, message, 0, message.length)
      const whole = Buffer.concat([message, behind])
      if (found) assert.ok(isAdmitted(type, whole, 0, message.length))
      else assert.ok(!isAdmitted(type, whole, 0, message.length))
    }),
    { numRuns: 2000 },
  )
})
