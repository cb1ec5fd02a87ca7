import assert from 'node:assert/strict'
import { test } from 'node:test'
import { List, type ListNode } from '../base/list.ts'
import { Wheel } from '../kernel/wheel.ts'
import { EVENT } from '../net/event.ts'
import { Connection } from './connection.ts'
import type { SocketPool } from './pool.ts'

/** A connection whose peer takes nothing, as the socket thread is the test. */
function setUp() {
  const wheel = new Wheel(0, (error) => assert.fail(String(error)))
  const waiters = new List<ListNode>()
  const service = {
    handle: 10,
    hasEnded: false,
    addWaiter: (waiter: ListNode) => waiters.add(waiter),
    removeWaiter: (waiter: ListNode) => waiters.remove(waiter),
    cancelTimers: () => {},
  }
  const orders: string[] = []
  const client = {
    order: (kind: string) => void orders.push(kind),
    ownWriter: () => ({ length: 1, isGone: false, flush() {} }),
    slots: { queuedOf: () => 0, policyOf: () => 0 },
  }
  const pool = { service, client, add() {}, remove() {} }
  const connection = new Connection(pool as unknown as SocketPool, 1, 'waiting')
  const answer = (sign: 1 | -1) => connection.happened(EVENT.DRAIN, sign, Buffer.alloc(0))
  const ordered = () => orders.filter((kind) => kind === 'drain').length
  return { connection, answer, ordered, waiters, wheel }
}

test('drain() that is given up again and again leaves one order that is open', async () => {
  const { connection, answer, ordered, waiters } = setUp()
  for (let i = 0; i < 100; i++) {
    const abort = new AbortController()
    const drained = connection.drain({ signal: abort.signal })
    abort.abort()
    await assert.rejects(drained, { code: 'ABORT_ERR' })
  }
  assert.deepEqual([ordered(), waiters.size], [1, 0])
  answer(1)
  assert.equal(ordered(), 1, 'nobody waits: nothing more is asked')
})

test('drain() is answered by an order that came after it', async () => {
  const { connection, answer, ordered } = setUp()
  const ends: string[] = []
  const drain = (name: string) => connection.drain().then(() => ends.push(name))
  const first = drain('first')
  // Its answer may be on its way by now, and knows nothing of what is written from here on.
  const others = [drain('second'), drain('third')]
  answer(1)
  await first
  assert.deepEqual([ends, ordered()], [['first'], 2])
  answer(1)
  await Promise.all(others)
  assert.deepEqual([ends, ordered()], [['first', 'second', 'third'], 2])
})

test('drain() rejects, for all who wait, when the socket is gone', async () => {
  const { connection, answer, waiters } = setUp()
  const all = [connection.drain(), connection.drain()]
  answer(-1)
  for (const drained of all) await assert.rejects(drained, { code: 'ERR_SOCKET_FAILED' })
  assert.equal(waiters.size, 0)
})
