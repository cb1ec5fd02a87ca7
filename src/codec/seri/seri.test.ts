import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import fc from 'fast-check'
import { isSkynetError } from '../../base/errors.ts'
import { CODEC_DEPTH_MAX } from '../../base/limits.ts'
import { float, LuaFloat } from './lua-float.ts'
import { LuaPointer } from './lua-pointer.ts'
import { unpackValues } from './reader.ts'
import { seri } from './seri.ts'
import { packValues } from './writer.ts'

const roundTrip = (...values: unknown[]): unknown[] => unpackValues(packValues(values))
const hexOf = (...values: unknown[]): string => packValues(values).toString('hex')
const refused = (bytes: Buffer): string => {
  try {
    unpackValues(bytes)
  } catch (error) {
    assert.ok(isSkynetError(error, 'ERR_CODEC'), String(error))
    return error.message
  }
  return assert.fail('it is taken')
}

// Proves: docs/codec.md#seri-numbers
test('whole numbers travel as integers, all others as floats', () => {
  assert.equal(hexOf(0, 255, 256, 65_536, -1), '020aff120001220000010022ffffffff')
  assert.equal(hexOf(2 ** 31), '320000008000000000')
  assert.equal(hexOf(-(2 ** 53) + 1), '32010000000000e0ff')
  assert.equal(hexOf(1.5), '42000000000000f83f')
  assert.equal(hexOf(-0), '420000000000000080')
  assert.equal(hexOf(2 ** 53), '420000000000004043')
  assert.deepEqual(roundTrip(0.1, -0, Number.NaN, Infinity), [0.1, -0, Number.NaN, Infinity])
})

// Proves: docs/codec.md#seri-numbers
test('float() makes a whole number a float, a bigint is an integer of 64 bits', () => {
  assert.equal(hexOf(float(1)), '42000000000000f03f')
  assert.equal(hexOf(1n, 2n ** 53n), '0a01320000000000002000')
  assert.deepEqual(roundTrip(5n, 2n ** 53n, -(2n ** 63n)), [5, 2n ** 53n, -(2n ** 63n)])
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) {
    assert.throws(() => packValues([value]), { code: 'ERR_MESSAGE_UNSUPPORTED' })
  }
})

// Proves: docs/codec.md#seri-numbers
test('seri({ keepFloats }) keeps whole floats apart, also on their way back', () => {
  const { encode, decode } = seri({ keepFloats: true })
  const bytes = encode([float(1), 1, 1.5, [float(-3)]])
  const values = decode(bytes)
  assert.deepEqual(values, [new LuaFloat(1), 1, 1.5, [new LuaFloat(-3)]])
  assert.deepEqual(encode(values), bytes)
  assert.deepEqual(seri().decode(bytes), [1, 1, 1.5, [-3]])
  assert.equal(Number(values[0]) + 1, 2)
})

// Proves: docs/codec.md#seri-tables
test('a key that is a whole float is the integer of its value, where Lua has one', () => {
  const keys = [2 ** 53, 2n ** 53n, -(2 ** 63), 2 ** 63, 1e300, float(7), 0.5]
  const map = new Map<unknown, unknown>(keys.map((key, i) => [key, i]))
  const expected = [2n ** 53n, -(2n ** 63n), 2 ** 63, 1e300, 7, 0.5]
  assert.deepEqual([...(roundTrip(map)[0] as Map<unknown, unknown>).keys()], expected)
})

test('float() and LuaPointer refuse what is none', () => {
  for (const value of ['x', {}, 1n, undefined, null]) {
    assert.throws(() => float(value as never), TypeError)
  }
  for (const address of ['x', 1, undefined]) {
    assert.throws(() => new LuaPointer(address as never), TypeError)
  }
  for (const address of [-1n, 2n ** 64n]) assert.throws(() => new LuaPointer(address), RangeError)
  assert.deepEqual(roundTrip(new LuaPointer(2n ** 64n - 1n)), [new LuaPointer(2n ** 64n - 1n)])
})

// Proves: docs/codec.md#seri-tables
test('arrays and plain objects are tables, and come as such', () => {
  const battle = {
    id: 7,
    players: [
      { name: '龙', hp: 0.5 },
      { name: 'b', hp: 1 },
    ],
    over: false,
  }
  assert.deepEqual(roundTrip(battle, [1, [], 'x']), [battle, [1, [], 'x']])
  assert.deepEqual(roundTrip({}, new Map()), [[], []])
  assert.deepEqual(roundTrip({ a: undefined, b: null, c: 0 }), [{ c: 0 }])
  assert.deepEqual(roundTrip([1, undefined, null, 4]), [[1, undefined, undefined, 4]])
})

// Proves: docs/codec.md#seri-tables
test('a Map is a table with any keys, and comes when a table has such', () => {
  const map = new Map<unknown, unknown>([
    [1, 'a'],
    [2, 'b'],
    ['x', 3],
    [1.5, true],
    [false, 'no'],
  ])
  assert.deepEqual(roundTrip(map), [map])
  assert.equal(
    hexOf(
      new Map<unknown, unknown>([
        ['x', 3],
        [2, 2],
        [1, 1],
      ]),
    ),
    '160a010a020c780a0300',
  )
  assert.deepEqual(
    roundTrip(
      new Map([
        [2, 'b'],
        [1, 'a'],
      ]),
    ),
    [['a', 'b']],
  )
  assert.deepEqual(roundTrip(new Map([['a', 1]])), [{ a: 1 }])
  assert.deepEqual(roundTrip(new Map([[float(5), 1]])), [new Map([[5, 1]])])
  for (const key of [undefined, null, Number.NaN]) {
    assert.throws(() => packValues([new Map([[key, 1]])]), { code: 'ERR_MESSAGE_UNSUPPORTED' })
  }
})

test('a table is what its keys are, however they came', () => {
  const decoded = (hex: string): unknown => unpackValues(Buffer.from(hex, 'hex'))[0]
  assert.deepEqual(decoded('060a020a140a010a0a00'), [10, 20])
  assert.deepEqual(decoded('0e0a010c610a020a010000'), { a: 2 })
  assert.deepEqual(decoded('060c610a010c610000'), [])
  assert.deepEqual(decoded('060c610a010a050a020a050000'), { a: 1 })
})

// Proves: docs/codec.md#seri-strings
test("text is UTF-8, other bytes come as a Buffer that is the reader's own", () => {
  assert.deepEqual(roundTrip('', '龙'.repeat(50), 'é'.repeat(15)), [
    '',
    '龙'.repeat(50),
    'é'.repeat(15),
  ])
  const bytes = packValues([
    Buffer.from([0xff, 0xfe]),
    new Uint8Array(40).fill(0x80),
    Buffer.from('ok'),
  ])
  const [short, long, text] = unpackValues(bytes)
  bytes.fill(0)
  assert.deepEqual([short, long, text], [Buffer.from([0xff, 0xfe]), Buffer.alloc(40, 0x80), 'ok'])
})

// Proves: docs/codec.md#hostile
test('a key that is a number takes no memory for those before it', () => {
  const places = Object.fromEntries([7, 900, 1800, 2 ** 32 - 2, 2 ** 32].map((key) => [key, key]))
  assert.deepEqual(roundTrip(places, { 5: 1, a: 2 }), [places, { 5: 1, a: 2 }])
  const bytes = packValues([Array(2000).fill({ 1023: true })])
  const before = getHeapStatistics().used_heap_size
  const [list] = unpackValues(bytes)
  const taken = getHeapStatistics().used_heap_size - before
  assert.ok(taken < 5_000_000, `${taken} bytes for ${bytes.length}`)
  assert.equal((list as unknown[]).length, 2000)
})

// Proves: docs/codec.md#seri-strings
test('a light userdata comes as null, or as an address that may be sent back', () => {
  const bytes = Buffer.from('03000000000000000003f0debc9a785634f2', 'hex')
  const values = unpackValues(bytes)
  assert.deepEqual(values, [null, new LuaPointer(0xf23456789abcdef0n)])
  assert.equal(hexOf(values[1]), '03f0debc9a785634f2')
  assert.match(refused(Buffer.from('0300000000000000', 'hex')), /ends too early/)
})

test('a key __proto__ is a key, and no prototype', () => {
  const sent = JSON.parse('{"__proto__":{"isAdmin":true},"a":1}')
  const [came] = roundTrip(sent) as [Record<string, unknown>]
  assert.equal(Object.getPrototypeOf(came), Object.prototype)
  assert.equal(came.isAdmin, undefined)
  assert.deepEqual(Object.keys(came), ['__proto__', 'a'])
})

test('packValues() names what it cannot pack, and packs the next ones', () => {
  class Player {}
  const cases: [unknown, string, string][] = [
    [{ a: [new Map([['k', () => 1]])] }, 'values[1].a[0].get("k")', 'function'],
    [new Player(), 'values[1]', 'Player'],
    [{ at: new Date() }, 'values[1].at', 'Date'],
    [Symbol('a'), 'values[1]', 'symbol'],
    [new Set(), 'values[1]', 'Set'],
  ]
  for (const [value, path, type] of cases) {
    const info = { path, type }
    assert.throws(() => packValues([0, value]), { code: 'ERR_MESSAGE_UNSUPPORTED', info })
  }
  assert.equal(hexOf(1), '0a01')
  assert.throws(() => packValues('ab' as never), TypeError)
})

test('packValues() may be called by a getter of what is packed', () => {
  const value = {
    a: 1,
    get b() {
      return packValues(['inner']).length
    },
    c: 3,
  }
  assert.deepEqual(roundTrip(value), [{ a: 1, b: 6, c: 3 }])
})

test('packValues() grows as it must, and gives no bytes of the one before', () => {
  const first = packValues(['a'.repeat(3_000_000), 1])
  const second = packValues([2])
  assert.deepEqual(unpackValues(first), ['a'.repeat(3_000_000), 1])
  assert.deepEqual(unpackValues(second), [2])
  const list = Array.from({ length: 20_000 }, (_, i) => ({ i, name: `n${i}` }))
  assert.deepEqual(roundTrip(list), [list])
})

// Proves: docs/codec.md#seri-tables
// Proves: docs/limits.md#codec-depth
test('packValues() nests as deep as Skynet, unpackValues() to the limit of codecs', () => {
  const nested = (depth: number, hex: string): Buffer =>
    Buffer.from(hex.repeat(depth) + '00'.repeat(depth + 1), 'hex')
  assert.doesNotThrow(() => unpackValues(nested(CODEC_DEPTH_MAX, '0e')))
  assert.match(refused(nested(CODEC_DEPTH_MAX + 1, '0e')), /nested deeper than 64/)
  for (const hex of ['06', '0e', '060c61', '0609']) {
    assert.match(refused(nested(200_000, hex)), /nested deeper|ends too early/)
  }
})

test('seri() refuses options that there are not', () => {
  assert.throws(() => seri({ keepFloat: true } as never), /did you mean 'keepFloats'/)
  assert.throws(() => seri({ keepFloats: 1 } as never), TypeError)
})

test('what was packed is unpacked, whatever it is', () => {
  const leaf = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double(), fc.integer(), fc.boolean())
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 4 }, leaf, tie('array'), tie('object')),
    array: fc.array(tie('any'), { maxLength: 40 }),
    object: fc.dictionary(fc.string({ minLength: 1 }), tie('any'), {
      minKeys: 1,
      noNullPrototype: true,
    }),
  })).any
  fc.assert(
    fc.property(fc.array(value), (values) => {
      assert.deepEqual(roundTrip(...values), values)
    }),
  )
})
