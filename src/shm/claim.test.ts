import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLAIM, claimOf, createClaims } from './claim.ts'
import { ManyRing } from './ring.ts'

const CAPACITY = 512
const THREAD = 1
const RING = 4

function setUp() {
  const claims = createClaims(2)
  const buffer = new SharedArrayBuffer(ManyRing.bytes(CAPACITY))
  const region = { buffer, bytes: Buffer.from(buffer), address: 0 }
  const writer = new ManyRing(region, 0, CAPACITY, { claims, thread: THREAD, ring: RING })
  const other = new ManyRing(region, 0, CAPACITY)
  const words = new Int32Array(32)
  const bytes = new Uint8Array(words.buffer)
  const write = (ring: ManyRing, type: number): boolean =>
    ring.write(type, 0, 0, 0, bytes, words, 40)
  /** Its thread ends while the payload is copied. */
  const dies = (): void => {
    const fatal = new Proxy(words, {
      get(target, name) {
        if (name === '3') throw new Error('terminated')
        return Reflect.get(target, name) as unknown
      },
    })
    assert.throws(() => writer.write(9, 0, 0, 0, bytes, fatal, 40), /terminated/)
  }
  const types = (): number[] => {
    const found: number[] = []
    other.read(100, (type) => found.push(type))
    return found
  }
  return { claim: claimOf(claims, THREAD), writer, other, write, dies, types }
}

test('a write that is published leaves no claim', () => {
  const { claim, writer, write, types } = setUp()
  write(writer, 1)
  assert.equal(claim[CLAIM.ring], 0)
  assert.deepEqual(types(), [1])
})

test('abandon() lets the reader get over what a thread had reserved when it ended', () => {
  // The reservation lies in the middle, or begins anew behind padding at the end.
  for (const before of [1, 7]) {
    const { claim, writer, other, write, dies, types } = setUp()
    for (let i = 0; i < before; i++) write(writer, 1)
    types()
    dies()
    write(other, 2)
    assert.deepEqual(types(), [], 'nothing behind it can be read')
    assert.equal(claim[CLAIM.ring], RING + 1)
    other.abandon(claim[CLAIM.unit]!, claim[CLAIM.units]!)
    assert.deepEqual(types(), [2])
    for (let i = 0; i < 20; i++) {
      assert.equal(write(other, i), true)
      assert.deepEqual(types(), [i], 'every lap after it')
    }
  }
})
