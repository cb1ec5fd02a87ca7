/** What can be set for each socket, at the socket server; time is what the test says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHORTAGE_PAUSE_MS } from '../../src/base/limits.ts'
import { SEND_POLICY, type SocketSettings } from '../../src/net/settings.ts'
import { STATE } from '../../src/net/state.ts'
import { ERRNO } from '../../src/os/errno.ts'
import { A, drive, type ServerDriver } from '../support/server-driver.ts'
import { settle, told } from '../support/socket-states.ts'
import { UdpPeer } from '../support/udp-peer.ts'

const IDLE_MS = 1000
/** It is noticed at most an eighth later. */
const LATE_MS = IDLE_MS / 8

function* configure(s: ServerDriver, id: number, settings: Partial<SocketSettings>) {
  s.client.orderWith('configure', id, settings)
  yield* s.idle()
}

/** `ms` pass, and nobody is told anything. */
function* quiet(s: ServerDriver, ms: number) {
  s.now += ms
  yield* s.silence()
}

function* idleEnd(s: ServerDriver, id: number) {
  s.now += LATE_MS
  yield* settle(s)
  assert.deepEqual(told(s), [`ERROR idle for ${IDLE_MS} ms`, 'CLOSE'])
  assert.equal(s.stateOf(id), STATE.INVALID)
  assert.equal(yield* s.idle(), -1, 'no deadline is left')
}

// Proves: docs/semantics.md#idle
test('idleTimeoutMs ends a socket on which nothing happens, and not before', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    yield* configure(s, id, { idleTimeoutMs: IDLE_MS })
    assert.equal(yield* s.idle(), IDLE_MS)
    yield* quiet(s, IDLE_MS - 1)
    s.now += 1
    yield* idleEnd(s, id)
  }))

test('idleTimeoutMs begins anew with every byte that comes', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    yield* configure(s, id, { idleTimeoutMs: IDLE_MS })
    for (let round = 0; round < 3; round++) {
      yield* quiet(s, IDLE_MS - 1)
      peer.write('x')
      yield* s.next('DATA')
    }
    yield* quiet(s, IDLE_MS - 1)
    yield* idleEnd(s, id)
  }))

// Proves: docs/semantics.md#idle
test('idleTimeoutMs begins anew with every byte that leaves, also past the server', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    yield* configure(s, id, { idleTimeoutMs: IDLE_MS })
    for (let round = 0; round < 3; round++) {
      yield* quiet(s, IDLE_MS - 1)
      s.send(id, 'direct')
      assert.equal(s.cell(id, 'pending'), 0, 'the worker wrote it itself')
    }
    yield* quiet(s, IDLE_MS - 1)
    yield* s.until(() => peer.read() > 0, 'what was sent')
    yield* idleEnd(s, id)
  }))

test('idleTimeoutMs can be changed, and taken away; each change begins anew', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    yield* configure(s, id, { idleTimeoutMs: IDLE_MS * 100 })
    yield* quiet(s, IDLE_MS * 99)
    yield* configure(s, id, { idleTimeoutMs: IDLE_MS })
    assert.equal(yield* s.idle(), IDLE_MS)
    yield* configure(s, id, { idleTimeoutMs: 0 })
    assert.equal(yield* s.idle(), -1)
    yield* quiet(s, IDLE_MS * 1000)
    yield* configure(s, id, { idleTimeoutMs: IDLE_MS })
    yield* quiet(s, IDLE_MS - 1)
    yield* idleEnd(s, id)
  }))

test('idleTimeoutMs holds for UDP: what comes and what is sent counts', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    const peer = new UdpPeer(s)
    yield* configure(s, id, { idleTimeoutMs: IDLE_MS })
    yield* quiet(s, IDLE_MS - 1)
    peer.send(port, 'x')
    yield* s.next('UDP')
    yield* quiet(s, IDLE_MS - 1)
    s.client.order('peer', id, 0, 0, peer.address)
    s.send(id, 'y')
    yield* s.idle()
    yield* quiet(s, IDLE_MS - 1)
    yield* idleEnd(s, id)
  }))

// Proves: docs/semantics.md#settings
test('settings of a listener hold for what it accepts, started or not', () =>
  drive(function* (s) {
    const { id: listener, port } = yield* s.listen()
    const settings = {
      idleTimeoutMs: IDLE_MS,
      sendLimitBytes: 5000,
      sendPolicy: 'drop-new',
    } as const
    yield* configure(s, listener, settings)
    s.connect(port)
    const { ud: unused } = yield* s.next('ACCEPT')
    yield* quiet(s, IDLE_MS - 1)
    s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    yield* s.start(id)
    assert.equal(s.slots.limitOf(id), 5000)
    assert.equal(s.slots.policyOf(id), SEND_POLICY['drop-new'])
    s.now += 1 + LATE_MS
    yield* settle(s)
    assert.deepEqual(told(s), [`ERROR idle for ${IDLE_MS} ms`, 'CLOSE'])
    assert.equal(s.stateOf(unused), STATE.INVALID)
    yield* quiet(s, IDLE_MS - LATE_MS - 2)
    s.now += LATE_MS
    yield* idleEnd(s, id)
    assert.equal(s.stateOf(listener), STATE.LISTEN, 'not idle itself')
  }))

// Proves: docs/semantics.md#idle
test('lingerMs says how long a close may take', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    yield* configure(s, id, { lingerMs: 50, idleTimeoutMs: 10 })
    yield* s.fill(id)
    s.client.order('close', id, A)
    yield* s.next('CLOSE')
    assert.equal(yield* s.idle(), 50)
    yield* quiet(s, 49)
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ)
    yield* quiet(s, 1)
    assert.equal(s.stateOf(id), STATE.INVALID)
    while (peer.read() > 0);
  }))

// Proves: docs/skynet.md#read-bound
test('readBytesMax bounds what one read brings', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const sent = Buffer.alloc(50_000, 'x')
    peer.write(sent)
    yield* settle(s)
    assert.ok(s.events.some(({ bytes }) => bytes.length > 1000))
    assert.equal(s.data(id).length, sent.length)
    yield* configure(s, id, { readBytesMax: 1000 })
    peer.write(sent)
    yield* settle(s)
    assert.ok(s.events.every(({ bytes }) => bytes.length <= 1000))
    assert.equal(s.data(id).length, sent.length)
  }))

test('sendWarningBytes says when the first WARNING comes', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    yield* s.fill(id)
    yield* s.silence()
    yield* configure(s, id, { sendWarningBytes: 1000 })
    s.send(id, 'x')
    assert.ok((yield* s.next('WARNING')).ud > 0)
    yield* s.drained(id, peer)
    assert.equal((yield* s.next('WARNING')).ud, 0)
  }))

/** Let 10 bytes be left to the limit, which it returns. Until the next turn nothing leaves. */
function* tenLeft(s: ServerDriver, id: number, sendPolicy: SocketSettings['sendPolicy']) {
  for (;;) {
    const sendLimitBytes = s.cell(id, 'queued') + 10
    yield* configure(s, id, { sendLimitBytes, sendPolicy })
    // A slow kernel may have taken some meanwhile.
    if (s.cell(id, 'queued') + 10 === sendLimitBytes) return sendLimitBytes
  }
}

// Proves: docs/skynet.md#send-limit
test('sendLimitBytes, policy close: ERROR, CLOSE, and nothing is owed any more', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    yield* s.fill(id)
    const sendLimitBytes = yield* tenLeft(s, id, 'close')
    const writer = s.client.ownWriter(id)
    for (const size of [9, 50]) {
      assert.equal(writer.write('x'.repeat(size)), true, 'one may go beyond the limit')
      writer.flush()
    }
    assert.equal(writer.write('x'), false)
    assert.equal(writer.isGone, true)
    yield* settle(s)
    assert.deepEqual(told(s), [`ERROR more than ${sendLimitBytes} bytes wait to be sent`, 'CLOSE'])
    assert.equal(s.stateOf(id), STATE.INVALID)
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
  }))

for (const sendPolicy of ['drop-new', 'pause-producer'] as const) {
  // Proves: docs/semantics.md#send-limit
  test(`sendLimitBytes, policy ${sendPolicy}: a write is refused whole, the rest leaves`, () =>
    drive(function* (s) {
      const { id, peer } = yield* s.pair()
      const sent = yield* s.fill(id)
      yield* tenLeft(s, id, sendPolicy)
      const writer = s.client.ownWriter(id)
      assert.equal(writer.write('1'.repeat(9)), true)
      assert.equal(writer.write('2'.repeat(20)), true, 'one may go beyond the limit')
      assert.equal(writer.write('3'), false, 'what this turn wrote counts')
      assert.equal(writer.write('4', { priority: 'low' }), false)
      writer.flush()
      assert.equal(writer.write('5'), false)
      yield* s.silence()
      yield* s.drained(id, peer)
      assert.equal(peer.text.slice(sent), `${'1'.repeat(9)}${'2'.repeat(20)}`)
      assert.equal(s.stateOf(id), STATE.CONNECTED)
    }))
}

test('configure while a write waits for memory does not forget it', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const { write } = s.os
    Object.assign(s.os, { write: () => -ERRNO.ENOBUFS })
    s.send(id, 'late')
    assert.equal(yield* s.idle(), SHORTAGE_PAUSE_MS)
    yield* configure(s, id, { lingerMs: 5 })
    Object.assign(s.os, { write })
    s.now += SHORTAGE_PAUSE_MS
    yield* s.until(() => peer.read() > 0, 'it')
    assert.equal(peer.text, 'late')
  }))
