import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEND_POLICY } from '../net/settings.ts'
import { STATE } from '../net/state.ts'
import { TestPool } from '../testing/test-pool.ts'
import { SocketLife } from './socket-life.ts'
import { StreamWriter } from './stream-writer.ts'

const CLOSED = { code: 'ERR_SOCKET_CLOSED' }

function setUp() {
  const sockets = new TestPool()
  const owner = { id: 1, happened() {}, leave() {}, letGo: () => true }
  const life = new SocketLife(sockets.pool, owner, 'waiting')
  return { sockets, life, writer: new StreamWriter(life), ...sockets }
}

test('StreamWriter gathers, and hands on at once what is flushed', () => {
  const { writer, sent, orders } = setUp()
  assert.equal(writer.write('ab', undefined), true)
  assert.equal(writer.write(Buffer.from('c'), undefined), true)
  assert.deepEqual([sent, writer.gathered], [[], 3])
  writer.flush()
  assert.deepEqual([sent, writer.gathered], [['abc'], 0])
  assert.deepEqual(orders, ['start 1'], 'the first write is a use')
})

test('StreamWriter refuses by the policy of the socket: drop and count, or throw', () => {
  const { writer, slot, sent } = setUp()
  slot.queued = slot.limit
  slot.policy = SEND_POLICY['drop-new']
  assert.equal(writer.write('x', undefined), false)
  assert.equal(writer.dropped, 1)
  slot.policy = SEND_POLICY['pause-producer']
  const full = { code: 'ERR_SOCKET_FULL', info: { id: 1, queued: 100, limit: 100 } }
  assert.throws(() => writer.write('x', undefined), full)
  assert.equal(writer.dropped, 1)
  writer.flush()
  assert.deepEqual(sent, [])
})

test('StreamWriter takes nothing after the end, said once, behind what was written', () => {
  const { writer, sent, orders } = setUp()
  writer.write('last', undefined)
  writer.end()
  writer.end()
  assert.deepEqual(sent, ['last'])
  assert.deepEqual(orders, ['start 1', 'end 1'])
  assert.throws(() => writer.write('x', undefined), CLOSED)
})

test('StreamWriter says of a socket that has failed why', () => {
  const { writer, life } = setUp()
  life.fail('more than 100 bytes wait to be sent')
  const message = 'Cannot go on with socket 1: it has failed: more than 100 bytes wait to be sent'
  assert.throws(() => writer.write('x', undefined), { ...CLOSED, message, cause: life.error })
})

test('StreamWriter takes nothing once the socket was gone at a flush', async () => {
  const { writer, slot } = setUp()
  writer.write('x', undefined)
  slot.state = STATE.INVALID
  writer.flush()
  assert.equal(writer.isGone, true)
  assert.throws(() => writer.write('x', undefined), CLOSED)
  await assert.rejects(writer.drain(undefined), CLOSED)
})

test('StreamWriter holds the reader above half of the limit, and asks once to be told', () => {
  const { writer, slot, orders } = setUp()
  slot.queued = slot.limit / 2
  assert.equal(writer.mustWait(), false)
  slot.queued++
  assert.equal(writer.mustWait(), true)
  assert.equal(writer.mustWait(), true)
  assert.deepEqual(orders, ['drain 1'])
  writer.drained(1)
  assert.equal(writer.mustWait(), true)
  assert.deepEqual(orders, ['drain 1', 'drain 1'])
})

test('StreamWriter tells who waits for all to leave why it will not', async () => {
  const { writer, life, slot, waits } = setUp()
  slot.queued = 1
  const drained = writer.drain(undefined)
  life.fail('reset')
  writer.fail()
  await assert.rejects(drained, { code: 'ERR_SOCKET_FAILED' })
  assert.equal(waits.size, 0)
})

test('StreamWriter tells onWarning, or the log when there is none', () => {
  const { writer, logged } = setUp()
  writer.warned(1024)
  assert.deepEqual(logged, ['WARNING: 1024 K bytes need to send out (socket 1)'])
  const heard: number[] = []
  writer.onWarning = (kib) => void heard.push(kib)
  writer.warned(2048)
  writer.warned(0)
  assert.deepEqual([heard, logged.length], [[2048, 0], 1])
  assert.throws(() => {
    writer.onWarning = 5 as never
  }, TypeError)
  writer.onWarning = undefined
  assert.equal(writer.onWarning, undefined)
})
