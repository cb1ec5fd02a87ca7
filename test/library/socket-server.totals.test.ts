/** The totals of a socket server that is alone with its test: everything is known exactly. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SOCKETS_MAX } from '../../src/base/limits.ts'
import { SLOT } from '../../src/net/slots.ts'
import { STATE } from '../../src/net/state.ts'
import { ERRNO } from '../../src/os/errno.ts'
import type { SocketAddress } from '../../src/os/os.ts'
import { A, drive, type Script, type ServerDriver } from '../support/server-driver.ts'

function check(title: string, script: (s: ServerDriver) => Script): void {
  test(title, () => drive(script))
}

/** The sum of all states but those given. */
const others = (s: ServerDriver, ...names: string[]): number =>
  Object.entries(s.totals.read().states)
    .filter(([name]) => !names.includes(name))
    .reduce((sum, [, count]) => sum + count, 0)

check('totals() count accepted, opened and closed connections, and what they move', function* (s) {
  const { id, peer, listener } = yield* s.pair()
  let now = s.totals.read()
  assert.deepEqual([now.accepted, now.opened, now.closed], [1, 0, 0])
  assert.deepEqual([now.states.LISTEN, now.states.CONNECTED], [1, 1])
  assert.equal(others(s, 'LISTEN', 'CONNECTED'), 0)

  peer.write('12345')
  yield* s.next('DATA')
  s.send(id, '123')
  now = s.totals.read()
  assert.deepEqual([now.received, now.sent, now.queued], [5, 3, 0])

  s.client.order('shutdown', id, A)
  yield* s.next('CLOSE')
  s.client.order('close', listener, A)
  yield* s.next('CLOSE')
  yield* s.silence()
  now = s.totals.read()
  assert.deepEqual([now.received, now.sent], [5, 3], 'as before: the accept is no byte')
  assert.deepEqual([now.accepted, now.closed], [1, 1], 'a listener is no connection')
  assert.equal(others(s), 0)
})

check('totals() count a connect that succeeds, not one that fails', function* (s) {
  const { port, id: listener } = yield* s.listen()
  const address = { family: 4, host: '127.0.0.1', port } as const
  const first = s.slots.reserve()
  s.client.connect(first, A, [address])
  const opening = yield* s.until(() => s.events.length >= 2 && s.events.splice(0), 'both ends')
  const accepted = opening.find(({ kind }) => kind === 'ACCEPT')!.ud
  assert.deepEqual(s.totals.read().opened, 1)

  for (const id of [first, accepted, listener]) s.client.order('shutdown', id, A)
  yield* s.until(() => s.totals.read().closed === 2 && others(s) === 0, 'the end of all')
  s.events = []
  const second = s.slots.reserve()
  s.client.connect(second, A, [address])
  yield* s.next('ERROR')
  const { opened, closed } = s.totals.read()
  assert.deepEqual([opened, closed], [1, 2])
})

check('totals() count bytes that the socket thread sends, and those queued now', function* (s) {
  const { id, peer } = yield* s.pair()
  const sent = yield* s.fill(id)
  let now = s.totals.read()
  assert.equal(now.queued, s.cell(id, 'queued'))
  assert.ok(now.queued > 0)
  assert.equal(now.sent, sent - now.queued)
  yield* s.until(() => peer.read() >= 0 && s.cell(id, 'queued') === 0, 'the reader')
  now = s.totals.read()
  assert.deepEqual([now.sent, now.queued], [sent, 0])
  s.client.order('shutdown', id, A)
  yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
  assert.equal(s.totals.read().sent, sent)
  s.events = []
})

check('totals() count datagrams that the socket thread sends', function* (s) {
  const fds = [s.os.datagram(4), s.os.datagram(4)] as const
  for (const fd of fds) s.os.bindDatagram(fd, { family: 4, host: '127.0.0.1', port: 0 })
  s.os.connectDatagram(fds[0], s.os.localAddress(fds[1]) as SocketAddress)
  const id = s.slots.reserve()
  s.client.order('udp', id, fds[0], A)
  yield* s.next('OPEN')
  s.client.order('peer', id, 0, 0, Uint8Array.of(0))
  s.client.sendLow(id, Buffer.from('12345'))
  yield* s.until(() => s.totals.read().sent === 5, 'the datagram')
  s.client.order('shutdown', id, A)
  yield* s.next('CLOSE')
  s.os.close(fds[1])
  const { sent, closed, queued } = s.totals.read()
  assert.deepEqual([sent, closed, queued], [5, 0, 0])
})

// Proves: docs/semantics.md#totals
check('totals() count clients that were refused', function* (s) {
  const { port } = yield* s.listen()
  const { accept } = s.os
  let tries = 0
  // Out of descriptors until the one in reserve is given up.
  const outOfThem = (fd: number): number =>
    ++tries % 2 === 1 ? -ERRNO.EMFILE : accept.call(s.os, fd)
  Object.assign(s.os, { accept: outOfThem })
  s.connect(port)
  yield* s.next('REFUSE')
  Object.assign(s.os, { accept })
  assert.equal(s.totals.read().refused, 1)

  const reserved: number[] = []
  for (let id = s.slots.reserve(); id >= 0; id = s.slots.reserve()) reserved.push(id)
  assert.equal(s.totals.read().states.RESERVE, SOCKETS_MAX - 1)
  s.connect(port)
  yield* s.next('REFUSE')
  const { refused, accepted, closed } = s.totals.read()
  assert.deepEqual([refused, accepted, closed], [2, 0, 0])
  for (const id of reserved) s.slots.cells.fill(0, s.slots.at(id), s.slots.at(id) + SLOT.CELLS)
})

check('totals() count waits and their events as they were', function* (s) {
  const { port } = yield* s.listen()
  for (let i = 0; i < 20; i++) s.connect(port).write('x')
  yield* s.until(() => s.events.filter(({ kind }) => kind === 'ACCEPT').length === 20, 'all')
  yield
  const { waits, wakes, events } = s.totals.read()
  // The one that we are in has not been counted.
  const brought = s.waits.map(({ ready }) => ready)
  assert.equal(waits, brought.length)
  assert.equal(
    events,
    brought.reduce((sum, ready) => sum + ready, 0),
  )
  assert.equal(wakes, brought.filter((ready) => ready > 0).length)
  s.events = []
})

check('totals() know many sockets ready at once by events a wake', function* (s) {
  const { port } = yield* s.listen()
  const peers = Array.from({ length: 20 }, () => s.connect(port))
  const started = new Set<number>()
  while (started.size < peers.length) started.add((yield* s.next('ACCEPT')).ud)
  for (const id of started) yield* s.start(id)
  yield* s.idle()
  const before = s.totals.read()
  for (const peer of peers) peer.write('x')
  yield* s.until(() => s.events.length === peers.length, 'what they wrote')
  const after = s.totals.read()
  assert.equal(after.received - before.received, peers.length)
  assert.ok(after.events - before.events >= peers.length)
  assert.ok((after.events - before.events) / (after.wakes - before.wakes) > 2)
  s.events = []
})

check('totals() have the system calls of a turn once it is over', function* (s) {
  yield* s.idle()
  const before = s.totals.read().calls
  assert.ok(before > 0 && before <= s.os.calls)
  s.os.close(s.os.reserveFd())
  yield
  yield
  assert.ok(s.totals.read().calls >= before + 2)
})
