import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
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

test('copy() leaves the block as it is', () => {
  const blocks = createBlocks(openLibc())
  const address = blocks.put(Buffer.from('block'))
  const copy = blocks.copy(address, 5)
  assert.equal(copy.buffer.byteLength, 5)
  copy.fill(0)
  assert.equal(blocks.take(address, 5).toString(), 'block')
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

const BLOCKS = new URL('./blocks.js', import.meta.url).href
const LIBC = new URL('./libc.js', import.meta.url).href

/** Threads that do nothing else are ended, one after the other, in a process that may die of it. */
const killed = (work: string): string => `
  import { once } from 'node:events'
  import { Worker } from 'node:worker_threads'
  const code = \`
    const { parentPort } = require('node:worker_threads')
    Promise.all([import('${BLOCKS}'), import('${LIBC}')])
      .then(([{ createBlocks }, { openLibc }]) => {
        const blocks = createBlocks(openLibc())
        const address = blocks.put(Buffer.alloc(256))
        parentPort.postMessage('at work')
        for (;;) ${work}
      })
  \`
  for (let n = 0; n < 10; n++) {
    const thread = new Worker(code, { eval: true, execArgv: [] })
    await once(thread, 'message')
    await thread.terminate()
  }
  console.log('alive')`

for (const work of ['blocks.copy(address, 256)', 'blocks.take(blocks.put(Buffer.alloc(9)), 9)']) {
  test(`a thread may be ended at any time in ${work}`, () => {
    const args = ['--input-type=module', '-e', killed(work)]
    assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), 'alive\n')
  })
}
