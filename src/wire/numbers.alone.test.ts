/** Alone: it measures the heap. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { collector } from '../base/collector.ts'
import { copy } from './copy.ts'
import { Packer } from './pack.ts'
import { unpack } from './unpack.ts'

const collect = collector()

const packer = new Packer()
function travel(value: unknown): unknown {
  const size = packer.pack(value)
  return unpack(packer.bytes, 0, size)
}
const WAYS = { copied: copy, 'packed and unpacked': travel }

type Numbered = Record<string, number>
const MANY = 2000
/** V8 keeps such an object in a third of that; with all places up to 1023 in 12 KB. */
const BYTES_MAX = 1000

/** Bytes of the heap that one of them takes. */
function bytesOf(make: (i: number) => unknown): number {
  const made: unknown[] = new Array(MANY).fill(undefined)
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < MANY; i++) made[i] = make(i)
  collect()
  const after = process.memoryUsage().heapUsed
  return (after - before) / made.length
}

/** With numbers far from each other, of a shape that is known and of many that are not. */
const FAR: Readonly<Record<string, (i: number) => Numbered>> = {
  'one number': () => JSON.parse('{"1023":1}') as Numbered,
  'one number of each kind of object': (i) => JSON.parse(`{"1000":1,"k${i}":2}`) as Numbered,
  'a number behind near ones': () => JSON.parse('{"0":1,"1":1,"1012":1}') as Numbered,
  'a long key': () => JSON.parse(`{"1023":1,"${'k'.repeat(40)}":1}`) as Numbered,
}

for (const [way, send] of Object.entries(WAYS)) {
  for (const [what, make] of Object.entries(FAR)) {
    // Proves: docs/limits.md#number-keys
    test(`an object with numbers for keys takes what they need when ${way}: ${what}`, () => {
      const bytes = bytesOf((i) => send(make(i)))
      assert.ok(bytes < BYTES_MAX, `${bytes} bytes an object`)
    })
  }

  test(`numbers for keys are what they were, in order, when ${way}`, () => {
    const near = fc.integer({ min: 0, max: 40 })
    const number = fc.oneof(near, near, fc.integer({ min: 0, max: 3000 }), fc.nat())
    const key = fc.oneof({ weight: 9, arbitrary: number.map(String) }, fc.string())
    const plain = { noNullPrototype: true, maxKeys: 60 }
    const inner = fc.dictionary(key, fc.nat(), plain)
    const value = fc.dictionary(key, fc.oneof(fc.nat(), inner), plain)
    fc.assert(
      fc.property(value, (given) => {
        const came = send(given) as typeof given
        assert.deepEqual(came, given)
        assert.deepEqual(Object.keys(came), Object.keys(given))
      }),
    )
  })

  test(`all numbers up to one are as small when ${way} as JavaScript makes them`, () => {
    const entries = Array.from({ length: 500 }, (_, i) => [i, i] as const)
    const plain = bytesOf(() => Object.fromEntries(entries))
    const bytes = bytesOf(() => send(Object.fromEntries(entries)))
    assert.ok(bytes < plain * 1.5, `${bytes} bytes instead of ${plain}`)
  })
}
