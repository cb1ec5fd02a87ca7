import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOT_BEGUN } from '../commands.ts'
import { SharedBytes } from '../shared-bytes.ts'
import { SLOTS_BYTES, Slots } from '../slots.ts'
import { handOn, handOnDatagram, handOnToAll } from './arrivals.ts'
import type { Sockets } from './sockets.ts'

/** Sockets of which none is left, and what is accounted for each slot. */
function nobody() {
  const settled: unknown[][] = []
  const dropped: number[] = []
  const sockets = {
    slots: new Slots(new SharedArrayBuffer(SLOTS_BYTES)),
    find: () => undefined,
    settle: (...args: unknown[]) => settled.push(args),
    os: {
      blocks: { view: () => Buffer.from('hello'), drop: (at: number) => dropped.push(at) },
    },
  } as unknown as Sockets
  return { sockets, settled, dropped }
}

test('handOn() to a socket that is gone settles what has not left, and lets go of it', () => {
  const { sockets, settled } = nobody()
  let freed = 0
  const at = sockets.slots.at(7)
  handOn(sockets, 7, new SharedBytes(Buffer.from('hello'), 1, () => freed++), NOT_BEGUN, false)
  handOn(sockets, 7, Buffer.from('hello'), 2, false)
  assert.deepEqual(settled, [
    [at, 1, 5],
    [at, 1, 3],
  ])
  assert.equal(freed, 1)
})

test('handOnToAll() frees its block with the last of its sockets', () => {
  const { sockets, settled, dropped } = nobody()
  const order = Buffer.alloc(16 + 2 * 8)
  order.writeDoubleLE(4096, 0)
  order.writeDoubleLE(5, 8)
  for (const [i, value] of [7, NOT_BEGUN, 8, 1].entries()) order.writeInt32LE(value, 16 + i * 4)
  handOnToAll(sockets, order)
  assert.deepEqual(settled, [
    [sockets.slots.at(7), 1, 5],
    [sockets.slots.at(8), 1, 4],
  ])
  assert.deepEqual(dropped, [4096])
})

test('handOnDatagram() to a socket that is gone settles its bytes without the address', () => {
  const { sockets, settled } = nobody()
  handOnDatagram(sockets, 7, Buffer.from([0, 1, 2, 3])) // type none: one byte
  assert.deepEqual(settled, [[sockets.slots.at(7), 1, 3]])
})
