import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSkynetError } from '../base/errors.ts'
import { CODEC_DEPTH_MAX } from '../base/limits.ts'
import { json } from './json.ts'

const codec = json()
const decode = (text: string | Uint8Array): unknown => codec.decode(Buffer.from(text as string))
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

/** What `decode` says of these bytes. */
function refused(text: string | Uint8Array): { at: string; reason: string; message: string } {
  try {
    decode(text)
  } catch (error) {
    assert.ok(isSkynetError(error, 'ERR_CODEC'), String(error))
    assert.equal(error.info.codec, 'json')
    return { ...error.info, message: error.message }
  }
  return assert.fail('it is taken')
}

test('json() gives back what JSON can hold', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      // A key that is refused.
      fc.pre(!JSON.stringify(value).includes('"__proto__":'))
      const bytes = codec.encode(value)
      assert.deepEqual(codec.decode(bytes), JSON.parse(JSON.stringify(value)))
      assert.deepEqual(codec.decode(new Uint8Array(bytes)), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('json() refuses to encode what has no JSON', () => {
  for (const value of [undefined, () => 1, Symbol('a')]) {
    assert.throws(() => codec.encode(value), { code: 'ERR_MESSAGE_UNSUPPORTED' })
  }
  for (const [value, path] of [
    [1n, 'message'],
    [{ list: ['a', { 'a b': 1n }] }, 'message.list[1]["a b"]'],
  ] as const) {
    const info = { path, type: 'bigint' }
    assert.throws(() => codec.encode(value), { code: 'ERR_MESSAGE_UNSUPPORTED', info })
  }
  const mine = new TypeError('mine')
  const throwing = {
    toJSON() {
      throw mine
    },
  }
  assert.throws(() => codec.encode([throwing]), mine)
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  assert.throws(() => codec.encode({ proxy }), TypeError)
})

// Proves: docs/limits.md#codec-depth
test('json() writes nothing that its peer would refuse as too deep', () => {
  const nest = (depth: number): unknown => {
    let value: unknown = 'x[[['
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value }
    return value
  }
  const most = nest(CODEC_DEPTH_MAX)
  assert.deepEqual(codec.decode(codec.encode(most)), most)
  const cycle: Record<string, unknown> = { a: 1 }
  cycle.self = cycle
  const info = { path: 'message', limit: CODEC_DEPTH_MAX }
  for (const value of [nest(CODEC_DEPTH_MAX + 1), nest(100_000), cycle]) {
    assert.throws(() => codec.encode(value), { code: 'ERR_MESSAGE_TOO_DEEP', info })
  }
})

// Proves: docs/codec.md#json
test('json() refuses what is no UTF-8, no JSON, or begins with a byte order mark', () => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
  ]) {
    assert.equal(refused(Uint8Array.from(bytes)).reason, 'it is no UTF-8')
  }
  assert.equal(refused('\ufeff{}').at, 'message')
  assert.equal(refused('').at, 'message')
  assert.equal(refused('{"a":1 "b":2}').at, 'character 7')
})

// Proves: docs/codec.md#json
// Proves: docs/limits.md#codec-depth
test('json() takes arrays and objects up to the limit of depth, whatever strings hold', () => {
  assert.doesNotThrow(() => decode(nested(CODEC_DEPTH_MAX)))
  assert.match(refused(nested(CODEC_DEPTH_MAX + 1)).reason, /deeper than 64/)
  assert.match(refused(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`).reason, /deeper than 64/)
  assert.match(refused('['.repeat(1_000_000)).reason, /deeper than 64/)
  const flat = JSON.stringify([nested(100), '\\"[[', ...Array(100).fill([])])
  assert.deepEqual(decode(flat), JSON.parse(flat))
})

// Proves: docs/codec.md#json
test('json() refuses a key __proto__, however it is spelt, and takes it as a value', () => {
  for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006Fto__', '__\\u0070\\u0072oto__']) {
    assert.match(refused(`{"a":[{"${key}":{"isAdmin":true}}]}`).reason, /__proto__/)
  }
  assert.deepEqual(decode('{"a":"__proto__","__proto":1}'), { a: '__proto__', __proto: 1 })
})

test('json() says what is wrong in a short sentence, however long the text is', () => {
  const { message } = refused(`{"a":${'x'.repeat(1_000_000)}`)
  assert.ok(message.length < 200, message)
})
