/** The socket server where things cross: ends, pauses, deaths, full rings. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LINGER_MS_MAX } from '../../src/base/limits.ts'
import { DatagramWriter } from '../../src/net/client/datagram-writer.ts'
import { owe, SLOT } from '../../src/net/slots.ts'
import { STATE } from '../../src/net/state.ts'
import { compactAddress } from '../../src/os/compact.ts'
import { ERRNO } from '../../src/os/errno.ts'
import type { SocketAddress } from '../../src/os/os.ts'
import type { Peer } from '../support/peer.ts'
import { A, C, drive, type Script, type ServerDriver } from '../support/server-driver.ts'

/** Read until the end. */
function* readAll(s: ServerDriver, peer: Peer): Generator<void, string, void> {
  yield* s.until(() => peer.read() === 0 && (peer.hasEnded || peer.error < 0), 'the end')
  assert.equal(peer.error, 0, 'FIN, not RST')
  return peer.text
}

test('what the peer sent before its end is read after a pause, also when both have ended', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.order('pause', id)
    s.client.order('end', id, A)
    yield* s.idle()
    peer.write('last words')
    peer.end()
    yield* s.silence()
    s.client.order('start', id, A)
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'last words')
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID)
  }))

test('close after end does not cut what the peer has not read', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.send(id, 'good-bye')
    s.client.order('pause', id)
    s.client.order('end', id, A)
    yield* s.idle()
    peer.write('on the way')
    s.client.order('close', id, A)
    yield* s.next('CLOSE')
    yield* s.idle()
    assert.equal(yield* readAll(s, peer), 'good-bye')
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ, 'it waits for the FIN of the peer')
    peer.end()
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
  }))

/** How a stream loses bytes that were taken for sending, while its peer does not read. */
type Cut = (s: ServerDriver, id: number) => Script | undefined
const CUTS: Readonly<Record<string, Cut>> = {
  *'a linger that ends'(s, id) {
    s.client.order('close', id)
    yield* s.idle()
    s.now += LINGER_MS_MAX
  },
  shutdown(s, id) {
    s.client.order('shutdown', id)
    return undefined
  },
  'policy close'(s, id) {
    s.client.order('overflow', id)
    return undefined
  },
  *'an idle timeout'(s, id) {
    s.client.orderWith('configure', id, { idleTimeoutMs: 1000 })
    yield* s.idle()
    const pass = (): boolean => {
      s.now += 2000
      return s.stateOf(id) === 0
    }
    // Several times: a kernel that takes a late piece more begins it anew.
    yield* s.until(pass, 'the end of its time')
  },
  *'a write that fails'(s, id) {
    s.client.order('close', id)
    yield* s.idle()
    Object.assign(s.os, { write: () => -ERRNO.EPIPE })
  },
  'the death of who wrote'(s, id) {
    Atomics.store(s.slots.cells, s.slots.at(id) + SLOT.remainder, owe(0, 0))
    s.client.order('died', 0)
    return undefined
  },
}
for (const [how, cut] of Object.entries(CUTS)) {
  // Proves: docs/semantics.md#reset
  test(`a stream that loses bytes ends with RST, not with FIN: ${how}`, () =>
    drive(function* (s) {
      const { id, peer } = yield* s.pair()
      yield* s.fill(id)
      yield* cut(s, id) ?? []
      if (how !== 'a write that fails') yield* s.until(() => s.stateOf(id) === 0, 'the cut')
      yield* s.until(() => peer.read() === 0 && (peer.hasEnded || peer.error < 0), 'the end')
      assert.deepEqual([peer.hasEnded, peer.error], [false, -ERRNO.ECONNRESET])
    }))
}

test('a send behind an order to shut down is a loss, behind one to close it is none', () =>
  drive(function* (s) {
    for (const [order, error] of [
      ['shutdown', -ERRNO.ECONNRESET],
      ['close', 0],
    ] as const) {
      const { id, peer } = yield* s.pair()
      s.client.order('pause', id)
      yield* s.idle()
      Atomics.add(s.slots.cells, s.slots.at(id) + SLOT.pending, 1)
      s.client.order(order, id)
      yield* s.until(() => peer.read() === 0 && (peer.hasEnded || peer.error < 0), 'the end')
      assert.equal(peer.error, error)
      Atomics.sub(s.slots.cells, s.slots.at(id) + SLOT.pending, 1)
      s.events = []
    }
  }))

test('end after close changes nothing', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.order('pause', id)
    yield* s.idle()
    s.send(id, 'good-bye')
    peer.write('on the way')
    s.client.order('close', id, A)
    s.client.order('end', id, A)
    yield* s.next('CLOSE')
    yield* s.idle()
    assert.equal(yield* readAll(s, peer), 'good-bye')
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ, 'it waits for the FIN of the peer')
    peer.end()
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
  }))

test('nobody inherits a connection whose owner died with bytes unread', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair(A)
    peer.write('unread')
    yield* s.next('DATA')
    s.alive.delete(A)
    s.client.order('start', id, C)
    const error = yield* s.next('ERROR')
    assert.deepEqual([error.owner, error.bytes.toString()], [C, 'socket closed'])
    // What the dead one wrote comes after that, and then its order to close.
    s.send(id, 'last words')
    s.client.order('close', id, A)
    assert.equal(yield* readAll(s, peer), 'last words')
    peer.end()
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
  }))

test('what was sent before start still leaves after it', () =>
  drive(function* (s) {
    const { port } = yield* s.listen(A)
    const peer = s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    const sent = yield* s.fill(id)
    yield* s.start(id)
    yield* s.until(() => peer.read() >= 0 && peer.bytesReceived === sent, 'all of it')
  }))

test('a reset while the ring of the owner is full ends that socket, and nobody is kept busy', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair(C)
    s.workers[1]!.isDeaf = true
    const piece = Buffer.alloc(64 * 1024)
    for (let stuck = 0; stuck < 50; stuck++) {
      if (peer.write(piece) > 0) stuck = 0
      yield
    }
    s.os.setOption(peer.fd, 'lingerSeconds', 0)
    peer.close()
    assert.equal(yield* s.idle(), -1)
    // The error, not what came before it, is what is met when there is room again.
    Object.assign(s.os, { read: () => -ERRNO.ECONNRESET })
    s.workers[1]!.isDeaf = false
    yield* s.until(() => s.data(id).length === 0 && s.events.length === 2, 'the end')
    assert.deepEqual(
      s.events.map(({ kind }) => kind),
      ['ERROR', 'CLOSE'],
    )
    assert.equal(s.stateOf(id), STATE.INVALID)
    s.events = []
    yield* s.silence()
  }))

test('sent bytes may be used again at once, also when the ring of orders is full', () =>
  drive(function* (s) {
    const { port } = yield* s.listen(A)
    const peer = s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    while (!s.client.isBlocked) s.client.order('noDelay', id, 1)
    const bytes = Buffer.from('what was sent')
    s.send(id, bytes)
    bytes.fill('x')
    yield* s.until(() => peer.read() === 0 && peer.bytesReceived === bytes.length, 'all of it')
    assert.equal(peer.text, 'what was sent')
  }))

test('a drain is not answered to the owner after the one who ordered it', () =>
  drive(function* (s) {
    const { port } = yield* s.listen(A)
    s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    yield* s.fill(id)
    s.client.order('drain', id, A)
    yield* s.idle()
    s.client.order('start', id, C)
    assert.equal((yield* s.next('YIELD')).owner, A)
    assert.equal((yield* s.next('OPEN')).owner, C)
    s.client.order('shutdown', id, C)
    assert.equal((yield* s.next('CLOSE')).owner, C)
    yield* s.silence()
  }))

/** A UDP socket of A, and where its datagrams go by default. */
function* udp(s: ServerDriver): Generator<void, { id: number; far: number; to: Uint8Array }, void> {
  const far = s.os.datagram(4)
  assert.equal(s.os.bindDatagram(far, { family: 4, host: '127.0.0.1', port: 0 }), 0)
  const to = compactAddress(s.os.localAddress(far) as SocketAddress)
  const id = s.slots.reserve()
  s.client.order('udp', id, s.os.datagram(4), A)
  s.client.order('peer', id, 0, 0, to)
  yield* s.next('OPEN')
  return { id, far, to }
}

/** The lengths of the datagrams that are there; `far` is closed. */
function lengths(s: ServerDriver, far: number): number[] {
  const { os } = s
  const region = os.region(new SharedArrayBuffer(1024))
  const found: number[] = []
  for (let length = 0; length >= 0; ) {
    length = os.receiveFrom(far, region, 0, 512)
    if (length >= 0) found.push(length)
  }
  os.close(far)
  return found
}

test('a datagram of as many bytes as EAGAIN or ENOBUFS has is sent once', () =>
  drive(function* (s) {
    const { id, far } = yield* udp(s)
    const sizes = [ERRNO.EAGAIN, ERRNO.ENOMEM, ERRNO.ENOBUFS]
    for (const size of sizes) s.send(id, Buffer.alloc(size))
    assert.equal(yield* s.idle(), -1)
    assert.deepEqual(lengths(s, far), sizes)
    assert.equal(s.cell(id, 'pending'), 0)
  }))

test('as many datagrams as EAGAIN has, sent at once, are sent once', () =>
  drive(function* (s) {
    const { id, far, to } = yield* udp(s)
    const writer = new DatagramWriter(s.client, id, () => assert.fail('refused'))
    for (let i = 0; i < ERRNO.EAGAIN; i++) writer.send(Buffer.from('one'), to)
    writer.flush()
    assert.equal(yield* s.idle(), -1)
    assert.deepEqual(lengths(s, far), new Array(ERRNO.EAGAIN).fill(3))
  }))

/** A connect of A that goes on and on: its descriptor never becomes writable. */
function connecting(s: ServerDriver): number {
  const nowhere = { family: 4, host: '127.0.0.1', port: 0 } as const
  const fd = s.os.listen(nowhere, 1)
  Object.assign(s.os, { socket: () => fd, connect: () => -ERRNO.EINPROGRESS })
  const id = s.slots.reserve()
  s.client.connect(id, A, [nowhere])
  return id
}

test('too much for a socket that is not connected yet is the one answer to its connect', () =>
  drive(function* (s) {
    const id = connecting(s)
    s.client.order('overflow', id)
    assert.match((yield* s.next('ERROR')).bytes.toString(), /^more than/)
    yield* s.silence()
    assert.equal(s.stateOf(id), STATE.INVALID)
  }))

test('a connect that takes long is not idle', () =>
  drive(function* (s) {
    const id = connecting(s)
    s.client.orderWith('configure', id, { idleTimeoutMs: 100 })
    assert.equal(yield* s.idle(), -1)
    assert.equal(s.stateOf(id), STATE.CONNECTING)
  }))

test('what was sent before its kind was known harms neither a listener nor a UDP socket', () =>
  drive(function* (s) {
    const fd = s.os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 8)
    const listener = s.slots.reserve()
    const socket = s.slots.reserve()
    for (const id of [listener, socket]) s.send(id, 'early')
    yield* s.idle()
    s.client.order('listen', listener, fd, A)
    s.client.order('udp', socket, s.os.datagram(4), A)
    const { ud: port } = yield* s.next('OPEN')
    yield* s.next('OPEN')
    for (const id of [listener, socket]) assert.equal(s.cell(id, 'queued'), 0)
    s.client.order('drain', socket, A)
    assert.equal((yield* s.next('DRAIN')).ud, 1)
    s.client.order('start', listener, A)
    yield* s.next('OPEN')
    s.connect(port)
    yield* s.next('ACCEPT')
  }))
