import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeLargeBlocks, setLargeBlocks } from './large-blocks.ts'
import { openLibc } from './libc.ts'

const MB = 1024 * 1024
/** Before each block of glibc stand its size and flags. */
const IS_MAPPED = 2

test('freeLargeBlocks() maps blocks as large as a ring, also after larger ones were freed', () => {
  const libc = openLibc()
  const { glibc } = libc
  libc.free(libc.malloc(20 * MB))
  freeLargeBlocks()
  const [large, small] = [libc.malloc(4 * MB), libc.malloc(3 * MB)]
  if (glibc !== undefined) {
    const isMapped = (block: number) =>
      (new DataView(libc.view(block - 8, 8)).getUint8(0) & IS_MAPPED) !== 0
    assert.equal(isMapped(large), true)
    assert.equal(isMapped(small), false, 'smaller ones are as they were')
  }
  for (const block of [large, small]) libc.free(block)
})

test('freeLargeBlocks() maps smaller ones for whoever asks for that, for good', () => {
  const libc = openLibc()
  freeLargeBlocks(MB)
  freeLargeBlocks()
  // The first may find room in what is kept.
  const blocks = Array.from({ length: 8 }, () => libc.malloc(3 * MB))
  const flags = new DataView(libc.view(blocks.at(-1)! - 8, 8)).getUint8(0)
  if (libc.glibc !== undefined) assert.notEqual(flags & IS_MAPPED, 0)
  for (const block of blocks) libc.free(block)
})

test('setLargeBlocks() leaves alone what the environment has set, and another libc', () => {
  const told: number[][] = []
  const mallopt = (...args: [number, number]) => told.push(args)
  setLargeBlocks({ glibc: { mallopt } }, { MALLOC_MMAP_THRESHOLD_: '1048576' })
  setLargeBlocks({ glibc: { mallopt } }, { GLIBC_TUNABLES: 'glibc.malloc.mmap_threshold=9' })
  assert.deepEqual(told, [])
  setLargeBlocks({ glibc: undefined }, {})
  setLargeBlocks({ glibc: { mallopt } }, { GLIBC_TUNABLES: 'glibc.malloc.check=1' })
  assert.deepEqual(told, [
    [-3, 4 * MB],
    [-1, 8 * MB],
  ])
})
