/** What the original packs and unpacks. */
import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { test } from 'node:test'
import { isSkynetError } from '../../base/errors.ts'
import { vectorsOf } from '../../testing/vectors.ts'
import { LuaFloat } from './lua-float.ts'
import { unpackValues } from './reader.ts'
import { packValues } from './writer.ts'

type Runs = readonly (readonly [hex: string, count: number])[]

/** A value of Lua, as the legend of the file says. */
type Tagged =
  | null
  | boolean
  | { readonly int: string }
  | { readonly f64: string; readonly bits: string }
  | { readonly str: string }
  | { readonly strHex: string }
  | { readonly strHexRle: Runs }
  | Table

type Table = { readonly hash: readonly (readonly [Tagged, Tagged])[] } & (
  | { readonly array: readonly Tagged[] }
  | { readonly arrayRepeat: readonly [Tagged, number] }
  | { readonly arraySeq: number }
)

interface Vector {
  readonly lua: string
  readonly hex?: string
  readonly hexRle?: Runs
  readonly values: readonly Tagged[]
}

interface Vectors {
  readonly vectors: readonly Vector[]
  readonly packErrors: readonly { readonly lua: string }[]
  readonly decode: readonly {
    readonly note: string
    readonly hex: string
    readonly ok: boolean
    readonly values?: readonly Tagged[]
  }[]
}

const DATA = vectorsOf<Vectors>('seri')

const ofRuns = (runs: Runs): Buffer =>
  Buffer.concat(runs.map(([hex, count]) => Buffer.from(hex.repeat(count), 'hex')))
const bytesOf = ({ hex, hexRle }: Vector): Buffer =>
  hexRle === undefined ? Buffer.from(hex!, 'hex') : ofRuns(hexRle)

function arrayOf(table: Table): readonly Tagged[] {
  if ('array' in table) return table.array
  if ('arraySeq' in table) {
    return Array.from({ length: table.arraySeq }, (_, i) => ({ int: `${i + 1}` }))
  }
  return Array(table.arrayRepeat[1]).fill(table.arrayRepeat[0]) as Tagged[]
}

/** In JavaScript, by the rules of docs/codec.md; floats apart from integers. */
function valueIn(tagged: Tagged): unknown {
  if (tagged === null) return undefined
  if (typeof tagged === 'boolean') return tagged
  if ('int' in tagged) {
    return Number.isSafeInteger(Number(tagged.int)) ? Number(tagged.int) : BigInt(tagged.int)
  }
  if ('f64' in tagged) return floatOf(Buffer.from(tagged.bits, 'hex').readDoubleLE())
  if ('str' in tagged) return tagged.str
  if ('strHex' in tagged) return textOf(Buffer.from(tagged.strHex, 'hex'))
  if ('strHexRle' in tagged) return textOf(ofRuns(tagged.strHexRle))
  const array = arrayOf(tagged).map(valueIn)
  if (tagged.hash.length === 0) return array
  const present = [...array.entries()].filter(([, value]) => value !== undefined)
  const map = new Map(present.map(([i, value]): [unknown, unknown] => [i + 1, value]))
  for (const [key, value] of tagged.hash) map.set(valueIn(key), valueIn(value))
  const keys = [...map.keys()]
  if (keys.every((key) => typeof key === 'string')) return Object.fromEntries(map)
  return keys.every((_, i) => map.has(i + 1)) ? keys.map((_, i) => map.get(i + 1)) : map
}

const floatOf = (value: number): unknown =>
  Number.isSafeInteger(value) && !Object.is(value, -0) ? new LuaFloat(value) : value
const textOf = (bytes: Buffer): unknown => (isUtf8(bytes) ? bytes.toString() : bytes)

/** Lua tells pairs in the order of its hashes, which is another one each time. */
function hasOneOrder(tagged: Tagged): boolean {
  if (tagged === null || typeof tagged !== 'object' || !('hash' in tagged)) return true
  const inside = [...arrayOf(tagged), ...tagged.hash.flat()]
  return tagged.hash.length < 2 && inside.every(hasOneOrder)
}

test('unpackValues() takes all that the original packs', () => {
  assert.ok(DATA.vectors.length > 150)
  for (const vector of DATA.vectors) {
    const values = unpackValues(bytesOf(vector), true)
    assert.deepEqual(values, vector.values.map(valueIn), vector.lua)
  }
})

test('packValues() packs the same bytes as the original', () => {
  let same = 0
  for (const vector of DATA.vectors) {
    const values = vector.values.map(valueIn)
    const bytes = packValues(values)
    assert.deepEqual(unpackValues(bytes, true), values, vector.lua)
    // NaN has one form in JavaScript; the order of pairs is what it is.
    if (values.some(Number.isNaN) || !vector.values.every(hasOneOrder)) continue
    assert.equal(bytes.toString('hex'), bytesOf(vector).toString('hex'), vector.lua)
    same++
  }
  assert.ok(same > 140, `${same} are compared`)
})

test('unpackValues() takes the same odd forms as the original, and refuses the same', () => {
  for (const { note, hex, ok, values } of DATA.decode) {
    const bytes = Buffer.from(hex, 'hex')
    if (ok) assert.deepEqual(unpackValues(bytes, true), values!.map(valueIn), note)
    else
      assert.throws(
        () => unpackValues(bytes),
        (error) => isSkynetError(error, 'ERR_CODEC'),
        note,
      )
  }
})

test('bytes that are cut off at any place are refused, or are fewer values', () => {
  for (const vector of DATA.vectors) {
    const bytes = bytesOf(vector)
    const whole = unpackValues(bytes, true)
    for (let end = 0; end < Math.min(bytes.length, 300); end++) {
      try {
        const values = unpackValues(bytes.subarray(0, end), true)
        assert.deepEqual(values, whole.slice(0, values.length), vector.lua)
      } catch (error) {
        assert.ok(isSkynetError(error, 'ERR_CODEC'), String(error))
      }
    }
  }
})

const nest = (depth: number, value: unknown): unknown =>
  depth === 0 ? value : [nest(depth - 1, value)]
const nestk = (depth: number, value: unknown): unknown =>
  depth === 0 ? value : { k: nestk(depth - 1, value) }
const cyclic: unknown[] = []
cyclic.push(cyclic)

/** What the original refuses to pack, in JavaScript. */
const REFUSED: Readonly<Record<string, unknown>> = {
  'nest(33,1)': nest(33, 1),
  'nestempty(34)': nest(33, []),
  "nestk(33,'x')": nestk(33, 'x'),
  '(function() local t={} t.t=t return t end)()': cyclic,
  print: console.log,
  '{print}': [console.log],
  '{x=function() end}': { x: () => {} },
  '{[print]=1}': new Map([[console.log, 1]]),
  '{a={b={c=print}}}': { a: { b: { c: console.log } } },
}

test('packValues() refuses what the original refuses, and takes what is just not too deep', () => {
  const known = DATA.packErrors.map(({ lua }) => lua)
  for (const [lua, value] of Object.entries(REFUSED)) {
    assert.ok(known.includes(lua), lua)
    const code = /ERR_MESSAGE_TOO_DEEP|ERR_MESSAGE_UNSUPPORTED/
    assert.throws(
      () => packValues([value]),
      (error) => code.test((error as { code: string }).code),
    )
  }
  for (const value of [nest(32, 1), nest(32, []), nestk(32, 'x')]) {
    assert.deepEqual(unpackValues(packValues([value])), [value])
  }
})

// Proves: docs/codec.md#hostile
test('what makes the original run out of memory, or crash, is refused at once', () => {
  for (const length of [1_000_000, 134_217_728, 2_147_483_647]) {
    const bytes = Buffer.from('fe2200000000', 'hex')
    bytes.writeInt32LE(length, 2)
    assert.throws(() => unpackValues(bytes), { code: 'ERR_CODEC' })
  }
  for (const [opened, closed] of [
    ['0e', '00'],
    ['06', ''],
  ]) {
    for (const depth of [150_000, 190_000, 1_000_000]) {
      const bytes = Buffer.from(opened!.repeat(depth) + closed!.repeat(depth), 'hex')
      assert.throws(() => unpackValues(bytes), { code: 'ERR_CODEC' })
    }
  }
})
