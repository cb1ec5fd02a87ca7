import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLUSTER_NAME_BYTES_MAX } from '../../base/limits.ts'
import {
  decodeBeat,
  decodeNode,
  decodeOwner,
  encodeBeat,
  encodeNode,
  encodeOwner,
  epochOf,
  type StoredNode,
} from './records.ts'

const ERA = 1_793_000_000_000
const NODE: StoredNode = {
  node: 'a',
  epoch: 0,
  addresses: ['127.0.0.1:7001'],
  protocol: { min: 1, max: 2 },
  build: 'v1',
  isDraining: false,
  instance: 0xffff_ffff,
  deadBy: undefined,
}
const entry = (key: string, value: Uint8Array | undefined) => ({ key, revision: 7, value })

test('epochOf() is whole and exact, and later in each era', () => {
  assert.ok(Number.isSafeInteger(epochOf(ERA, 2 ** 20)))
  assert.ok(epochOf(ERA + 1, 1) > epochOf(ERA, 2047))
  assert.equal(epochOf(ERA + 0.5, 1), epochOf(ERA, 1))
})

test('decodeNode() reads what encodeNode() wrote: the epoch is that of the write, or said', () => {
  const joined = decodeNode(entry('node.a', encodeNode(NODE)), ERA)
  assert.deepEqual(joined, { ...NODE, epoch: epochOf(ERA, 7) })
  const dead = { ...NODE, epoch: 9, isDraining: true, deadBy: 'b' }
  assert.deepEqual(decodeNode(entry('node.a', encodeNode(dead)), ERA), dead)
})

test('decodeOwner() reads what encodeOwner() wrote, its token that of the write, or said', () => {
  const self = { node: 'a', epoch: 5 }
  const taken = decodeOwner(entry('name.x', encodeOwner(self, 3)), ERA)
  assert.deepEqual(taken, { ...self, id: 3, token: [ERA, 7] })
  const kept = decodeOwner(entry('name.x', encodeOwner(self, 3, [1, 2])), ERA)
  assert.deepEqual(kept, { ...self, id: 3, token: [1, 2] })
})

test('decodeNode() and decodeOwner() read nothing that is something else', () => {
  const texts = [
    '',
    'no json',
    'null',
    '[]',
    '{"v":2}',
    '{"v":1}',
    '{"v":1,"addresses":[1],"min":1,"max":1,"build":"","draining":false,"instance":1}',
    '{"v":1,"addresses":[],"min":1,"max":1,"build":"","draining":false,"instance":1,"epoch":-1}',
    '{"v":1,"addresses":[],"min":1,"max":1,"build":"","draining":false,"instance":1,"deadBy":1}',
    '{"v":1,"node":"a","epoch":1,"id":1.5}',
    '{"v":1,"node":"a","epoch":1,"id":1,"token":[1]}',
  ]
  for (const text of texts) {
    const value = new TextEncoder().encode(text)
    assert.equal(decodeNode(entry('node.a', value), ERA), undefined, text)
    assert.equal(decodeOwner(entry('name.a', value), ERA), undefined, text)
  }
  assert.equal(decodeNode(entry('node.a', Uint8Array.of(0xff, 0xfe)), ERA), undefined)
  assert.equal(decodeNode(entry('node.a', undefined), ERA), undefined)
})

test('decodeBeat() reads what encodeBeat() wrote, in whatever memory, and nothing else', () => {
  const beat = { node: 'Knoten-ß', epoch: epochOf(ERA, 3), sentAt: 123.5 }
  const bytes = encodeBeat(beat)
  const within = new Uint8Array(bytes.length + 5)
  within.set(bytes, 5)
  assert.deepEqual(decodeBeat(within.subarray(5)), beat)
  for (let end = 0; end < bytes.length - 'noten-ß'.length - 1; end++) {
    assert.equal(decodeBeat(bytes.subarray(0, end)), undefined)
  }
  const other = bytes.slice()
  other[0] = 2
  assert.equal(decodeBeat(other), undefined, 'another version')
  other[0] = 1
  other.fill(0xff, 1, 9)
  assert.equal(decodeBeat(other), undefined, 'an epoch that is none')
  const long = encodeBeat({ ...beat, node: 'x'.repeat(CLUSTER_NAME_BYTES_MAX + 1) })
  assert.equal(decodeBeat(long), undefined)
  const cut = bytes.slice(0, bytes.length - 1)
  assert.equal(decodeBeat(cut), undefined, 'half a letter')
})
