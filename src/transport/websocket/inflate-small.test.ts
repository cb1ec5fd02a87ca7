import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync, inflateRawSync, constants as zlib } from 'node:zlib'
import fc from 'fast-check'
import { inflatedSmall } from './inflate-small.ts'

const { Z_SYNC_FLUSH, Z_FIXED, Z_DEFAULT_STRATEGY } = zlib
/** What follows in zlib: how a message ends, and the end of all. */
const ENDS = Buffer.of(0, 0, 0xff, 0xff, 3, 0)

const deflated = (bytes: Uint8Array, level: number, strategy: number): Buffer =>
  deflateRawSync(bytes, { finishFlush: Z_SYNC_FLUSH, level, strategy }).subarray(0, -4)

/** Of few letters, so that much of it repeats. */
const texts = fc
  .array(fc.constantFrom(...'abc '), { maxLength: 400 })
  .map((letters) => Buffer.from(letters.join('')))

test('inflatedSmall() gives back what was stored, or has the fixed codes', () => {
  const level = fc.constantFrom(0, 1, 6, 9)
  fc.assert(
    fc.property(fc.oneof(texts, fc.uint8Array({ maxLength: 400 })), level, (bytes, at) => {
      const small = inflatedSmall(deflated(bytes, at, Z_FIXED))
      assert.deepEqual(small, Buffer.from(bytes))
    }),
  )
})

test('inflatedSmall() says nothing, or what zlib says, whatever it gets', () => {
  const spoiled = fc
    .tuple(texts, fc.boolean(), fc.nat(), fc.nat(7))
    .map(([text, isFixed, at, bit]) => {
      const bytes = deflated(text, 6, isFixed ? Z_FIXED : Z_DEFAULT_STRATEGY)
      bytes[at % bytes.length]! ^= 1 << bit
      return bytes
    })
  const any = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(any, spoiled), (bytes) => {
      const small = inflatedSmall(bytes)
      if (small === undefined || bytes.length === 0) return
      assert.deepEqual(small, inflateRawSync(Buffer.concat([bytes, ENDS])))
    }),
    { numRuns: 2000 },
  )
})

test('inflatedSmall() leaves to zlib what is long, cut, or has codes of its own', () => {
  const [most, more] = [4096, 4097].map((length) => deflated(Buffer.alloc(length, 97), 9, Z_FIXED))
  assert.equal(inflatedSmall(most!)?.length, 4096)
  assert.equal(inflatedSmall(more!), undefined)
  const [stored, longer] = [4096, 4097].map((length) => deflated(Buffer.alloc(length), 0, Z_FIXED))
  assert.equal(inflatedSmall(stored!)?.length, 4096)
  assert.equal(inflatedSmall(longer!), undefined)
  const own = deflated(
    Buffer.from('abcdefgh'.repeat(30) + 'ijkl'.repeat(99)),
    9,
    Z_DEFAULT_STRATEGY,
  )
  const text = Buffer.from('what is cut is no message')
  const whole = deflated(text, 6, Z_FIXED)
  assert.deepEqual(inflatedSmall(whole), text)
  for (let end = 1; end < whole.length; end++) {
    assert.equal(inflatedSmall(whole.subarray(0, end)), undefined, `${end}`)
  }
  assert.notEqual(own.length, 0)
})
