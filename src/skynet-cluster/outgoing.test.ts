import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeSocket, settled } from './cluster.kit.ts'
import { type Large, Outgoing } from './outgoing.ts'
import { PART_BYTES } from './request-frames.ts'

/** Parts are their letter, or the capital of it for the last one. */
const large = (letter: string, parts: number, more: Partial<Large> = {}): Large => ({
  begin: Buffer.from(`${letter}(`),
  message: Buffer.alloc(parts * PART_BYTES),
  part: (_, isLast) => Buffer.from(isLast ? letter.toUpperCase() : letter),
  ...more,
})

test('large messages leave part by part, behind each other, at low priority', () => {
  const socket = new FakeSocket()
  const outgoing = new Outgoing(socket)
  outgoing.sendLarge(large('a', 3))
  outgoing.sendLarge(large('b', 1))
  assert.ok(socket.written.every(({ isLow }) => isLow))
  assert.equal(socket.sent().toString(), 'a(aaAb(B')
  assert.equal(outgoing.waiting, 0)
})

test('parts wait while much is on its way, and small frames pass them', async () => {
  const socket = new FakeSocket()
  const outgoing = new Outgoing(socket)
  socket.bufferedAmount = 256 * 1024
  let isGone = false
  outgoing.sendLarge(
    large('a', 2, {
      gone: () => {
        isGone = true
      },
    }),
  )
  outgoing.send(Buffer.from('small'))
  assert.equal(socket.sent().toString(), 'small')
  assert.equal(outgoing.waiting, 256 * 1024 + 2 * PART_BYTES)
  assert.equal(isGone, false)
  socket.leave()
  await settled()
  assert.equal(socket.sent().toString(), 'a(aA')
  assert.equal(isGone, true)
})

test('a message that nobody wants any more is not begun', async () => {
  const socket = new FakeSocket()
  const outgoing = new Outgoing(socket)
  socket.bufferedAmount = 256 * 1024
  outgoing.sendLarge(large('a', 1, { isDropped: () => true }))
  outgoing.sendLarge(large('b', 1))
  socket.leave()
  await settled()
  assert.equal(socket.sent().toString(), 'b(B')
  assert.equal(outgoing.waiting, 0)
})

test('drained() resolves when nothing waits, or the connection has ended', async () => {
  const socket = new FakeSocket()
  const outgoing = new Outgoing(socket)
  socket.bufferedAmount = 1
  let isDrained = false
  const drained = outgoing.drained().then(() => {
    isDrained = true
  })
  await settled()
  assert.equal(isDrained, false)
  socket.leave()
  await drained
  socket.isOpen = false
  outgoing.send(Buffer.from('x'))
  outgoing.sendLarge(large('a', 1))
  await outgoing.drained()
  assert.equal(socket.written.length, 0)
})
