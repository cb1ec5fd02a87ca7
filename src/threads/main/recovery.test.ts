import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RING_BYTES, RING_PAYLOAD_BYTES_MAX } from '../../base/limits.ts'
import { Outbox } from '../../kernel/outbox.ts'
import { Snapshots } from '../../kernel/snapshots.ts'
import { Doorbells } from '../../shm/doorbell.ts'
import { lock } from '../../shm/lock.ts'
import { ManyRing } from '../../shm/ring.ts'
import { CountedBlocks } from '../../testing/sim/blocks.ts'
import { Packer } from '../../wire/pack.ts'
import { socketThreadOf } from '../memory.ts'
import { createNodeMemory } from './node-memory.ts'
import { dropBlocks } from './recovery.ts'

const LARGE = 'x'.repeat(RING_PAYLOAD_BYTES_MAX + 1)
const FILLER = 'x'.repeat(RING_PAYLOAD_BYTES_MAX - 100)

/** A node of two workers without threads, and the way from the first to the second. */
function rig() {
  const memory = createNodeMemory(2)
  const blocks = new CountedBlocks()
  const bells = new Doorbells(memory.bells, { thread: socketThreadOf(memory), wake: () => {} })
  const buffer = memory.messages[1]!
  const region = { buffer, bytes: Buffer.from(buffer), address: 0 }
  const ring = new ManyRing(region, 0, RING_BYTES)
  const outbox = new Outbox(1, ring, { bells, self: 0, packer: new Packer(), blocks })
  return { memory, blocks, bells, outbox, free: () => dropBlocks(memory, bells, blocks) }
}

// Proves: docs/node.md#node-leaves
test('dropBlocks() frees messages beside the ring that nobody has taken, and shared data', () => {
  const { memory, blocks, outbox, free } = rig()
  for (const value of [LARGE, 'small', LARGE, LARGE]) outbox.send(10, 1, 2, 0, value)
  new Snapshots(memory.snapshots, blocks, 1).create('name', 1, new Uint8Array(4))
  assert.equal(blocks.outstanding, 4)
  free()
  assert.equal(blocks.outstanding, 0)
})

test('dropBlocks() takes the lock of a worker that was ended by force', () => {
  const { memory, blocks, free } = rig()
  const snapshots = new Snapshots(memory.snapshots, blocks, 1)
  snapshots.create('name', 1, new Uint8Array(4))
  lock(snapshots.cells, 0, 1)
  free()
  assert.equal(blocks.outstanding, 0)
})

test('drop() of an outbox frees what waits for room', () => {
  const { blocks, outbox, free } = rig()
  while (outbox.waiting === 0) outbox.send(10, 1, 2, 0, FILLER)
  outbox.send(10, 1, 2, 0, LARGE)
  free()
  assert.equal(blocks.outstanding, 1)
  outbox.drop()
  assert.deepEqual([blocks.outstanding, outbox.waiting], [0, 0])
})
