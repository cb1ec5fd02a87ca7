import assert from 'node:assert/strict'
import test from 'node:test'
import { Chunks } from './chunks.ts'

test('chunks of 4 to 16 KiB share memory, and none overlaps another', () => {
  const chunks = new Chunks()
  const lengths = [4096, 5000, 16_384, 8192, 16_384, 16_384, 16_384, 4096]
  const all = lengths.map((length, i) => chunks.allocate(length).fill(i))

  for (const [i, chunk] of all.entries()) {
    assert.equal(chunk.length, lengths[i])
    assert.ok(chunk.every((byte) => byte === i))
  }
  assert.equal(new Set(all.map(({ buffer }) => buffer)).size, 2)
})

test('other chunks share nothing with those, so that one that is kept holds no slab back', () => {
  const chunks = new Chunks()
  const { buffer } = chunks.allocate(4096)

  for (const length of [0, 1, 4095, 16_385, 65_536]) {
    const chunk = chunks.allocate(length)
    assert.equal(chunk.length, length)
    assert.notEqual(chunk.buffer, buffer)
  }
})
