import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMAND_RING_BYTES } from '../../base/limits.ts'
import { COMMAND } from '../../net/commands.ts'
import type { Os } from '../../os/os.ts'
import { ManyRing } from '../../shm/ring.ts'
import { socketThreadOf } from '../memory.ts'
import { createNodeMemory } from './node-memory.ts'
import { SocketOrders } from './socket-orders.ts'

/** A system that notes what is woken and closed, and the socket thread's end of the ring. */
function rig() {
  const memory = createNodeMemory(1)
  const events: string[] = []
  const region = (buffer: SharedArrayBuffer) => ({ buffer, bytes: Buffer.from(buffer), address: 0 })
  const os = {
    region,
    createWakeup: () => ({ readFd: 3, writeFd: 4 }),
    signalWakeup: (fd: number) => events.push(`wake ${fd}`),
    close: (fd: number) => events.push(`close ${fd}`),
  } as Partial<Os> as Os
  const ring = new ManyRing(region(memory.commands), 0, COMMAND_RING_BYTES)
  /** The orders that have come, and the room that they took is there again. */
  const read = (): number[][] => {
    const orders: number[][] = []
    while (ring.read(1000, (type, a, b) => orders.push([type, a, b])) > 0);
    return orders
  }
  return { memory, events, os, orders: new SocketOrders(os, memory), read }
}

test('SocketOrders are read in order, and wake a socket thread that sleeps', () => {
  const { memory, events, orders, read } = rig()
  orders.died(0)
  assert.deepEqual(events, [])
  orders.bells.lieDown(socketThreadOf(memory))
  orders.exit(150)
  assert.deepEqual(events, ['wake 4'])
  assert.deepEqual(read(), [
    [COMMAND.died, 0, 0],
    [COMMAND.exit, 0, 150],
  ])
})

test('died() of SocketOrders says when there is no room, and finds it when there is', () => {
  const { orders, read } = rig()
  let given = 0
  while (orders.died(0)) given++
  assert.equal(orders.died(0), false)
  assert.equal(read().length, given)
  assert.equal(orders.died(0), true)
})

test('SocketOrders give the wake-up back, which is all that they took', () => {
  const { events, orders } = rig()
  orders.close()
  assert.deepEqual(events, ['close 3', 'close 4'])
})

test('SocketOrders without a wake-up are none, and leave nothing', () => {
  const { memory, events, os } = rig()
  const createWakeup = (): never => {
    throw new Error('EMFILE')
  }
  assert.throws(() => new SocketOrders({ ...os, createWakeup }, memory), /EMFILE/)
  assert.deepEqual(events, [])
})

test('awaitExit() of SocketOrders returns at once where the loop is left', () => {
  const { memory, orders } = rig()
  Atomics.store(new Int32Array(memory.socketDone), 0, 1)
  orders.awaitExit()
})
