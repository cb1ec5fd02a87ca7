import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMAND_RING_BYTES, RING_BYTES, SOCKET_RING_BYTES } from '../../base/limits.ts'
import { ManyRing, StreamRing } from '../../shm/ring.ts'
import { socketThreadOf } from '../memory.ts'
import { createNodeMemory } from './node-memory.ts'

test('createNodeMemory has both rings for each worker, and a bell more than workers', () => {
  const memory = createNodeMemory(3)
  assert.deepEqual([memory.messages.length, memory.streams.length], [3, 3])
  assert.deepEqual([memory.bells.threads, socketThreadOf(memory)], [4, 3])
  const region = (buffer: SharedArrayBuffer) => ({ buffer, bytes: Buffer.from(buffer), address: 0 })
  for (const buffer of memory.messages) new ManyRing(region(buffer), 0, RING_BYTES)
  for (const buffer of memory.streams) new StreamRing(region(buffer), 0, SOCKET_RING_BYTES)
  new ManyRing(region(memory.commands), 0, COMMAND_RING_BYTES)
})

test('createNodeMemory is all shared: a copy for another thread is the same memory', () => {
  const memory = createNodeMemory(1)
  const copy = structuredClone(memory)
  new Int32Array(memory.slots)[5] = 42
  new Int32Array(copy.messages[0]!)[0] = 7
  assert.equal(new Int32Array(copy.slots)[5], 42)
  assert.equal(new Int32Array(memory.messages[0]!)[0], 7)
})

// Proves: docs/node.md#address-space
test('createNodeMemory() says what is short when the system gives no memory', (t) => {
  t.mock.method(globalThis, 'SharedArrayBuffer', function refuse() {
    throw new RangeError('Array buffer allocation failed')
  })
  assert.throws(() => createNodeMemory(3), {
    code: 'ERR_SYSCALL',
    message: /^Cannot reserve the shared memory of 3 workers: Array .* failed; .* \(ulimit -v\)/,
  })
})
