/** Objects of known shapes: other bytes, another way to read them, the same meaning. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSkynetError } from '../base/errors.ts'
import { copy } from './copy.ts'
import { Packer } from './pack.ts'
import { packedBy } from './packing.kit.ts'
import { HEAD, TAG } from './tags.ts'
import { unpack } from './unpack.ts'
import { drawing, VALUES } from './values.suite.ts'

/** A shape sent so often in a row is known to the packer, and to the reader by code. */
const OFTEN = 256
const packer = new Packer()

const packed = (value: unknown): Buffer => packedBy(packer, value)
const read = (input: Buffer): unknown => unpack(input, 0, input.length)
const send = (value: unknown): unknown => read(packed(value))
const bytes = (...list: (number | string)[]): Buffer =>
  Buffer.concat(
    list.map((part) =>
      typeof part === 'number'
        ? Buffer.of(part)
        : Buffer.concat([Buffer.of(TAG.SHORT_STRING | part.length), Buffer.from(part, 'latin1')]),
    ),
  )

/** A message of one object whose keys are a block. */
const shaped = (keys: readonly string[], ...rest: number[]): Buffer => {
  const block = bytes(...keys)
  return Buffer.concat([bytes(HEAD.PLAIN, TAG.SHAPED, block.length), block, bytes(...rest)])
}

function isMalformed(input: Buffer): boolean {
  try {
    read(input)
    return false
  } catch (error) {
    if (isSkynetError(error, 'ERR_MESSAGE_MALFORMED')) return true
    throw error
  }
}

function learned(make: () => unknown): Buffer {
  for (let i = 0; i < OFTEN; i++) send(make())
  return packed(make())
}

const many = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))

/** Each makes a fresh object; true where its keys may be a block. */
const SHAPES: Record<string, readonly [isBlock: boolean, make: () => unknown]> = {
  'a small object': [true, () => ({ room: 'lobby', nick: 'n', text: 'hello', at: 7 })],
  'the start of another': [true, () => ({ room: 'lobby', nick: 'n' })],
  'objects inside objects': [true, () => ({ a: { b: { c: [{ d: 1 }, { d: {} }] } }, e: { b: 1 } })],
  'odd keys': [
    true,
    () => ({ '': 1, 'é"\\\n': 2, constructor: 3, toString: 4, hasOwnProperty: 5 }),
  ],
  'integer keys': [true, () => ({ b: 1, 7: 2, 0: 3, '-1': 4, '01': 5 })],
  '32 keys': [true, () => many(32)],
  '33 keys': [false, () => many(33)],
  '300 keys': [false, () => many(300)],
  'no keys': [true, () => ({})],
  'a key __proto__': [false, () => JSON.parse('{"a":1,"__proto__":{"b":2},"c":3}')],
  'a wide key': [false, () => ({ a: 1, 界: 2 })],
  'a key of 31 characters': [true, () => ({ ['x'.repeat(31)]: 1 })],
  'a key of 32 characters': [false, () => ({ ['x'.repeat(32)]: 1 })],
  'a key of 5000 characters': [false, () => ({ ['x'.repeat(5000)]: 1 })],
  'keys of 255 bytes': [
    true,
    () => Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${i}`.repeat(i ? 31 : 30), i])),
  ],
  'keys of 256 bytes': [
    false,
    () => Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${i}`.repeat(31), i])),
  ],
}

for (const [label, [isBlock, make]] of Object.entries(SHAPES))
  test(`unpack(pack()) keeps ${label} at every sending`, () => {
    for (let i = 0; i < OFTEN; i++) {
      const got = send(make()) as object
      assert.deepStrictEqual(got, make())
      assert.deepEqual(Object.keys(got), Object.keys(make() as object))
      assert.equal(Object.getPrototypeOf(got), Object.prototype)
    }
    assert.equal(packed(make())[1] === TAG.SHAPED, isBlock)
  })

test('unpack(pack()) keeps every value when its shapes are known', () => {
  for (const make of Object.values(VALUES)) {
    const wanted = drawing({ known: make() })
    for (let i = 0; i < OFTEN; i++) assert.equal(drawing(send({ known: make() })), wanted)
  }
})

test('unpack(pack()) keeps shared and cyclic objects of known shapes', () => {
  const make = () => {
    const shared = { a: { b: 1 } }
    const cycle: Record<string, unknown> = { a: shared, b: shared }
    cycle.self = cycle
    return [cycle, shared]
  }
  const whole = learned(make)
  assert.equal(drawing(read(whole)), drawing(make()))
})

test('unpack(pack()) tells apart any mix of shapes', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'id', '', '0', '1', '__proto__', 'long key of words')
  const keys = fc.uniqueArray(key, { maxLength: 6 })
  fc.assert(
    fc.property(fc.array(keys, { minLength: 20, maxLength: 60 }), (lists) => {
      for (const list of lists) {
        const object = Object.fromEntries(list.map((key, i) => [key, i]))
        const got = send(object) as object
        assert.deepEqual(Object.entries(got), Object.entries(object))
      }
    }),
  )
})

test('Packer and unpack() outlive more shapes than they keep', () => {
  const known = { room: 'lobby', nick: 'n', at: 1 }
  for (let i = 0; i < 20_000; i++) {
    const odd = { [`a${i}`]: i, [`b${i % 997}`]: { [`c${i % 513}`]: 1 } }
    assert.deepEqual(Object.entries(send(odd) as object).flat()[1], i)
    if (i % 3 === 0) assert.deepStrictEqual(send(known), known)
  }
  assert.equal(learned(() => known)[1], TAG.SHAPED)
})

/** Getters that change the object while it is read; `tamper` sees it as `this`. */
const tampered = (tamper: (object: Record<string, unknown>) => void): object => ({
  first: 1,
  get act() {
    tamper(this as unknown as Record<string, unknown>)
    return { text: 'a value that is longer than the keys are' }
  },
  b: 2,
  c: 3,
})

test('Packer takes keys first and leaves out what a getter removes, known shape or not', () => {
  const tampers: ((object: Record<string, unknown>) => void)[] = [
    (object) => delete object.b,
    (object) => delete object.c,
    (object) => [delete object.b, delete object.c],
    (object) => delete object.act,
    (object) => {
      object.added = 1
    },
    (object) => {
      object.b = 'changed'
    },
    (object) => {
      delete object.b
      object.added = 1
    },
  ]
  for (const tamper of tampers)
    for (let i = 0; i < OFTEN; i++) {
      const wanted = structuredClone(tampered(tamper))
      assert.deepStrictEqual(send([tampered(tamper), 'after']), [wanted, 'after'])
      assert.deepStrictEqual(copy(tampered(tamper)), wanted)
    }
})

test('Packer leaves inherited keys out of objects of known shapes', () => {
  const whole = learned(() => ({ first: 1, second: 2 }))
  const prototype = Object.prototype as { second?: number; third?: number }
  prototype.third = 3
  try {
    assert.deepEqual(packed({ first: 1, second: 2 }), whole)
    const object = Object.create(null, {
      first: { enumerable: true, get: () => 1 },
      second: { enumerable: false, value: 2 },
    })
    assert.deepEqual(Object.keys(send(object) as object), ['first'])
  } finally {
    delete prototype.third
  }
})

test('Packer reads a Proxy of a known shape, also one that changes its mind about keys', () => {
  const target = { x: 1, y: 2, z: 3 }
  assert.equal(learned(() => target)[1], TAG.SHAPED)
  assert.deepStrictEqual(send(new Proxy(target, {})), target)
  let asked = 0
  const answers = [['x', 'y', 'z'], ['z']]
  const proxy = new Proxy(target, { ownKeys: () => answers[asked++ % 2]! })
  assert.deepStrictEqual(send([proxy, 1]), [{ z: 3 }, 1])
})

test('Packer names the place in an object of a known shape that it refuses', () => {
  learned(() => ({ a: 1, 'odd key': 2 }))
  assert.throws(() => packer.pack({ a: 1, 'odd key': () => {} }, 'args'), {
    code: 'ERR_MESSAGE_UNSUPPORTED',
    info: { path: 'args["odd key"]', type: 'function' },
  })
})

test('unpack() refuses every truncation of objects of known shapes', () => {
  for (const [, make] of Object.values(SHAPES)) {
    const whole = learned(make)
    const step = Math.max(1, whole.length >> 7)
    for (let end = 0; end < whole.length; end += step) {
      assert.ok(isMalformed(whole.subarray(0, end)), `${end} of ${whole.length}`)
      // What lies behind the end must not help.
      assert.throws(() => unpack(whole, 0, end), { code: 'ERR_MESSAGE_MALFORMED' })
    }
  }
})

test('unpack() survives objects of known shapes with bytes changed', () => {
  for (const [, make] of Object.values(SHAPES)) {
    const whole = learned(make)
    const step = Math.max(1, whole.length >> 6)
    for (let at = 0; at < whole.length; at += step)
      for (const byte of [0, 0x80, 0xff, whole[at]! ^ 1, whole[at]! + 1, TAG.SHAPED, TAG.REF]) {
        const changed = Buffer.from(whole)
        changed[at] = byte
        for (let i = 0; i < 3; i++) isMalformed(changed)
      }
    assert.deepStrictEqual(read(whole), make())
  }
})

test('unpack() reads what no packer writes the same at every time', () => {
  const proto = JSON.parse('{"a":1,"__proto__":2}')
  const ones = new Array<number>(40).fill(1)
  const keys = ones.map((_, i) => `k${i}`)
  const legal: [Buffer, unknown][] = [
    [shaped([]), {}],
    [shaped(['a', '__proto__'], 1, 2), proto],
    [shaped(['a', 'b', 'a'], 1, 2, 3), { a: 3, b: 2 }],
    [shaped(['1', 'a', '0'], 1, 2, 3), { 0: 3, 1: 1, a: 2 }],
    [shaped(keys, ...ones), Object.fromEntries(keys.map((key) => [key, 1]))],
    [shaped(new Array(255).fill(''), ...new Array(255).fill(5)), { '': 5 }],
  ]
  for (const [input, wanted] of legal)
    for (let i = 0; i < OFTEN; i++) {
      const got = read(input) as object
      assert.deepEqual(Object.entries(got), Object.entries(wanted as object))
      assert.equal(Object.getPrototypeOf(got), Object.prototype)
    }
})

test('unpack() refuses wrong blocks of keys', () => {
  const wrong: Record<string, Buffer> = {
    'no size': bytes(HEAD.PLAIN, TAG.SHAPED),
    'a size beyond the message': bytes(HEAD.PLAIN, TAG.SHAPED, 3, 'a', 1),
    'a key beyond the size': bytes(HEAD.PLAIN, TAG.SHAPED, 2, 'ab', 1, 1),
    'a key that is no string': bytes(HEAD.PLAIN, TAG.SHAPED, 2, 1, 'a', 1, 1),
    'a key that ends in its header': bytes(HEAD.PLAIN, TAG.SHAPED, 1, TAG.LATIN8, 1, 1, 1),
    'too few values': shaped(['a', 'b'], 1),
    'too many values': shaped(['a', 'b'], 1, 2, 3),
    'the end of the other kind of object': shaped(['a', 'b'], 1, TAG.END),
    'a hole': shaped(['a', 'b'], 1, TAG.HOLES, 1, 0, 0, 0),
    'too many levels': bytes(HEAD.PLAIN, ...new Array(33).fill([TAG.SHAPED, 2, 'a']).flat(), 1),
  }
  for (const [label, input] of Object.entries(wrong))
    for (let i = 0; i < OFTEN; i++) assert.ok(isMalformed(input), label)
})

test('unpack() makes objects of known shapes where code from strings is forbidden', () => {
  const script = `
    import { deepStrictEqual, throws } from 'node:assert/strict'
    import { Packer } from ${JSON.stringify(new URL('./pack.js', import.meta.url))}
    import { unpack } from ${JSON.stringify(new URL('./unpack.js', import.meta.url))}
    const packer = new Packer()
    throws(() => new Function(''), EvalError)
    for (let i = 0; i < ${OFTEN}; i++) {
      const value = [{ a: i }, { b: 'x' }]
      const length = packer.pack(value)
      deepStrictEqual(unpack(packer.bytes, 0, length), value)
    }
  `
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', script]
  execFileSync(process.execPath, flags, { stdio: 'pipe' })
})
