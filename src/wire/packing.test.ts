import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSkynetError } from '../base/errors.ts'
import { MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { copy } from './copy.ts'
import { Packer } from './pack.ts'
import { packedBy } from './packing.kit.ts'
import { type Binder, ServiceId } from './service-id.ts'
import { HEAD, TAG } from './tags.ts'
import { unpack } from './unpack.ts'
import { drawing, testValues, VALUES } from './values.suite.ts'

const packer = new Packer()
const SHIFT = 3

/** Through shared memory at an odd place that is overwritten after reading, as in a ring. */
function send(value: unknown, root?: string): unknown {
  const length = packer.pack(value, root)
  const ring = Buffer.from(new SharedArrayBuffer(length + 2 * SHIFT))
  ring.fill(0xff)
  ring.set(packer.bytes.subarray(0, length), SHIFT)
  const got = unpack(ring, SHIFT, length)
  ring.fill(0xff)
  return got
}

testValues('unpack(pack())', send)

const packed = (value: unknown): Buffer => packedBy(packer, value)
const bytes = (...list: number[]): Buffer => Buffer.from(list)

/** Reads what may be anything: only one error may come out. */
function survives(input: Buffer): unknown {
  try {
    return unpack(input, 0, input.length)
  } catch (error) {
    if (isSkynetError(error, 'ERR_MESSAGE_MALFORMED')) return error
    throw error
  }
}
const isRefused = (input: Buffer) => isSkynetError(survives(input), 'ERR_MESSAGE_MALFORMED')

test('unpack(pack()) and copy() agree on anything', () => {
  fc.assert(
    fc.property(fc.anything({ withMap: true, withSet: true, withBigInt: true }), (value) => {
      assert.deepStrictEqual(send(value), copy(value))
    }),
  )
})

test('packMade() packs an array as pack() does, and refuses what that refuses', () => {
  const made = (array: unknown[]): Buffer => {
    const length = packer.packMade(array, 'args')
    return Buffer.from(packer.bytes.subarray(0, length))
  }
  const simple = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.string({ maxLength: 40, unit: 'binary' }),
    fc.constantFrom(true, false, null, undefined, -0, '\u0100'.repeat(1024), 'x'.repeat(1025)),
  )
  const lists = fc.oneof(
    fc.array(simple, { maxLength: 40 }),
    fc.array(fc.anything({ withMap: true, withBigInt: true }), { maxLength: 4 }),
  )
  fc.assert(
    fc.property(lists, (array) => {
      const bytes = made(array)
      assert.deepStrictEqual(unpack(bytes, 0, bytes.length), copy(array))
    }),
  )
  assert.throws(() => packer.packMade(['a', () => {}], 'args'), { message: /args\[1\]/ })
  // A getter that sends comes while the packer is at work.
  const inner = {
    get now() {
      return made(['b', 1]).toString('hex')
    },
  }
  const expected = packed(['b', 1]).toString('hex')
  assert.deepEqual(unpack(made(['a', inner]), 0, packed(['a', inner]).length), [
    'a',
    { now: expected },
  ])
  // After a large one it gives memory back, also when all that follow are simple.
  packer.pack(Buffer.alloc(2 * 1024 * 1024))
  const before = packer.bytes.length
  for (let i = 0; i < 100; i++) packer.packMade(['a', i], 'args')
  assert.ok(packer.bytes.length < before)
})

test('unpack() refuses every truncation of every value', () => {
  for (const make of Object.values(VALUES)) {
    const whole = packed(make())
    const step = Math.max(1, whole.length >> 7)
    for (let end = 0; end < whole.length; end += step)
      assert.ok(isRefused(whole.subarray(0, end)), `${end} of ${whole.length}`)
  }
})

test('unpack() survives every value with bytes changed', () => {
  for (const make of Object.values(VALUES)) {
    const whole = packed(make())
    const step = Math.max(1, whole.length >> 6)
    for (let at = 0; at < whole.length; at += step)
      for (const byte of [0, 0x7f, 0x80, 0xff, whole[at]! ^ 1, TAG.REF, TAG.HOLES, TAG.ERROR]) {
        const changed = Buffer.from(whole)
        changed[at] = byte
        survives(changed)
      }
  }
})

test('unpack() survives random bytes', () => {
  const tags = fc.constantFrom(...Object.values(TAG))
  const byte = fc.oneof(fc.nat(255), tags, fc.constantFrom(0, 1, 0xff))
  fc.assert(
    fc.property(fc.nat(3), fc.array(byte, { maxLength: 64 }), (head, rest) => {
      survives(bytes(head, ...rest))
    }),
    { numRuns: 5000 },
  )
})

test('unpack() refuses what no packer writes', () => {
  const { PLAIN, REFERENCES } = HEAD
  const u32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24]
  const wrong: Record<string, Buffer> = {
    nothing: bytes(),
    'an unknown head': bytes(4, 1),
    'bytes after the value': bytes(PLAIN, 1, 1),
    'an unknown tag': bytes(PLAIN, 0xff),
    'a reference in a plain message': bytes(PLAIN, 0xa1, TAG.REF, ...u32(0)),
    'a reference to what comes later': bytes(REFERENCES, 0xa1, TAG.REF, ...u32(1)),
    'a key that is no string': bytes(PLAIN, TAG.OBJECT, 1, 1, TAG.END),
    'more holes than elements': bytes(PLAIN, 0xa2, TAG.HOLES, ...u32(3)),
    'no holes': bytes(PLAIN, 0xa1, TAG.HOLES, ...u32(0), 1),
    'a bigint that is text': bytes(PLAIN, TAG.BIGINT, 0x81, 0x67),
    'an empty bigint': bytes(PLAIN, TAG.BIGINT, 0x81, 0x2d),
    'a broken expression': bytes(PLAIN, TAG.REGEXP, 0x81, 0x28, 0x80),
    'a view cut inside an element': bytes(PLAIN, TAG.VIEW, 5, ...u32(3), 1, 2, 3),
    'an unknown view': bytes(PLAIN, TAG.VIEW, 99, ...u32(0)),
    'an unknown error': bytes(PLAIN, TAG.ERROR, 99, 0),
    'a SkynetError without code': bytes(PLAIN, TAG.ERROR, 9, 0),
    'a SkynetError with a code of its own': bytes(PLAIN, TAG.ERROR, 9, 24, 0x80, TAG.NULL),
    'a name of a service that is no string': bytes(HEAD.SERVICES, TAG.NAMED, 5),
    'a handle cut short': bytes(HEAD.SERVICES, TAG.SERVICE, 1, 2, 3),
    'a service of which the head does not tell': bytes(PLAIN, TAG.SERVICE, 1, 2, 3, 4),
    'too many levels': bytes(PLAIN, ...new Array(33).fill(0xa1), 1),
    'a string longer than the message': bytes(PLAIN, TAG.LATIN32, ...u32(0xffffffff), 1),
    'a buffer longer than the message': bytes(PLAIN, TAG.BUFFER, ...u32(0xffffffff), 1),
    'an array longer than the message': bytes(PLAIN, TAG.ARRAY, ...u32(0xffffffff), 1),
    'a map longer than the message': bytes(PLAIN, TAG.MAP, ...u32(0xffffffff), 1),
  }
  for (const [label, input] of Object.entries(wrong)) assert.ok(isRefused(input), label)
})

test('unpack() allocates no more than the input justifies', () => {
  const one = [TAG.ARRAY, 0xff, 0xff, 0xff, 0x01, TAG.HOLES, 0xff, 0xff, 0xff, 0x01]
  const many = bytes(HEAD.PLAIN, TAG.ARRAY, 100, 0, 0, 0, ...new Array(100).fill(one).flat())
  const before = process.memoryUsage()
  const got = unpack(many, 0, many.length) as unknown[][]
  const after = process.memoryUsage()
  assert.equal(got[99]!.length, 0x01ffffff)
  assert.ok(after.heapUsed - before.heapUsed < 8 * 1024 * 1024)
})

test('unpack() refuses a range outside its bytes', () => {
  for (const [at, length] of [
    [-1, 1],
    [0, 5],
    [4, 1],
    [0, -1],
    [Number.NaN, 1],
  ])
    assert.throws(() => unpack(Buffer.alloc(4), at!, length!), RangeError)
})

test('unpack() reads nothing outside its range', () => {
  const input = Buffer.concat([packed('abc'), Buffer.from('def')])
  input[1]! += 3 // claims six characters
  assert.throws(() => unpack(input, 0, 5), { code: 'ERR_MESSAGE_MALFORMED' })
  assert.equal(unpack(input, 0, 8), 'abcdef')
})

test('unpack() tells apart strings that share a place in its cache', () => {
  const words = Array.from({ length: 5000 }, (_, i) => `w${i * 7919}`)
  assert.deepEqual(send(words), words)
  assert.deepEqual(send(words), words)
})

test('the head of a message tells whether it names services', () => {
  const one = new ServiceId(7)
  const named: unknown[] = [
    one,
    ['.x', { deep: new Map([[new ServiceId('.board'), 1]]) }],
    [one, one],
  ]
  for (const value of named) assert.ok(packed(value)[0]! & HEAD.SERVICES)
  const twice = {}
  for (const value of [
    [7, '.board'],
    [twice, twice],
  ]) {
    assert.equal(packed(value)[0]! & HEAD.SERVICES, 0)
  }
})

test('unpack() and copy() bind what names services to whom it is for, each once', () => {
  class Bound extends ServiceId {}
  const bound: (number | string)[] = []
  const binder: Binder = {
    bind(target) {
      bound.push(target)
      return new Bound(target)
    },
  }
  const one = new ServiceId(0xff000001)
  const value = { one, list: [one, new Map([[one, new ServiceId('.board')]])] }
  const whole = packed(value)
  const ways = [() => unpack(whole, 0, whole.length, binder), () => copy(value, 'args', binder)]
  for (const bring of ways) {
    const got = bring()
    const { one: first, list } = got as typeof value
    assert.ok(first instanceof Bound)
    assert.deepEqual(got, {
      one: new Bound(0xff000001),
      list: [first, new Map([[first, new Bound('.board')]])],
    })
    assert.equal(list[0], first)
    assert.deepEqual(bound.splice(0), [0xff000001, '.board'])
  }
  assert.equal((copy(value) as typeof value).one, one, 'for nobody it stays what it is')
  assert.deepEqual(unpack(whole, 0, whole.length), value)
})

test('Packer keeps messages apart: nothing is remembered from one to the next', () => {
  const shared = { a: 1 }
  const first = packed([shared, shared])
  assert.deepEqual(packed([shared, shared]), first)
  assert.equal(drawing(unpack(first, 0, first.length)), 'Array(0:Object(a:1),1:#1)')
})

test('Packer bytes and words are one memory, aligned, also after growing', () => {
  const own = new Packer()
  for (const size of [10, 100_000]) {
    own.pack('x'.repeat(size))
    assert.equal(own.bytes.byteOffset, 0)
    assert.equal(own.words.buffer, own.bytes.buffer)
    assert.equal(own.bytes.buffer.byteLength % 8, 0)
    assert.equal(own.words.byteLength, own.bytes.buffer.byteLength)
  }
})

test('Packer shows the bytes of a message packed inside a getter', () => {
  const own = new Packer()
  let inner: unknown
  const value = {
    a: 1,
    get b() {
      const length = own.pack(['inner'])
      inner = unpack(own.bytes, 0, length)
      return 2
    },
  }
  const length = own.pack(value)
  assert.deepEqual(inner, ['inner'])
  assert.deepEqual(unpack(own.bytes, 0, length), { a: 1, b: 2 })
})

test('Packer gives a large scratch back after many small messages', () => {
  const own = new Packer()
  own.pack(Buffer.alloc(3 * 1024 * 1024))
  assert.ok(own.bytes.length > 1024 * 1024)
  for (let i = 0; i < 100; i++) {
    const length = own.pack(['small', i])
    assert.deepEqual(unpack(own.bytes, 0, length), ['small', i])
  }
  assert.ok(own.bytes.length < 64 * 1024)
})

test('Packer refuses one byte above MESSAGE_BYTES_MAX before it copies any', () => {
  const own = new Packer()
  const header = own.pack(Buffer.alloc(1)) - 1
  const huge = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX - header + 1)
  assert.throws(() => own.pack(huge), {
    code: 'ERR_MESSAGE_TOO_LARGE',
    info: { bytes: MESSAGE_BYTES_MAX + 1, limit: MESSAGE_BYTES_MAX },
  })
  assert.ok(own.bytes.length < 1024 * 1024)
})
