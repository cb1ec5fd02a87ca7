import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSkynetError } from '../base/errors.ts'
import { CODEC_CROWD_MAX } from '../base/limits.ts'
import type { Codec } from './codec.ts'
import { msgpack } from './msgpack.ts'
import { NumberKeys, numberHash } from './number-keys.ts'
import { seri } from './seri/seri.ts'
import { sproto } from './sproto/sproto.ts'

type Key = number | bigint

const KINDS: Readonly<Record<string, (i: number) => Key>> = {
  small: (i) => i,
  negative: (i) => -i,
  wide: (i) => 2 ** 40 + i,
  float: (i) => i + 0.5,
  bigint: (i) => 2n ** 62n + BigInt(i),
}

/** So many keys that are in one place of a table with up to `places`. */
function crowd(count: number, places: number, keyOf: (i: number) => Key): Key[] {
  const keys: Key[] = []
  for (let i = 1; keys.length < count; i++) {
    const key = keyOf(i)
    if ((numberHash(key) & (places - 1)) === 0) keys.push(key)
  }
  return keys
}

const cut = (value: bigint): bigint => BigInt.asUintN(64, value)

function wideHash(key: bigint): number {
  let hash = cut(~key + (key << 18n))
  hash ^= hash >> 31n
  hash = cut(hash * 21n)
  hash ^= hash >> 11n
  hash = cut(hash + (hash << 6n))
  return Number((hash ^ (hash >> 22n)) & 0x3fffffffn)
}

const isTaken = (keys: Iterable<unknown>): boolean => {
  const numbers = new NumberKeys()
  for (const key of keys) if (!numbers.add(key)) return false
  return true
}

test('numberHash() of 64 bits is what it is in whole integers', () => {
  const bits = new BigUint64Array(1)
  const double = new Float64Array(bits.buffer)
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (key) => {
      assert.equal(numberHash(key), wideHash(key))
      assert.equal(numberHash(-key), wideHash(key))
      bits[0] = key
      const value = double[0]!
      if (!Number.isNaN(value) && (value | 0) !== value)
        assert.equal(numberHash(value), wideHash(key))
    }),
  )
})

/** The least of a few times: what another thread of the process takes is in some of them only. */
function fillMs(keys: readonly Key[]): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const before = process.cpuUsage()
    const map = new Map<Key, number>()
    for (const key of keys) map.set(key, i)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

for (const [kind, keyOf] of Object.entries(KINDS)) {
  test(`numberHash() is where V8 puts a ${kind} key: in one place they take long`, () => {
    const count = 3000
    const alike = crowd(count, 1024, keyOf)
    const others = Array.from({ length: count }, (_, i) => keyOf(i + 1))
    const [long, short] = [fillMs(alike), fillMs(others)]
    assert.ok(long > short * 5, `${long} ms, and ${short} ms for others`)
  })

  test(`NumberKeys refuses ${kind} keys that are in one place`, () => {
    assert.equal(isTaken(crowd(64 + CODEC_CROWD_MAX, 1024, keyOf)), true)
    assert.equal(isTaken(crowd(64 + CODEC_CROWD_MAX + 1, 1024, keyOf)), false)
    const first = Array.from({ length: 5000 }, (_, i) => keyOf(i + 1))
    assert.equal(isTaken([...first, ...crowd(CODEC_CROWD_MAX * 2, 4096, keyOf)]), false)
  })
}

test('NumberKeys takes all keys that nobody has chosen for their places', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 33 }),
      fc.maxSafeInteger(),
      fc.constantFrom(1, 0.1, 2 ** -20),
      (step, first, factor) => {
        const keys = Array.from({ length: 3000 }, (_, i) => (first + i * step) * factor)
        assert.equal(isTaken(keys), true)
        const wholes = keys.filter(Number.isInteger)
        assert.equal(isTaken(wholes.map((key) => BigInt(key) * 1024n)), true)
      },
    ),
  )
  for (let shift = 0; shift < 52; shift++) {
    const ids = Array.from({ length: 20_000 }, (_, i) => i * 2 ** shift)
    assert.equal(isTaken(ids), true, `steps of 2^${shift}`)
  }
  assert.equal(isTaken(Array.from({ length: 5000 }, () => 'text')), true)
})

const isWide = (key: Key): boolean => key > 2 ** 32

const SCHEMA = `
.Item { id 0 : integer  value 1 : integer }
.Bag { items 0 : *Item(id)  pairs 1 : *Item() }
`

const bag = sproto(SCHEMA).withBigInts().codec('Bag')
type Row = readonly [name: string, codec: Codec<unknown>, of: (keys: readonly Key[]) => unknown]
const ROWS: readonly Row[] = [
  ['seri', seri() as Codec<unknown>, (keys) => [new Map(keys.map((key) => [key, true]))]],
  [
    'seri behind an array',
    seri() as Codec<unknown>,
    (keys) => [new Map([[1, true], ...keys.map((key) => [key, true] as const)])],
  ],
  // Of wide numbers it makes floats, which are no keys there, and of a bigint an integer.
  [
    'msgpack',
    msgpack(),
    (keys) => new Map(keys.map((key) => [isWide(key) ? BigInt(key) : key, 1])),
  ],
  [
    'sproto *Item(id)',
    bag as Codec<unknown>,
    (keys) => ({ items: new Map(keys.map((id) => [id, { id, value: 1 }])) }),
  ],
  [
    'sproto *Item()',
    bag as Codec<unknown>,
    (keys) => ({ pairs: new Map(keys.map((id) => [id, 1])) }),
  ],
]

for (const [name, codec, messageOf] of ROWS) {
  // Proves: docs/codec.md#hostile
  // Proves: docs/limits.md#codec-crowd
  test(`keys that are in one place are refused (${name})`, () => {
    for (const kind of ['small', 'negative', 'wide', 'bigint']) {
      const keyOf = KINDS[kind]!
      const many = Array.from({ length: 3000 }, (_, i) => keyOf(i + 1))
      codec.decode(codec.encode(messageOf(many)))
      const bytes = codec.encode(messageOf(crowd(300, 1024, keyOf)))
      assert.throws(
        () => codec.decode(bytes),
        (error: unknown) => {
          assert.ok(isSkynetError(error, 'ERR_CODEC'), String(error))
          assert.match(error.message, /too many keys in one place/)
          return true
        },
      )
    }
  })
}

// Proves: docs/sproto.md#map
test('a key that comes again and again is one key', () => {
  const items = Array.from({ length: 1000 }, (_, i) => ({ id: i % 3, value: i }))
  const { items: made } = bag.decode(bag.encode({ items }))
  assert.deepEqual(
    [...made!.values()],
    items.slice(-3).toSorted((a, b) => a.id - b.id),
  )
})
