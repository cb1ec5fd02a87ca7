import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Context } from '../kernel/context.ts'
import type { Message } from '../kernel/message.ts'
import type { Router } from '../kernel/router.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import type { SocketClient } from '../net/client/client.ts'
import { EVENT, type EventRecord } from '../net/event.ts'
import { createDoorbellMemory, Doorbells } from '../shm/doorbell.ts'
import { StreamRing } from '../shm/ring.ts'
import { PTYPE } from '../wire/ptype.ts'
import { UNBOUND } from '../wire/service-id.ts'
import { Bridge } from './bridge.ts'

const CAPACITY = 4096
/** A handle whose sign bit is set as an int32. */
const OWNER = 0xff000001
const WORKER = 0
const SOCKET_THREAD = 1

function setUp() {
  const buffer = new SharedArrayBuffer(StreamRing.bytes(CAPACITY))
  const region = { buffer, bytes: Buffer.from(buffer), address: 0 }
  const writer = new StreamRing(region, 0, CAPACITY)
  let wakes = 0
  const poller = { thread: SOCKET_THREAD, wake: () => wakes++ }
  const bells = new Doorbells(createDoorbellMemory(2), poller)
  const context = new Context(OWNER, 'service', { receive() {}, ...UNBOUND })
  const delivered: Message[] = []
  const orders: unknown[][] = []
  const bridge = new Bridge({
    ring: new StreamRing(region, 0, CAPACITY),
    region,
    bells,
    worker: WORKER,
    router: { contexts: new Map([[OWNER, context]]) } as unknown as Router,
    scheduler: {
      deliver: (_to: Context, message: Message) => delivered.push(message),
    } as unknown as Scheduler,
    client: {
      order: (...args: unknown[]) => orders.push(args),
      handover: (id: number, unread: Buffer) => orders.push(['handover', id, unread.length]),
    } as unknown as SocketClient,
  })
  const emit = (kind: number, owner: number, id: number, ud: number, text: string): void => {
    const at = writer.reserve(text.length)
    region.bytes.write(text, at, 'latin1')
    writer.publish(kind, owner, id, ud, text.length)
  }
  const events = (): EventRecord[] => delivered.map(({ value }) => value as EventRecord)
  return { bridge, bells, delivered, orders, emit, events, region, wakes: () => wakes }
}

test('drain makes a SOCKET message of each event, in order, with bytes of its own', () => {
  const { bridge, emit, delivered, events, region } = setUp()
  assert.equal(bridge.isEmpty, true)
  emit(EVENT.DATA, OWNER, 7, 0, 'hello')
  emit(EVENT.CLOSE, OWNER, 7, 0, '')
  assert.equal(bridge.isEmpty, false)
  assert.equal(bridge.drain(10), 2)
  region.bytes.fill(0)
  assert.deepEqual(
    events().map(({ kind, id, payload }) => [kind, id, payload.toString()]),
    [
      [EVENT.DATA, 7, 'hello'],
      [EVENT.CLOSE, 7, ''],
    ],
  )
  const { type, source, session } = delivered[0]!
  assert.deepEqual([type, source, session], [PTYPE.SOCKET, 0, 0])
})

test('drain takes no more than its limit', () => {
  const { bridge, emit, delivered } = setUp()
  for (let i = 0; i < 3; i++) emit(EVENT.DATA, OWNER, 7, 0, 'x')
  assert.deepEqual([bridge.drain(2), delivered.length], [2, 2])
  assert.deepEqual([bridge.drain(2), delivered.length], [1, 3])
})

test('drain tells a socket thread that waits for room', () => {
  const { bridge, bells, emit, wakes } = setUp()
  emit(EVENT.DATA, OWNER, 7, 0, 'x')
  bells.lieDown(SOCKET_THREAD)
  bells.wantRoom(WORKER, SOCKET_THREAD)
  bridge.drain(10)
  assert.equal(wakes(), 1)
})

test('events for an owner that is gone still do what it owed to others', () => {
  const { bridge, emit, delivered, orders } = setUp()
  const gone = 99
  emit(EVENT.DATA, gone, 7, 0, 'lost')
  emit(EVENT.YIELD, gone, 7, 0, '')
  emit(EVENT.ACCEPT, gone, 8, 9, '127.0.0.1:1')
  bridge.drain(10)
  assert.deepEqual(delivered, [])
  assert.deepEqual(orders, [
    ['handover', 7, 0],
    ['shutdown', 9],
  ])
})
