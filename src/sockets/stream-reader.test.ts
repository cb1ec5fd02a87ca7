import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from '../base/event-loop.ts'
import { RECEIVE_MAIL_MAX } from '../base/limits.ts'
import { SEND_POLICY } from '../net/settings.ts'
import { TestPool } from '../testing/test-pool.ts'
import { Connection } from './connection.ts'
import { SocketLife } from './socket-life.ts'
import { StreamReader } from './stream-reader.ts'

const LIMIT = 100
const text = (bytes: Uint8Array | null | undefined) => bytes?.toString()

/** A reader whose other direction is full when the test says so. */
function setUp() {
  const sockets = new TestPool(LIMIT)
  const backlog = { isFull: false }
  const owner = {
    id: 1,
    happened() {},
    leave() {},
    letGo: () => {
      life.move('closed')
      life.gone()
      return true
    },
  }
  const life = new SocketLife(sockets.pool, owner, 'waiting')
  const reader = new StreamReader(life, { mustWait: () => backlog.isFull })
  const come = (what: string) => reader.received(Buffer.from(what))
  const peerEnds = () => {
    life.move('ended')
    reader.goOn()
  }
  return { reader, life, backlog, sockets, orders: sockets.orders, come, peerEnds }
}

test('StreamReader asks for bytes with the first read, and no earlier', async () => {
  const { reader, orders, come } = setUp()
  assert.deepEqual(orders, [])
  const read = reader.read(undefined, undefined)
  assert.deepEqual(orders, ['start 1'])
  come('abc')
  assert.equal(text(await read), 'abc')
  assert.deepEqual(orders, ['start 1'])
})

test('StreamReader pauses above its limit when nobody reads, and goes on at half', async () => {
  const { reader, orders, come } = setUp()
  await reader.read(0, undefined)
  for (let i = 0; i < 4; i++) come('x'.repeat(LIMIT / 4))
  assert.deepEqual(orders, ['start 1'], 'at its limit')
  come('x')
  come('x')
  assert.deepEqual(orders, ['start 1', 'pause 1'])
  await reader.read(LIMIT / 2 + 1, undefined)
  assert.deepEqual(orders, ['start 1', 'pause 1'], 'above half')
  await reader.read(1, undefined)
  assert.deepEqual(orders, ['start 1', 'pause 1', 'start 1'])
})

test('StreamReader goes on when somebody wants more than there is', async () => {
  const { reader, orders, come } = setUp()
  await reader.read(0, undefined)
  come('x'.repeat(LIMIT + 1))
  const read = reader.read(2 * LIMIT, undefined)
  assert.deepEqual(orders, ['start 1', 'pause 1', 'start 1'])
  come('x'.repeat(LIMIT))
  assert.equal((await read)?.length, 2 * LIMIT)
})

test('StreamReader hands nothing out while the peer has to take first', async () => {
  const { reader, backlog, come } = setUp()
  const first = reader.read(undefined, undefined)
  backlog.isFull = true
  come('a')
  come('b')
  backlog.isFull = false
  reader.goOn()
  assert.equal(text(await first), 'a')
  assert.equal(text(await reader.read(undefined, undefined)), 'b')
})

test('a connection holds its reader by policy pause-producer alone, until DRAIN', async () => {
  const sockets = new TestPool(LIMIT)
  const { slot, orders } = sockets
  const connection = new Connection(sockets.pool, 1, 'waiting')
  slot.queued = slot.limit
  for (const policy of ['close', 'drop-new', 'pause-producer'] as const) {
    slot.policy = SEND_POLICY[policy]
    const read = connection.read()
    sockets.emit('DATA', 1, 0, policy)
    const isHeld = policy === 'pause-producer'
    assert.deepEqual(orders, isHeld ? ['start 1', 'drain 1'] : ['start 1'])
    slot.queued = isHeld ? 0 : slot.queued
    if (isHeld) sockets.emit('DRAIN', 1, 1)
    assert.equal(text(await read), policy)
  }
})

test('StreamReader leaves nothing of a read that has ended, whatever its end', async () => {
  const { reader, sockets, come } = setUp()
  const abort = new AbortController()
  const read = reader.read(3, { signal: abort.signal })
  await assert.rejects(reader.read(1, undefined), { code: 'ERR_SOCKET_BUSY' })
  come('ab')
  abort.abort()
  await assert.rejects(read, { code: 'ABORT_ERR' })
  assert.equal(sockets.waits.size, 0)
  assert.equal(text(await reader.read(2, undefined)), 'ab')
  const line = reader.readLine({ max: 2 })
  come('abc')
  await assert.rejects(line, { code: 'ERR_LINE_TOO_LONG' })
  assert.equal(sockets.waits.size, 0)
})

test('StreamReader of a socket that has moved rejects who waits, and who comes', async () => {
  const { reader, life } = setUp()
  const read = reader.read(undefined, undefined)
  life.move('moved')
  reader.fail()
  await assert.rejects(read, { code: 'ERR_SOCKET_MOVED' })
  await assert.rejects(reader.readAll(undefined), { code: 'ERR_SOCKET_MOVED' })
})

test('StreamReader gives what came before a failure, then the failure', async () => {
  const { reader, life, come, peerEnds } = setUp()
  await reader.read(0, undefined)
  come('abc')
  life.fail('reset')
  peerEnds()
  assert.equal(text(await reader.read(undefined, undefined)), 'abc')
  await assert.rejects(reader.read(undefined, undefined), { code: 'ERR_SOCKET_FAILED' })
})

test('StreamReader as a loop closes with the end of the peer, waiting for it or not', async () => {
  for (const isWaiting of [true, false]) {
    const { reader, life, orders, come, peerEnds } = setUp()
    const first = reader.next()
    come('abc')
    assert.equal(text((await first).value), 'abc')
    const waiting = isWaiting ? reader.next() : undefined
    peerEnds()
    assert.deepEqual(await (waiting ?? reader.next()), { done: true, value: undefined })
    assert.deepEqual(orders, ['start 1', 'close 1'])
    assert.equal(life.isOver, true)
  }
})

test('StreamReader as a loop closes the connection when it is left', async () => {
  const { reader, orders } = setUp()
  assert.equal((await reader.return()).done, true)
  assert.deepEqual(orders, ['close 1'])
})

// Proves: docs/limits.md#receive-mail
test('a socket that brings much pauses while its service is behind', async () => {
  const { sockets, reader } = setUp()
  const { orders, mailbox } = sockets
  await reader.read(0, undefined)
  orders.length = 0
  const much = Buffer.alloc(16 * 1024)
  const bring = (chunk: Buffer): void => {
    void reader.read(undefined, undefined)
    reader.received(chunk)
  }
  mailbox.length = RECEIVE_MAIL_MAX - 1
  bring(much)
  mailbox.length = RECEIVE_MAIL_MAX
  bring(much.subarray(1))
  assert.deepEqual(orders, [])
  bring(much)
  assert.deepEqual(orders, ['look 1', 'pause 1'])
  // Who reads on does not make it go on.
  bring(much)
  assert.equal(orders.length, 2)
  void reader.read(undefined, undefined)
  sockets.emit('LOOKED', 1)
  assert.deepEqual(orders.splice(0), ['look 1', 'pause 1', 'start 1'])
  // There is as much as before: a turn, and again.
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(orders.splice(0), ['look 1', 'pause 1'])
  mailbox.length = 0
  sockets.emit('LOOKED', 1)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(orders, ['start 1'])
})
