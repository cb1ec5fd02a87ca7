/** Cases that `unpack(pack(value))` and `copy(value)` must both pass: one meaning, two ways. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { types } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import fc from 'fast-check'
import { abortError, isSkynetError, SkynetError } from '../base/errors.ts'
import { MESSAGE_BYTES_MAX, MESSAGE_DEPTH_MAX } from '../base/limits.ts'
import { ServiceId } from './service-id.ts'

type Send = (value: unknown, root?: string) => unknown

const sparse = (): unknown[] => {
  const array: unknown[] = [1, undefined]
  array[5] = 'x'
  array.length = 9
  return array
}

const forged = (): unknown => JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}')

/** Each makes a fresh value. */
export const VALUES: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  false: () => false,
  'every edge of the integers': () =>
    [0, 127, 128, 255, 256, 32767, 32768, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53].flatMap((n) => [
      n,
      -n || 0,
      -n - 1,
    ]),
  'minus zero': () => -0,
  doubles: () => [1.5, -0, Number.NaN, Infinity, -Infinity, 5e-324, 1.7e308],
  bigints: () => [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, -(2n ** 63n) - 1n, 3n ** 500n],
  'strings of every header': () =>
    [0, 1, 24, 25, 31, 32, 48, 49, 255, 256, 5000].flatMap((n) => [
      'a'.repeat(n),
      'é'.repeat(n),
      '界'.repeat(n),
    ]),
  'strings that are not well-formed': () => ['\ud800', 'a\udc00b', '😀', '\0', '\ufeff', '\u0100'],
  dates: () => [new Date(0), new Date(1.6e12), new Date(-1)],
  'an invalid date': () => ({ at: new Date(Number.NaN) }),
  'regular expressions': () => [/a\/b/giu, /界+/, /(?:)/],
  maps: () =>
    new Map<unknown, unknown>([
      [1, 'a'],
      ['k', new Map()],
      [{ o: 1 }, [1]],
      [NaN, -0],
    ]),
  sets: () => new Set<unknown>([1, 'a', { o: 1 }, new Set([null])]),
  arrays: () => [[], [[]], Array.from({ length: 15 }, (_, i) => i), new Array(16).fill('x')],
  'a long array': () => Array.from({ length: 3000 }, (_, i) => ({ i })),
  'an array with holes': sparse,
  'an array of holes': () => new Array(3),
  objects: () => ({ a: 1, b: { c: [] }, 'odd key': 2, 界: 3, '': 4, 7: 5 }),
  'forged keys': forged,
  'an ArrayBuffer': () => [new Uint8Array([1, 2, 3]).buffer, new ArrayBuffer(0)],
  'typed arrays': () => [
    new Uint8Array([1, 2]),
    new Uint8ClampedArray([1]),
    new Int8Array([-1]),
    new Int16Array([-2, 3]),
    new Uint16Array([65535]),
    new Int32Array([-5]),
    new Uint32Array([5]),
    new Float32Array([1.5]),
    new Float64Array([1.1, NaN]),
    new BigInt64Array([-1n]),
    new BigUint64Array([2n ** 64n - 1n]),
    new Uint8Array(0),
  ],
  'a DataView': () => new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2),
  'a Buffer': () => [Buffer.from('hello'), Buffer.alloc(0), Buffer.alloc(9000, 'x')],
  errors: () => [
    new Error('plain', { cause: { n: 1 } }),
    new TypeError('type'),
    new RangeError(),
    new SyntaxError('界'),
    new AggregateError([new Error('inner')], 'many'),
  ],
  'names of services': () => [
    new ServiceId(10),
    new ServiceId(0xffffffff),
    new ServiceId('.board'),
    new ServiceId('.界'.repeat(40)),
  ],
  'a SkynetError': () =>
    new SkynetError('ERR_CALL_DEAD', { to: ':1', method: 'get' }, { cause: new Error('why') }),
}

/** Another context, as test runners make one for each test file. */
const elsewhere = createContext({})
const holedPair = (): unknown[] => {
  const array: unknown[] = [1]
  array[2] = 3
  return array
}
const there = (code: string): unknown => runInContext(code, elsewhere)

/** Values of another context, and what arrives: that of ours. */
const FOREIGN: Record<string, [code: string, wanted: () => unknown]> = {
  'a plain object': ['({ a: 1, b: { c: [1, , 3] } })', () => ({ a: 1, b: { c: holedPair() } })],
  arrays: ['[[], [1, "x"]]', () => [[], [1, 'x']]],
  maps: ['new Map([["k", { v: 1 }]])', () => new Map([['k', { v: 1 }]])],
  sets: ['new Set([1, [2]])', () => new Set([1, [2]])],
  dates: ['new Date(5)', () => new Date(5)],
  'regular expressions': ['/a\\/b/giu', () => /a\/b/giu],
  'an ArrayBuffer': ['new Uint8Array([1, 2]).buffer', () => new Uint8Array([1, 2]).buffer],
  'typed arrays': [
    '[new Uint8Array([1]), new Float64Array([1.5]), new BigInt64Array([-1n])]',
    () => [new Uint8Array([1]), new Float64Array([1.5]), new BigInt64Array([-1n])],
  ],
  'a DataView': [
    'new DataView(new Uint8Array([1, 2, 3]).buffer, 1)',
    () => new DataView(new Uint8Array([2, 3]).buffer),
  ],
}

/** What a value says of itself, and is not. */
const own = <T extends object>(value: T, key: PropertyKey, shown: unknown): T =>
  Object.defineProperty(value, key, { value: shown, configurable: true })
const LIARS: Record<string, [make: () => unknown, wanted: () => unknown]> = {
  'the flags of a RegExp': [() => own(/x/g, 'flags', 'zz'), () => /x/g],
  'the source of a RegExp': [() => own(/x/, 'source', '('), () => /x/],
  'a flag of a RegExp': [() => own(own(/x/, 'global', true), 'sticky', true), () => /x/],
  'the time of a Date': [() => own(new Date(5), 'getTime', () => 6), () => new Date(5)],
  'the primitive of a Date': [
    () => own(new Date(5), Symbol.toPrimitive, () => 6),
    () => new Date(5),
  ],
  'the entries of a Map': [
    () => own(own(own(new Map([[1, 2]]), Symbol.iterator, null), 'forEach', null), 'size', 9),
    () => new Map([[1, 2]]),
  ],
  'the values of a Set': [
    () => own(own(own(new Set([1]), Symbol.iterator, null), 'forEach', null), 'size', 9),
    () => new Set([1]),
  ],
  'the length of a view': [
    () => own(new Uint8Array([1, 2]), 'byteLength', 1),
    () => new Uint8Array([1, 2]),
  ],
  'the memory of a view': [
    () => own(new Uint8Array([1, 2]), 'buffer', new ArrayBuffer(8)),
    () => new Uint8Array([1, 2]),
  ],
  'the place of a view': [
    () => own(new Uint8Array([1, 2]), 'byteOffset', 1),
    () => new Uint8Array([1, 2]),
  ],
  'the memory of a DataView': [
    () => own(new DataView(new ArrayBuffer(2)), 'buffer', new ArrayBuffer(8)),
    () => new DataView(new ArrayBuffer(2)),
  ],
  'the length of an ArrayBuffer': [
    () => own(new ArrayBuffer(4), 'byteLength', 1),
    () => new ArrayBuffer(4),
  ],
  'its tag': [() => own({ a: 1 }, Symbol.toStringTag, 'Map'), () => ({ a: 1 })],
  'its constructor': [() => own([1], 'constructor', Map), () => [1]],
  'an iterator of an array': [() => own([1, 2], Symbol.iterator, null), () => [1, 2]],
}
const ODD_LENGTHS = [-1, 17.2, null, undefined, Number.NaN, '2', 2 ** 32, {}]

/** Identity as text: objects are numbered when first met, so sharing and cycles show. */
export function drawing(root: unknown): string {
  const met = new Map<object, number>()
  const draw = (value: unknown): string => {
    if (typeof value !== 'object' || value === null)
      return typeof value === 'string' ? JSON.stringify(value) : String(value)
    const number = met.get(value)
    if (number !== undefined) return `#${number}`
    met.set(value, met.size)
    if (value instanceof Date) return `Date(${value.getTime()})`
    if (value instanceof Map) return `Map(${[...value].flat().map(draw)})`
    if (value instanceof Set) return `Set(${[...value].map(draw)})`
    const { name } = Object.getPrototypeOf(value).constructor
    if (value instanceof Uint8Array) return `${name}(${Buffer.from(value).toString('hex')})`
    const entries = Object.entries(value)
    if (value instanceof Error) entries.sort()
    const inside = entries.map(([key, item]) => `${key}:${draw(item)}`)
    return `${name}(${inside})`
  }
  return draw(root)
}

/** A graph: node i is of some kind and holds others by number, itself included. */
const graphs = fc
  .array(fc.tuple(fc.nat(3), fc.array(fc.nat(9), { maxLength: 4 })), {
    minLength: 1,
    maxLength: 10,
  })
  .map((plan) => {
    const nodes = plan.map(([kind]) => [[], {}, new Map(), new Set()][kind]!)
    for (const [i, [, links]] of plan.entries()) {
      const node = nodes[i]!
      for (const [at, link] of links.entries()) {
        const to = nodes[link % nodes.length]!
        if (Array.isArray(node)) node.push(to as never)
        else if (node instanceof Map) node.set(at & 1 ? to : at, to)
        else if (node instanceof Set) node.add(to)
        else (node as Record<string, unknown>)[`k${at}`] = to
      }
    }
    return nodes[0]
  })

/** Not `fc.string`: its table of all characters takes a second, in each thread that loads this. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff })))
  .map((points) => String.fromCodePoint(...points))

const things = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withNullPrototype: true,
  key: fc.oneof(fc.string(), fc.constant('__proto__'), anyText),
  maxDepth: 4,
})

function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 1
  for (let i = 0; i < levels; i++) value = wrap(value)
  return value
}

const nothing = () => {}
const holed = (last: unknown) => Object.assign(new Array(3), { 2: last })

class Point {
  x = 1
}

const oddId = (): ServiceId => Object.assign(new ServiceId(1), { target: -1 })

const REFUSED: readonly [string, unknown, path: string, type: string][] = [
  ['a function', () => {}, 'args', 'function'],
  ['a symbol', [Symbol('s')], 'args[0]', 'symbol'],
  ['a promise', { a: Promise.resolve() }, 'args.a', 'Promise'],
  ['a WeakMap', { 'odd key': [new WeakMap()] }, 'args["odd key"][0]', 'WeakMap'],
  ['an instance', [0, { items: { get: new Point() } }], 'args[1].items.get', 'Point'],
  ['a function as Map value', new Map([['k', [() => {}]]]), 'args.get("k")[0]', 'function'],
  ['a function as Map key', new Map([[() => {}, 1]]), 'args.keys()[0]', 'function'],
  ['a function under an object key', new Map([[{}, nothing]]), 'args.values()[0]', 'function'],
  ['a function in a Set', new Set([1, nothing]), 'args.values()[1]', 'function'],
  ['a function after a hole', [holed(nothing)], 'args[0][2]', 'function'],
  ['a function as cause', new Error('x', { cause: nothing }), 'args.cause', 'function'],
  ['shared memory', [new SharedArrayBuffer(8)], 'args[0]', 'SharedArrayBuffer'],
  [
    'a view of shared memory',
    new Uint8Array(new SharedArrayBuffer(8)),
    'args',
    'SharedArrayBuffer',
  ],
  ['a subclass of Array', new (class List extends Array {})(), 'args', 'List'],
  ['a subclass of Map', new (class Table extends Map {})(), 'args', 'Table'],
  ['a forged Date', Object.create(Date.prototype), 'args', 'Date'],
  ['a forged DOMException', [Object.create(DOMException.prototype)], 'args[0]', 'DOMException'],
  ['a forged name of a service', [Object.create(ServiceId.prototype)], 'args[0]', 'ServiceId'],
  ['a Proxy of one', new Proxy(new ServiceId(1), {}), 'args', 'ServiceId'],
  ['one of a service that cannot be', oddId(), 'args', 'ServiceId'],
  ['a forged Map', Object.create(Map.prototype), 'args', 'Map'],
  ['a boxed number', Object(1), 'args', 'Number'],
]

export function testValues(name: string, send: Send): void {
  for (const [label, make] of Object.entries(VALUES))
    test(`${name} keeps ${label}`, () => {
      assert.equal(drawing(send(make())), drawing(make()))
      // Two errors never have one stack, and assert takes no invalid date for another.
      if (!/rror|invalid/.test(label)) assert.deepStrictEqual(send(make()), make())
    })

  testObjects(name, send)
  testMemory(name, send)
  testGetters(name, send)
  testLies(name, send)
  testForeign(name, send)
  testErrors(name, send)
  testLimits(name, send)
  testProperties(name, send)
}

function testObjects(name: string, send: Send): void {
  test(`${name} never makes a prototype of a key`, () => {
    const got = send(forged()) as object
    assert.equal(Object.getPrototypeOf(got), Object.prototype)
    assert.deepEqual(Object.keys(got), ['__proto__', 'constructor'])
    assert.equal('admin' in got, false)
  })

  test(`${name} keeps sharing among few objects and among many`, () => {
    for (const count of [2, 31, 32, 33, 100]) {
      const list = Array.from({ length: count }, (_, i) => ({ i }))
      const value = [...list, ...list.toReversed(), list]
      assert.equal(drawing(send(value)), drawing(value))
    }
  })

  test(`${name} keeps holes apart from undefined`, () => {
    const got = send(sparse()) as unknown[]
    assert.deepEqual([got.length, Object.keys(got)], [9, ['0', '1', '5']])
  })

  test(`${name} takes a sparse array at the cost of what it holds`, () => {
    const array: unknown[] = []
    array[4_000_000_000] = { x: 1 }
    const got = send([array, new Array(50_000_000)]) as unknown[][]
    assert.equal(got[0]!.length, 4_000_000_001)
    assert.deepEqual(got[0]![4_000_000_000], { x: 1 })
    assert.equal(got[1]!.length, 50_000_000)
  })
}

function testMemory(name: string, send: Send): void {
  test(`${name} gives memory of its own to views and buffers`, () => {
    const memory = new Uint8Array(64)
    const views = [memory.subarray(8, 12), memory.buffer, Buffer.from(memory.buffer, 4, 8)]
    const [part, whole, buffer] = send(views) as [Uint8Array, ArrayBuffer, Buffer]
    memory.fill(1)
    assert.deepEqual([part.byteLength, part.buffer.byteLength], [4, 4])
    assert.ok(!Buffer.isBuffer(part) && Buffer.isBuffer(buffer))
    assert.ok([part, new Uint8Array(whole), buffer].every((bytes) => bytes.every((b) => b === 0)))
  })

  test(`${name} refuses memory that was given away`, () => {
    const bytes = new Uint8Array(8)
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    assert.throws(() => send(bytes), { code: 'ERR_MESSAGE_UNSUPPORTED' })
    assert.throws(() => send([bytes.buffer]), { code: 'ERR_MESSAGE_UNSUPPORTED' })
  })
}

function testGetters(name: string, send: Send): void {
  test(`${name} reads getters once and leaves symbols and inherited keys out`, () => {
    let reads = 0
    const value = Object.assign(Object.create(null), { a: 1, [Symbol('s')]: 2 })
    Object.defineProperty(value, 'b', { enumerable: true, get: () => ++reads })
    Object.defineProperty(value, 'hidden', { value: 3 })
    assert.deepStrictEqual(send(value), { a: 1, b: 1 })
    assert.equal(reads, 1)
    const polluted = Object.prototype as { polluted?: number }
    polluted.polluted = 1
    try {
      assert.deepEqual(Object.keys(send({ a: 1 }) as object), ['a'])
    } finally {
      delete polluted.polluted
    }
  })

  test(`${name} survives a getter that sends`, () => {
    const value = {
      a: 'before',
      get b() {
        return send({ deep: ['other', 1] }) as object
      },
      c: 'after',
    }
    assert.deepStrictEqual(send(value), { a: 'before', b: { deep: ['other', 1] }, c: 'after' })
  })

  test(`${name} passes on what a getter throws, and works again`, () => {
    const wrong = new Error('wrong')
    const bad = {
      get a(): never {
        throw wrong
      },
    }
    assert.throws(
      () => send([{}, bad]),
      (error) => error === wrong,
    )
    assert.throws(() => send([{}, nothing]))
    const shared = {}
    assert.equal(drawing(send([shared, shared])), 'Array(0:Object(),1:#1)')
  })
}

function testLies(name: string, send: Send): void {
  for (const [label, [make, wanted]] of Object.entries(LIARS))
    test(`${name} takes what a value is, whatever it says: ${label}`, () => {
      const got = send(make())
      assert.deepStrictEqual(got, wanted())
      if (got instanceof RegExp) assert.equal(String(got), String(wanted()))
    })

  test(`${name} refuses a Proxy of an array with a length that no array has`, () => {
    for (const length of ODD_LENGTHS) {
      const get = (target: number[], key: PropertyKey): unknown =>
        key === 'length' ? length : Reflect.get(target, key)
      assert.throws(() => send({ list: new Proxy([1, 2], { get }) }, 'args'), {
        code: 'ERR_MESSAGE_UNSUPPORTED',
        info: { path: 'args.list', type: 'Array' },
      })
    }
  })
}

function testForeign(name: string, send: Send): void {
  for (const [label, [code, wanted]] of Object.entries(FOREIGN))
    test(`${name} brings ${label} of another context`, () => {
      const [got, nested] = send([there(code), { inside: there(code) }]) as [unknown, object]
      assert.deepStrictEqual(got, wanted())
      assert.deepStrictEqual(nested, { inside: wanted() })
    })

  test(`${name} brings errors of another context, also of classes of its own`, () => {
    const got = send(there('new RangeError("far", { cause: new Error("why") })')) as RangeError
    assert.ok(got instanceof RangeError && got.cause instanceof Error)
    assert.deepEqual([got.name, got.message], ['RangeError', 'far'])
    const code = 'new (class Bad extends TypeError { name = "Bad"; code = "EBAD" })("x")'
    const bad = send(there(code)) as TypeError & { code: string }
    assert.equal(Object.getPrototypeOf(bad), TypeError.prototype)
    assert.deepEqual([bad.name, bad.message, bad.code], ['Bad', 'x', 'EBAD'])
  })

  test(`${name} refuses what another context may not send either`, () => {
    const made: [string, string][] = [
      ['new (class Point {})()', 'Point'],
      ['new (class Table extends Map {})()', 'Table'],
      ['Promise.resolve()', 'Promise'],
      ['Object.create(Map.prototype)', 'Map'],
      ['Object(1)', 'Number'],
      // One that passes itself off as the prototype of all objects.
      ['Object.create(Object.create(null, { constructor: { value: Object } }))', 'Object'],
      [
        '(() => { function Object() {} Object.prototype = globalThis.Object.create(null, ' +
          '{ constructor: { value: Object } }); return new Object() })()',
        'Object',
      ],
    ]
    for (const [code, type] of made) {
      assert.throws(() => send([there(code)], 'args'), {
        code: 'ERR_MESSAGE_UNSUPPORTED',
        info: { path: 'args[0]', type },
      })
    }
  })

  test(`${name} counts levels of another context`, () => {
    const levels = (count: number, open: string, close: string): unknown =>
      there(`${open.repeat(count)}1${close.repeat(count)}`)
    for (const [open, close] of [
      ['[', ']'],
      ['({ a: ', '})'],
    ] as const) {
      send(levels(MESSAGE_DEPTH_MAX, open, close))
      assert.throws(() => send(levels(MESSAGE_DEPTH_MAX + 1, open, close)), {
        code: 'ERR_MESSAGE_TOO_DEEP',
      })
    }
  })
}

function testErrors(name: string, send: Send): void {
  test(`${name} keeps class, text, stack, cause and code of errors`, () => {
    const cause = new TypeError('why')
    const error = Object.assign(new RangeError('far', { cause }), { code: 'EFAR', errno: -1 })
    const got = send(error) as RangeError & { code: string; cause: Error; errno?: number }
    assert.ok(types.isNativeError(got) && got instanceof RangeError && got !== error)
    assert.deepEqual([got.message, got.stack, got.code], ['far', error.stack, 'EFAR'])
    assert.ok(got.cause instanceof TypeError && got.cause.message === 'why')
    assert.deepEqual(Object.keys(got), ['code'])
  })

  test(`${name} gives a user's error its nearest standard class and its own name`, () => {
    class Bad extends TypeError {
      override name = 'Bad'
    }
    const got = send(new Bad('x')) as Error
    assert.equal(Object.getPrototypeOf(got), TypeError.prototype)
    assert.deepEqual([got.name, got.message], ['Bad', 'x'])
  })

  test(`${name} brings a SkynetError with code and info`, () => {
    const got = send(new SkynetError('ERR_NAME_TAKEN', { name: '.db' }))
    assert.ok(isSkynetError(got, 'ERR_NAME_TAKEN') && got.info.name === '.db')
    assert.deepEqual(
      [got.name, got.message],
      ['SkynetError', 'Cannot register .db: the name is taken'],
    )
  })

  test(`${name} brings an abort with its DOMException`, () => {
    const got = send(abortError(AbortSignal.abort())) as SkynetError
    assert.ok(isSkynetError(got, 'ABORT_ERR') && got.cause instanceof DOMException)
    assert.deepEqual([got.name, got.cause.name], ['AbortError', 'AbortError'])
  })

  test(`${name} keeps an error that is its own cause`, () => {
    const error = new Error('loop')
    error.cause = error
    const got = send(error) as Error
    assert.ok(got.cause === got && got !== error)
  })
}

function testLimits(name: string, send: Send): void {
  for (const [label, value, path, type] of REFUSED)
    test(`${name} refuses ${label}`, () => {
      assert.throws(() => send(value, 'args'), {
        code: 'ERR_MESSAGE_UNSUPPORTED',
        info: { path, type },
      })
    })

  const wraps: [string, (inner: unknown) => unknown, string][] = [
    ['arrays', (inner) => [inner], '[0]'],
    ['objects', (inner) => ({ a: inner }), '.a'],
    ['maps', (inner) => new Map([['a', inner]]), '.get("a")'],
    ['sets', (inner) => new Set([inner]), '.values()[0]'],
    ['errors', (inner) => new Error('e', { cause: inner }), '.cause'],
  ]
  for (const [label, wrap, step] of wraps)
    test(`${name} takes ${MESSAGE_DEPTH_MAX} levels of ${label} and refuses one more`, () => {
      const edge = nested(MESSAGE_DEPTH_MAX, wrap)
      assert.equal(drawing(send(edge)), drawing(edge))
      const path = `args${step.repeat(MESSAGE_DEPTH_MAX)}`
      assert.throws(() => send(wrap(edge), 'args'), {
        code: 'ERR_MESSAGE_TOO_DEEP',
        info: { path, limit: MESSAGE_DEPTH_MAX },
      })
    })

  // Proves: docs/limits.md#message
  test(`${name} refuses more than MESSAGE_BYTES_MAX`, () => {
    const huge = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX + 1)
    assert.throws(() => send(huge), { code: 'ERR_MESSAGE_TOO_LARGE' })
    assert.throws(() => send({ text: 'x'.repeat(MESSAGE_BYTES_MAX) }), {
      code: 'ERR_MESSAGE_TOO_LARGE',
    })
    assert.throws(() => send('x'.repeat(MESSAGE_BYTES_MAX)), { code: 'ERR_MESSAGE_TOO_LARGE' })
  })
}

function testProperties(name: string, send: Send): void {
  test(`${name} means what structured clone means`, () => {
    fc.assert(
      fc.property(things, (value) => {
        const [got, wanted] = [send(value), structuredClone(value)]
        assert.equal(drawing(got), drawing(wanted))
        // Node 20's assert takes no invalid date for another.
        if (!drawing(wanted).includes('Date(NaN)')) assert.deepStrictEqual(got, wanted)
      }),
      { numRuns: 500 },
    )
  })

  test(`${name} keeps every graph of shared and cyclic objects`, () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        assert.equal(drawing(send(graph)), drawing(structuredClone(graph)))
        assert.equal(drawing(send(graph)), drawing(graph))
      }),
      { numRuns: 500 },
    )
  })
}
