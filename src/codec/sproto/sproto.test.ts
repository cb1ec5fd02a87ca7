import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSkynetError } from '../../base/errors.ts'
import { loadSproto, sproto } from './sproto.ts'
import { sprotoPack, sprotoUnpack } from './zero-pack.ts'

const all = sproto(`
.Point { x 0 : integer y 1 : integer }
.Pair { key 0 : string value 1 : Point }
.All {
  i 0 : integer
  b 2 : boolean
  s 3 : string
  bin 40 : binary
  d 41 : double
  dec 42 : integer(3)
  point 43 : Point
  all 44 : All
  is 50 : *integer
  bs 51 : *boolean
  ss 52 : *string
  bins 53 : *binary
  ds 54 : *double
  decs 55 : *integer(2)
  points 56 : *Point
  alls 57 : *All
  byX 58 : *Point(x)
  dict 1000 : *Pair()
}
`)
const wide = all.withBigInts()

const int32 = fc.integer()
const safe = fc.oneof(int32, fc.maxSafeInteger())
const integer = fc.oneof(safe, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(number))
const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 60 }))
const binary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
const double = fc.double({ noNaN: true })
const decimal = (digits: number) => safe.map((value) => (value % 1e9) / 10 ** digits)
const points = fc.record({ x: safe, y: safe }, { requiredKeys: [] })
const byX = fc
  .uniqueArray(fc.record({ x: safe, y: safe }), { selector: ({ x }) => x + 0 })
  .map((list) => new Map(list.map((point) => [point.x + 0, point])))
const dict = fc
  .uniqueArray(fc.tuple(text, points), { selector: ([key]) => key })
  .map((pairs) => new Map(pairs))

const { value } = fc.letrec((tie) => ({
  value: fc.record(
    {
      i: integer,
      b: fc.boolean(),
      s: text,
      bin: binary,
      d: double,
      dec: decimal(3),
      point: points,
      all: fc.option(tie('value'), { nil: {}, maxDepth: 3 }),
      is: fc.array(integer),
      bs: fc.array(fc.boolean()),
      ss: fc.array(text),
      bins: fc.array(binary),
      ds: fc.array(double),
      decs: fc.array(decimal(2)),
      points: fc.array(points),
      alls: fc.array(fc.option(tie('value'), { nil: {}, maxDepth: 3 }), { maxLength: 2 }),
      byX,
      dict,
    },
    { requiredKeys: [] },
  ),
}))
type Value = Parameters<typeof wide.encode<'All'>>[1]

function number(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** -0 has no place in an integer. */
function plain(value: unknown): unknown {
  return typeof value === 'number' && Object.is(value, -0) ? 0 : value
}

test('decode() gives back what encode() was given, packed or not', () => {
  fc.assert(
    fc.property(value, (given) => {
      const bytes = wide.encode('All', given as Value)
      const got = wide.decode('All', bytes)
      assert.deepEqual(loose(got), loose(given))
      const packed = wide.codec('All', { packed: true })
      assert.deepEqual(loose(packed.decode(packed.encode(given as Value))), loose(given))
    }),
    { numRuns: 60 },
  )
})

/** Of integers, so that -0 is 0. */
function loose(value: unknown): unknown {
  if (value instanceof Map) {
    return new Map([...value].map(([key, each]) => [plain(key), loose(each)]))
  }
  if (Array.isArray(value)) return value.map(loose)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return plain(value)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, loose(each)]))
}

test('sprotoUnpack() gives back what sprotoPack() was given, and zeros', () => {
  const bytes = fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { maxLength: 5000 })
  fc.assert(
    fc.property(bytes, (list) => {
      const given = Buffer.from(list)
      const got = sprotoUnpack(sprotoPack(given))
      assert.equal(got.length, Math.ceil(given.length / 8) * 8)
      assert.deepEqual(got.subarray(0, given.length), given)
      assert.ok(got.subarray(given.length).every((byte) => byte === 0))
    }),
    { numRuns: 100 },
  )
})

// Proves: docs/sproto.md#hostile
test('decode() of changed bytes is a value or ERR_CODEC', () => {
  const good = wide.encode('All', {
    i: 1,
    s: 'text',
    all: { points: [{ x: 1 }, { y: 2 ** 40 }], ds: [1.5] },
    byX: [{ x: 1 }, { x: 2 }],
    dict: new Map([['a', { x: 1 }]]),
  })
  for (let at = 0; at < good.length; at++) {
    for (const byte of [0, 1, 2, 0x7f, 0x80, 0xff]) {
      const bytes = Buffer.from(good)
      bytes[at] = byte
      try {
        wide.decode('All', bytes)
      } catch (error) {
        assert.ok(isSkynetError(error, 'ERR_CODEC'), String(error))
      }
    }
  }
})

// Proves: docs/sproto.md#integers
test('integers beyond 2^53 are refused, unless bigints are asked for', () => {
  const bytes = all.encode('Point', { x: 2n ** 53n })
  assert.throws(() => all.decode('Point', bytes), { code: 'ERR_CODEC' })
  assert.deepEqual(wide.decode('Point', bytes), { x: 2n ** 53n })
  assert.deepEqual(all.decode('Point', all.encode('Point', { x: 5n })), { x: 5 })
  const most = 2 ** 53 - 1
  for (const x of [most, -most, 2 ** 31, -(2 ** 31) - 1]) {
    assert.deepEqual(all.decode('Point', all.encode('Point', { x })), { x })
    assert.deepEqual(wide.decode('Point', all.encode('Point', { x: BigInt(x) })), { x })
  }
  assert.deepEqual(wide.decode('All', all.encode('All', { is: [1n, 2] })), { is: [1, 2] })
  assert.equal(all.encode('All', { is: [1n] }).length, all.encode('All', { is: [1] }).length)
  const list = all.encode('All', { is: [1, 2n ** 62n] })
  assert.throws(() => all.decode('All', list), { code: 'ERR_CODEC' })
  assert.deepEqual(wide.decode('All', list), { is: [1, 2n ** 62n] })
  assert.throws(() => all.encode('Point', { x: 2n ** 63n }), TypeError)
  assert.throws(() => all.encode('Point', { x: 2 ** 63 }), TypeError)
})

// Proves: docs/sproto.md#refused
test('encode() names the type and the field that are wrong', () => {
  const wrong = (value: unknown) => () => all.encode('All', value as Value)
  const rows: [value: unknown, text: RegExp][] = [
    [
      { i: 1.5 },
      /Cannot encode All as 'i' must be a whole number of 64 bits: current value is 1.5/,
    ],
    [{ i: null }, /'i' must be a whole number/],
    [{ b: 1 }, /'b' must be true or false: current value is 1/],
    [{ s: 5 }, /'s' must be a string/],
    [{ s: '\ud800' }, /'s' must be a string without half a surrogate pair/],
    [{ bin: 'x' }, /'bin' must be a Uint8Array/],
    [{ d: '1' }, /'d' must be a number/],
    [{ dec: Number.NaN }, /'dec' must be a number of 64 bits with its decimals/],
    [{ dec: 1e30 }, /'dec' must be a number of 64 bits/],
    [{ point: 'x' }, /Cannot encode Point as 'value' must be an object/],
    [{ point: [] }, /Cannot encode Point as 'value' must be an object/],
    [{ is: [1, '2'] }, /'is\[1\]' must be a whole number/],
    [{ is: 5 }, /'is' must be an array/],
    [{ bs: [true, undefined] }, /'bs\[1\]' must be true or false/],
    [{ ss: ['a', undefined] }, /'ss\[1\]' must be a string/],
    [{ points: [{ x: 1 }, undefined] }, /Cannot encode Point as 'value'/],
    [{ byX: 5 }, /'byX' must be a Map or an array/],
    [{ dict: { a: {} } }, /'dict' must be a Map/],
    [{ dict: new Map([['a', undefined]]) }, /'dict' must be a Map without undefined/],
  ]
  for (const [value, text] of rows) assert.throws(wrong(value), text)
  assert.deepEqual(all.decode('All', all.encode('All', { i: 1 })), { i: 1 })
})

// Proves: docs/sproto.md#map
test('no name of a schema, and no key of a peer, reaches a prototype', () => {
  const odd = sproto(`
.Odd { __proto__ 0 : integer constructor 1 : string toString 2 : boolean valueOf 3 : Odd }
.Pair { k 0 : string v 1 : integer }
.Dict { d 0 : *Pair() by 1 : *Pair(k) }
`)
  assert.deepEqual(odd.decode('Odd', odd.encode('Odd', {})), {})
  const value = JSON.parse('{ "__proto__": 5, "constructor": "x", "toString": true }')
  const got = odd.decode('Odd', odd.encode('Odd', value))
  assert.equal(Object.getPrototypeOf(got), Object.prototype)
  assert.deepEqual(Object.entries(got), Object.entries(value))
  const pair = { k: '__proto__', v: 1 }
  const dict = { d: new Map([['__proto__', 1]]), by: new Map([['__proto__', pair]]) }
  assert.deepEqual(odd.decode('Dict', odd.encode('Dict', dict)), dict)
  assert.ok(!('k' in {}))
})

test('a getter may encode while its object is encoded', () => {
  const point = {
    get x() {
      return all.encode('All', { s: 'inner', points: [{ x: 1 }, { x: 2 }] }).length
    },
    y: 7,
  }
  const { length } = all.encode('All', { s: 'inner', points: [{ x: 1 }, { x: 2 }] })
  assert.deepEqual(all.decode('Point', all.encode('Point', point)), { x: length, y: 7 })
})

test('messages stay as they are while others are encoded', () => {
  const made = Array.from({ length: 3000 }, (_, i) => all.encode('Point', { x: i, y: 10 ** 6 + i }))
  const large = all.encode('All', { s: 'x'.repeat(100_000), ss: ['é'.repeat(50_000)] })
  for (const [i, bytes] of made.entries()) {
    assert.deepEqual(all.decode('Point', bytes), { x: i, y: 10 ** 6 + i })
  }
  assert.equal(all.decode('All', large).s?.length, 100_000)
})

test('an object that throws leaves nothing behind', () => {
  const bad = {
    ss: ['a'],
    get dict(): never {
      throw new Error('mine')
    },
  }
  assert.throws(() => all.encode('All', bad), /mine/)
  assert.throws(() => all.encode('All', { alls: [{ points: [{ x: 0.5 }] }] }), TypeError)
  assert.deepEqual(all.decode('All', all.encode('All', { is: [1] })), { is: [1] })
})

test('decode() keeps none of the bytes', () => {
  const bytes = all.encode('All', { bin: Buffer.from('abc'), bins: [Buffer.from('def')], s: 'ghi' })
  const copy = new Uint8Array(bytes)
  const got = all.decode('All', copy)
  copy.fill(0)
  assert.deepEqual(got, { bin: Buffer.from('abc'), bins: [Buffer.from('def')], s: 'ghi' })
})

test('defaults() has what stands for fields that are not there', () => {
  assert.deepEqual(all.defaults('All'), {
    i: 0,
    b: false,
    s: '',
    bin: Buffer.alloc(0),
    d: 0,
    dec: 0,
    is: [],
    bs: [],
    ss: [],
    bins: [],
    ds: [],
    decs: [],
    points: [],
    alls: [],
    byX: new Map(),
    dict: new Map(),
  })
})

test('protocol() has the tag and the codecs', () => {
  const game = sproto('.A { x 0 : integer }', 'p 5 { request A response nil } q 6 {}')
  const { tag, request, response, isConfirmed } = game.protocol('p')
  assert.deepEqual([tag, response, isConfirmed], [5, undefined, true])
  assert.deepEqual(request.decode(request.encode({ x: 1 })), { x: 1 })
  assert.deepEqual([game.protocol('q').request, game.protocol('q').isConfirmed], [undefined, false])
})

test('a name that is not there is told, with the one that was meant', () => {
  // @ts-expect-error There is no such type.
  assert.throws(() => all.encode('Piont', {}), /one of the schema \(did you mean 'Point'\?\)/)
  // @ts-expect-error There is no such protocol.
  assert.throws(() => all.protocol('x'), /'protocol' must be one of the schema/)
  assert.throws(() => all.decode('Point', 'text' as unknown as Buffer), TypeError)
})

test('options that are wrong are refused', () => {
  const bytes = sprotoPack(Buffer.alloc(64))
  assert.throws(() => sprotoUnpack(bytes, { maxBytes: 63 }), { code: 'ERR_CODEC' })
  assert.equal(sprotoUnpack(bytes, { maxBytes: 64 }).length, 64)
  assert.throws(() => sprotoUnpack(bytes, { maxBytes: -1 }), RangeError)
  // @ts-expect-error No such option.
  assert.throws(() => sprotoUnpack(bytes, { max: 1 }), /maxBytes/)
  // @ts-expect-error No such option.
  assert.throws(() => all.codec('Point', { pack: true }), /packed/)
  assert.throws(() => all.codec('Point', { packed: 1 as unknown as boolean }), TypeError)
  const codec = all.codec('Point', { packed: true, maxBytes: 8 })
  assert.throws(() => codec.decode(codec.encode({ x: 2 ** 40, y: 2 ** 40 })), { code: 'ERR_CODEC' })
})

// Proves: docs/sproto.md#bundle
test('loadSproto() refuses what is no schema', () => {
  const bundle = sproto('.A { .B { x 0 : *A(k) } k 1 : integer b 2 : binary d 3 : *B }').bundle()
  assert.deepEqual(loadSproto(bundle).bundle(), bundle)
  for (let end = 0; end < bundle.length; end++) {
    const cut = bundle.subarray(0, end)
    assert.throws(() => loadSproto(cut), { code: 'ERR_SPROTO_SCHEMA' }, String(end))
  }
  for (let at = 0; at < bundle.length; at++) {
    for (const byte of [0, 1, 2, 0x10, 0xff]) {
      const bytes = Buffer.from(bundle)
      bytes[at] = byte
      try {
        loadSproto(bytes)
      } catch (error) {
        assert.ok(isSkynetError(error, 'ERR_SPROTO_SCHEMA'), String(error))
      }
    }
  }
})

/** The bundle of a schema, as one of another tool: with words that ours does not write. */
const GROUP = sproto(`
  .group { types 0 : *type protocols 1 : *protocol }
  .type { name 0 : string fields 1 : *field }
  .field { name 0 : string scalar 1 : integer type 2 : integer tag 3 : integer }
  .protocol { name 0 : string tag 1 : integer }
`)
const field = (name: string, tag: number, type?: number) =>
  type === undefined ? { name, scalar: 0, tag } : { name, scalar: 0, type, tag }
const bundleOf = (fields: object[], tags: number[] = []) => {
  const protocols = tags.map((tag) => ({ name: `p${tag}`, tag }))
  return GROUP.encode('group', { types: [{ name: 'T', fields }], protocols })
}

// Proves: docs/sproto.md#bundle
test('loadSproto() refuses tags that would lose a value, as sproto() does', () => {
  const good = loadSproto(bundleOf([field('a', 32_766)], [0, 32_766]))
  assert.deepEqual(good.decode('T', good.encode('T', { a: 7 })), { a: 7 })
  assert.deepEqual(good.protocols, ['p0', 'p32766'])
  const range = /a tag must be in 0\.\.32766, current value is /
  for (const tag of [-1, 32_767, 40_000, 70_000, 2 ** 40]) {
    const error = { code: 'ERR_SPROTO_SCHEMA', message: range }
    assert.throws(() => loadSproto(bundleOf([field('a', tag)])), error)
    assert.throws(() => loadSproto(bundleOf([], [tag])), error)
  }
  for (const [fields, message] of [
    [[field('a', 0), field('a', 1)], /field a of T is there already/],
    [[field('a', 1), field('b', 1)], /tag 1 of T is taken/],
    [[field('a', 0, -1)], /field a has -1 digits behind the point/],
    [[field('a', 0, 10)], /T\.a may have at most 9 digits/],
  ] as const) {
    assert.throws(() => loadSproto(bundleOf([...fields])), { message })
  }
})
