import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { isSkynetError } from '../base/errors.ts'
import { CODEC_DEPTH_MAX } from '../base/limits.ts'
import { msgpack } from './msgpack.ts'

const codec = msgpack()
const hexOf = (value: unknown): string => Buffer.from(codec.encode(value)).toString('hex')
const decode = (hex: string): unknown => codec.decode(Buffer.from(hex, 'hex'))

function refused(hex: string): string {
  try {
    decode(hex)
  } catch (error) {
    assert.ok(isSkynetError(error, 'ERR_CODEC'), String(error))
    return error.message
  }
  return assert.fail('it is taken')
}

// Proves: docs/codec.md#msgpack
test('msgpack() writes what every implementation reads', () => {
  assert.equal(hexOf({ x: 1, list: [true, null, 'a'] }), '82a17801a46c69737493c3c0a161')
  assert.equal(hexOf({ x: 1 }), hexOf({ x: 1 }), 'the second one refers to nothing of the first')
  const value = {
    text: '龙'.repeat(100),
    list: Array.from({ length: 100 }, (_, i) => ({ i, half: i / 2 })),
    at: new Date(1_700_000_000_123),
    bytes: Buffer.from([1, 2, 3]),
    none: undefined,
    big: 2n ** 60n,
    negative: -(2 ** 40),
  }
  assert.deepEqual(codec.decode(codec.encode(value)), value)
  assert.equal(decode('cf0000000000000007'), 7)
})

// Proves: docs/codec.md#msgpack
test('msgpack() keeps nothing of the bytes that it decodes', () => {
  const bytes = codec.encode({ data: Buffer.from('abc'), text: 'abc' })
  const value = codec.decode(bytes)
  bytes.fill(0)
  assert.deepEqual(value, { data: Buffer.from('abc'), text: 'abc' })
})

// Proves: docs/codec.md#msgpack, #hostile
// Proves: docs/limits.md#codec-depth
test('msgpack() refuses what would make more of bytes than they are', () => {
  for (const hex of [
    'dd7fffffff',
    'dcffff00',
    'df7fffffff',
    'deffff',
    'c6ffffffff00',
    'dbffffffff',
  ]) {
    assert.match(refused(hex), /ends too early/)
  }
  assert.doesNotThrow(() => decode(`${'91'.repeat(CODEC_DEPTH_MAX)}00`))
  assert.match(
    refused(`${'91'.repeat(CODEC_DEPTH_MAX + 1)}00`),
    /at byte 65: nested deeper than 64/,
  )
  assert.match(refused('81a161'.repeat(100_000)), /nested deeper/)
  assert.match(refused('0000'), /bytes after the value/)
  assert.match(refused(''), /ends too early/)
  assert.match(refused('c1'), /no such tag/)
})

// Proves: docs/codec.md#msgpack
test('msgpack() refuses extensions and keys that make more than plain data', () => {
  // A shape of records, a set, an error, a reference, a typed array, bundled text.
  for (const hex of ['d47240', 'c70173', 'c70165', 'd669', 'c70174', 'c70662', 'd472']) {
    assert.match(refused(`${hex}${'00'.repeat(20)}`), /extension \d+ is not taken/)
  }
  for (const key of ['a95f5f70726f746f5f5f', 'd9095f5f70726f746f5f5f']) {
    assert.match(refused(`81${key}01`), /__proto__/)
  }
  assert.deepEqual(decode('81a15fa95f5f70726f746f5f5f'), { _: '__proto__' })
  assert.deepEqual(decode('8100a161'), { 0: 'a' })
  for (const key of ['c0', 'c3', '9100', '80', 'ca00000000', 'c40161']) {
    assert.match(refused(`81${key}01`), /a key is no text and no integer/)
  }
})

// Proves: docs/codec.md#hostile
test('msgpack() takes no memory for the numbers before a key that is one', () => {
  const places = { 7: 'a', 900: [{ 5: 1 }], x: { y: new Date(5) }, '-1': null }
  assert.deepEqual(codec.decode(codec.encode(places)), places)
  // Keys that are integers in the bytes: 7, 900, -1, and one of 64 bits.
  assert.deepEqual(decode('8407a161cd0384a162ffa163cf0000000000000005a164'), {
    7: 'a',
    900: 'b',
    [-1]: 'c',
    5: 'd',
  })
  const bytes = codec.encode(Array(2000).fill({ 1023: true }))
  const before = getHeapStatistics().used_heap_size
  const list = codec.decode(bytes)
  const taken = getHeapStatistics().used_heap_size - before
  assert.ok(taken < 5_000_000, `${taken} bytes for ${bytes.length}`)
  assert.equal((list as unknown[]).length, 2000)
})

// Proves: docs/codec.md#msgpack
test('msgpack() refuses a key __proto__ in each form, and none that ends so', () => {
  const proto = Buffer.from('__proto__').toString('hex')
  for (const head of ['a9', 'd909', 'da0009', 'db00000009']) {
    assert.match(refused(`81${head}${proto}01`), /a key is '__proto__'/)
  }
  for (const begin of ['hi', 'I', 'a)', '\t', 'x', 'a'.repeat(300)]) {
    const value = { [`${begin}__proto__`]: 1 }
    assert.deepEqual(codec.decode(codec.encode(value)), value)
  }
})
