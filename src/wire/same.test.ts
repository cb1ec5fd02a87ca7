/** A message means one thing: `copy` and `unpack(pack())` agree on values that say odd things. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createContext, runInContext, runInThisContext } from 'node:vm'
import fc from 'fast-check'
import { isSkynetError } from '../base/errors.ts'
import { copy } from './copy.ts'
import { Packer } from './pack.ts'
import { throughBytes } from './packing.kit.ts'
import { drawing } from './values.suite.ts'

const packer = new Packer()
const through = (value: unknown): unknown => throughBytes(packer, value)

/** Each kind of object there is, made anew. */
const MADE: readonly string[] = [
  '({ a: 1, b: [2] })',
  'Object.create(null)',
  '[1, { x: 2 }, 3]',
  'new Array(3)',
  'new Date(5)',
  'new Date(NaN)',
  '/a\\/b/gimsuy',
  'new Map([[1, { a: 2 }]])',
  'new Set(["x", [1]])',
  'new ArrayBuffer(8)',
  'new SharedArrayBuffer(8)',
  'new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])',
  'new Float64Array([1.5])',
  'new BigUint64Array(2)',
  'new DataView(new ArrayBuffer(8), 2, 4)',
  'new Error("e", { cause: { c: 1 } })',
  'new AggregateError([new RangeError("r")], "many")',
  'new (class Bad extends TypeError {})("bad")',
  'new (class Table extends Map {})()',
  'new (class List extends Array {})(3)',
  'Object(1)',
  'Object("text")',
  'Promise.resolve()',
  'new WeakMap()',
  '(function () { return arguments })(1, 2)',
  '(() => {})',
]
/** What code reads of objects, and some that it should not. */
const KEYS: readonly PropertyKey[] = [
  ...['length', 'size', 'flags', 'source', 'global', 'sticky', 'lastIndex', 'exec'],
  ...['byteLength', 'byteOffset', 'buffer', 'BYTES_PER_ELEMENT', 'slice', 'subarray', 'set'],
  ...['name', 'message', 'stack', 'code', 'info', 'cause', 'errors'],
  ...['constructor', 'toJSON', 'toString', 'valueOf', 'getTime', 'forEach', 'entries', 'keys'],
  ...['get', 'has', 'then', 'a', '0', '__proto__'],
  ...[Symbol.iterator, Symbol.toPrimitive, Symbol.toStringTag, Symbol.species, Symbol.hasInstance],
]
/** Code of what is read there. */
const SHOWN: readonly string[] = [
  ...['undefined', 'null', '-1', '0', '3', '17.2', 'NaN', '2 ** 32', '1n', '"zz"', '"("', 'true'],
  ...['[]', '[1]', '({})', '() => 7', 'null', 'new Error("inner")', 'new ArrayBuffer(2)', 'Map'],
]

interface Odd {
  readonly made: string
  readonly isForeign: boolean
  readonly lies: readonly { key: PropertyKey; shown: string; how: 'own' | 'getter' | 'hidden' }[]
  /** What a Proxy says, of that key; none: it is no Proxy. */
  readonly proxied: { key: PropertyKey; shown: string } | undefined
}

const odds: fc.Arbitrary<Odd> = fc.record({
  made: fc.constantFrom(...MADE),
  isForeign: fc.boolean(),
  lies: fc.array(
    fc.record({
      key: fc.constantFrom(...KEYS),
      shown: fc.constantFrom(...SHOWN),
      how: fc.constantFrom('own' as const, 'getter' as const, 'hidden' as const),
    }),
    { maxLength: 3 },
  ),
  proxied: fc.option(
    fc.record({ key: fc.constantFrom(...KEYS), shown: fc.constantFrom(...SHOWN) }),
    { nil: undefined },
  ),
})

const there = createContext({})

function make({ made, isForeign, lies, proxied }: Odd): unknown {
  const run = (code: string): unknown =>
    isForeign ? runInContext(code, there) : runInThisContext(code)
  const value = run(made) as object
  for (const { key, shown, how } of lies) {
    const said = run(`(${shown})`)
    const enumerable = how !== 'hidden'
    const what = how === 'getter' ? { get: () => said } : { value: said }
    try {
      Reflect.defineProperty(value, key, { ...what, enumerable, configurable: true })
    } catch {
      // No array has such a length.
    }
  }
  if (proxied === undefined) return value
  const said = run(`(${proxied.shown})`)
  const get = (target: object, key: PropertyKey): unknown =>
    key === proxied.key ? said : Reflect.get(target, key)
  return new Proxy(value, { get })
}

/** What becomes of a value: how it arrives, or why not. */
function fateOf(send: (value: unknown) => unknown, value: unknown): string {
  try {
    return drawing(send(value))
  } catch (error) {
    if (!isSkynetError(error)) return `threw ${String(error)}`
    return `${error.code} ${JSON.stringify(error.info)}`
  }
}

// Proves: docs/semantics.md#message-same
test('copy() and unpack(pack()) agree on values that say odd things of themselves', () => {
  fc.assert(
    fc.property(odds, (odd) => {
      // Each gets one of its own, lest the first has changed it.
      assert.equal(fateOf(copy, make(odd)), fateOf(through, make(odd)))
    }),
    { numRuns: 3000 },
  )
})
