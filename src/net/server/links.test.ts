/** Events on their way to a worker whose ring is full. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDoorbellMemory, Doorbells } from '../../shm/doorbell.ts'
import { StreamRing } from '../../shm/ring.ts'
import { EVENT } from '../event.ts'
import { Link } from './links.ts'

const RING_BYTES = 512

test('emit() of bytes that are used again at once, also while the ring is full', () => {
  const buffer = new SharedArrayBuffer(StreamRing.bytes(RING_BYTES))
  const region = { buffer, bytes: Buffer.from(buffer), address: 0 }
  const bells = new Doorbells(createDoorbellMemory(2), { thread: 1, wake: () => {} })
  const link = new Link<never>(0, region, new StreamRing(region, 0, RING_BYTES), bells, 1)
  const bytes = Buffer.alloc(40)
  let sent = 0
  for (; !link.isBlocked; sent++) link.emit(EVENT.UDP, 1, 2, 0, bytes.fill(sent))
  bytes.fill(0xff)

  const reader = new StreamRing(region, 0, RING_BYTES)
  const received: number[] = []
  do {
    reader.read(sent, (_kind, _owner, _id, _ud, at) => received.push(region.bytes[at]!))
  } while (!link.flush() || !reader.isEmpty)
  assert.deepEqual(
    received,
    Array.from({ length: sent }, (_, i) => i),
  )
})
