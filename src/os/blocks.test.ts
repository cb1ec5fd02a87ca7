import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { createBlocks } from './blocks.ts'
import { openLibc } from './libc.ts'

test('take() gives the bytes that put() got, in memory of its own', () => {
  const blocks = createBlocks(openLibc())
  for (const length of [0, 1, 64, 65, 100_000]) {
    const bytes = new Uint8Array(length).map((_, i) => i * 7)
    const address = blocks.put(bytes)
    assert.ok(Number.isSafeInteger(address) && address > 0)
    bytes.fill(0)

    const taken = blocks.take(address, length)
    assert.equal(taken.buffer.byteLength, length)
    assert.ok(taken.every((byte, i) => byte === ((i * 7) & 255)))
  }
})

test('put() takes a view into shared or larger memory as it is', () => {
  const blocks = createBlocks(openLibc())
  const shared = new Uint8Array(new SharedArrayBuffer(32)).map((_, i) => i)
  assert.deepEqual([...blocks.take(blocks.put(shared.subarray(3, 6)), 3)], [3, 4, 5])
})

test('drop() and take() free each block once', () => {
  const freed: unknown[] = []
  const libc = openLibc()
  const blocks = createBlocks({
    ...libc,
    free: (block) => {
      freed.push(block)
      return libc.free(block)
    },
  })
  const taken = blocks.put(new Uint8Array(8))
  const dropped = blocks.put(new Uint8Array(8))
  blocks.take(taken, 8)
  blocks.drop(dropped)
  assert.deepEqual(freed, [taken, dropped])
})

test('put() of nothing is a block, also where malloc(0) is NULL', () => {
  const libc = openLibc()
  const malloc = (length: number) => (length === 0 ? 0 : libc.malloc(length))
  const blocks = createBlocks({ ...libc, malloc })
  blocks.drop(blocks.put(new Uint8Array(0)))
})

test('put() throws when there is no memory', () => {
  const blocks = createBlocks({ ...openLibc(), malloc: () => 0 })
  assert.throws(
    () => blocks.put(new Uint8Array(3)),
    (error: unknown) =>
      isSkynetError(error, 'ERR_SYSCALL') &&
      error.message.startsWith('Cannot allocate 3 bytes: EN'),
  )
})
