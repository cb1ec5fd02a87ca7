/** UDP at the socket server. `T` and a number is a case of Skynet's socket_server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DATAGRAM_BYTES_MAX, LINGER_MS_MAX, SHORTAGE_PAUSE_MS } from '../../src/base/limits.ts'
import { DatagramWriter } from '../../src/net/client/datagram-writer.ts'
import { STATE } from '../../src/net/state.ts'
import { compactAddress } from '../../src/os/compact.ts'
import { ERRNO, errorText } from '../../src/os/errno.ts'
import type { Os } from '../../src/os/os.ts'
import { A, C, drive, type ServerDriver } from '../support/server-driver.ts'
import { settle, told } from '../support/socket-states.ts'
import { UdpPeer } from '../support/udp-peer.ts'

/** A writer of worker 0; nothing it sends must fail, unless `failed` is given. */
const writerOf = (
  s: ServerDriver,
  id: number,
  failed: (errno: number) => void = (errno) => assert.fail(errorText(errno)),
) => new DatagramWriter(s.client, id, failed)

/** Send at once. Returns whether it was taken. */
function say(writer: DatagramWriter, text: string, to: Uint8Array): boolean {
  const isTaken = writer.send(Buffer.from(text), to)
  writer.flush()
  return isTaken
}

/** Let both ways to send fail as `next` says; 0: they work. Returns the way back. */
function sendFault(s: ServerDriver, next: (slot: number) => number): () => void {
  const { sendBatch, sendTo } = s.os
  let sent = 0
  const faulty: Partial<Os> = {
    sendBatch: (fd, batch, first) => next(first) || sendBatch.call(s.os, fd, batch, first, 1),
    sendTo: (...args) => next(sent++) || sendTo.apply(s.os, args),
  }
  Object.assign(s.os, faulty)
  return () => Object.assign(s.os, { sendBatch, sendTo })
}
const full = () => -ERRNO.EAGAIN

/** The poller says "writable" while `full` says no: the server does not come to rest. */
function* someTurns(): Generator<void, void, void> {
  for (let turn = 0; turn < 10; turn++) yield
}

for (const [family, length] of [
  [4, 7],
  [6, 19],
] as const) {
  test(`T24 UDP over IPv${family}: an address of ${length} bytes comes too, good to answer`, () =>
    drive(function* (s) {
      const { id, port } = yield* s.udp(family)
      const peer = new UdpPeer(s, family)
      peer.send(port, 'question')
      const { ud, bytes, owner } = yield* s.next('UDP')
      assert.deepEqual([owner, ud, bytes.toString('latin1', 0, ud)], [A, 8, 'question'])
      const from = bytes.subarray(ud)
      assert.deepEqual([...from], [...peer.address])
      assert.equal(from.length, length)
      say(writerOf(s, id), 'answer', from)
      assert.deepEqual(peer.texts(), ['answer'], 'sent by the worker itself')
      const mend = sendFault(s, full)
      say(writerOf(s, id), 'by the server', from)
      mend()
      yield* s.until(() => s.cell(id, 'pending') === 0, 'the send')
      assert.deepEqual(peer.texts(), ['by the server'])
    }))
}

test('T24 an IPv6 socket for everybody takes an IPv4 peer, and answers it', () =>
  drive(function* (s) {
    const fd = s.os.datagram(6)
    s.os.setOption(fd, 'ipv6Only', 0)
    assert.equal(s.os.bindDatagram(fd, { family: 6, host: '::', port: 0 }), 0)
    const id = s.slots.reserve()
    s.client.order('udp', id, fd, A)
    const { ud: port } = yield* s.next('OPEN')
    const peer = new UdpPeer(s)
    peer.send(port, 'x')
    const { bytes } = yield* s.next('UDP')
    assert.equal(bytes.length, 1 + 19)
    say(writerOf(s, id), 'y', bytes.subarray(1))
    assert.deepEqual(peer.texts(), ['y'])
  }))

test('T25 a send without an address is a line in the log; with a peer it leaves', () =>
  drive(function* (s) {
    const { id } = yield* s.udp()
    assert.equal(s.send(id, 'nowhere'), true)
    yield* s.silence()
    assert.deepEqual(s.log.splice(0), [`socket-server : set udp (${id}) error: address first.`])
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
    const peer = new UdpPeer(s)
    s.client.order('peer', id, 0, 0, peer.address)
    s.send(id, 'there')
    s.client.sendLow(id, Buffer.from('low'))
    yield* s.idle()
    assert.deepEqual(peer.texts(), ['there', 'low'])
  }))

// Proves: docs/skynet.md#family
test('T26 an address of the wrong family is refused by the system; the next datagram leaves', () =>
  drive(function* (s) {
    const { id } = yield* s.udp(4)
    const peer = new UdpPeer(s)
    const wrong = compactAddress({ family: 6, host: '::1', port: 9 })
    const errors: number[] = []
    say(
      writerOf(s, id, (errno) => errors.push(errno)),
      'x',
      wrong,
    )
    assert.deepEqual(errors, [-ERRNO.EAFNOSUPPORT])
    s.client.order('peer', id, 0, 0, wrong)
    s.send(id, 'by the server')
    yield* s.silence()
    const reason = errorText(ERRNO.EAFNOSUPPORT)
    assert.deepEqual(s.log.splice(0), [`socket-server : udp (${id}) sendto error ${reason}.`])
    say(writerOf(s, id), 'right', peer.address)
    assert.deepEqual(peer.texts(), ['right'])
  }))

test('T27 an empty datagram comes as UDP with ud 0, and can be sent', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    const peer = new UdpPeer(s)
    peer.send(port, '')
    const { ud, bytes } = yield* s.next('UDP')
    assert.deepEqual([ud, [...bytes]], [0, [...peer.address]])
    say(writerOf(s, id), '', peer.address)
    const mend = sendFault(s, full)
    say(writerOf(s, id), '', peer.address)
    mend()
    yield* s.until(() => s.cell(id, 'pending') === 0, 'the second')
    assert.deepEqual(peer.texts(), ['', ''])
  }))

test('UDP: the largest datagram leaves and comes whole, by the worker and by the server', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    const peer = new UdpPeer(s)
    const large = Buffer.from(Array.from({ length: DATAGRAM_BYTES_MAX }, (_, i) => i * 7))
    peer.send(port, large)
    const { ud, bytes } = yield* s.next('UDP')
    assert.ok(bytes.subarray(0, ud).equals(large))
    writerOf(s, id).send(large, peer.address)
    assert.ok(peer.receive()?.equals(large))
    const mend = sendFault(s, full)
    writerOf(s, id).send(large, peer.address)
    mend()
    const second = yield* s.until(() => peer.receive(), 'the second')
    assert.ok(second.equals(large))
  }))

// Proves: docs/semantics.md#datagram-order
// Proves: docs/skynet.md#datagram
test('UDP: datagrams that the kernel does not take wait in order, each with its address', () =>
  drive(function* (s) {
    const { id } = yield* s.udp()
    const [one, two] = [new UdpPeer(s), new UdpPeer(s)]
    const writer = writerOf(s, id)
    const mend = sendFault(s, full)
    for (let i = 0; i < 150; i++) say(writer, `${i}`, i % 3 === 0 ? one.address : two.address)
    yield* someTurns()
    assert.equal(s.cell(id, 'pending'), 150)
    mend()
    // Late ones do not overtake.
    say(writer, '150', one.address)
    const drained = s.until(() => s.cell(id, 'pending') === 0, 'the last')
    s.client.order('drain', id, A)
    yield* drained
    yield* s.next('DRAIN')
    const numbers = Array.from({ length: 151 }, (_, i) => i)
    const expected = (rest: (i: number) => boolean) => numbers.filter(rest).map(String)
    assert.deepEqual(
      one.texts(),
      expected((i) => i % 3 === 0),
    )
    assert.deepEqual(
      two.texts(),
      expected((i) => i % 3 !== 0),
    )
    assert.equal(s.cell(id, 'queued'), 0)
    assert.equal(yield* s.idle(), -1, 'the loop does not spin')
  }))

// Proves: docs/skynet.md#send-memory
test('UDP: a kernel without memory (ENOBUFS) is asked again, and the loop does not spin', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    const peer = new UdpPeer(s)
    const mend = sendFault(s, () => -ERRNO.ENOBUFS)
    for (const text of ['one', 'two']) say(writerOf(s, id), text, peer.address)
    assert.equal(yield* s.idle(), SHORTAGE_PAUSE_MS)
    const from = s.waits.length
    for (let pass = 0; pass < 20; pass++) yield
    assert.equal(s.waits.slice(from).filter(({ ready }) => ready > 0).length, 0)
    peer.send(port, 'still heard')
    yield* s.next('UDP')
    s.now += SHORTAGE_PAUSE_MS
    assert.equal(yield* s.idle(), SHORTAGE_PAUSE_MS, 'tried, and paused again')
    mend()
    s.now += SHORTAGE_PAUSE_MS
    yield* s.until(() => s.cell(id, 'pending') === 0, 'the sends')
    assert.deepEqual(peer.texts(), ['one', 'two'])
    assert.equal(yield* s.idle(), -1)
  }))

// Proves: docs/semantics.md#datagram-limit
test('UDP: beyond its limit datagrams are dropped, and what waits leaves', () =>
  drive(function* (s) {
    const { id } = yield* s.udp()
    s.client.orderWith('configure', id, { sendLimitBytes: 100 })
    yield* s.idle()
    const peer = new UdpPeer(s)
    const writer = writerOf(s, id)
    const text = 'x'.repeat(30)
    const taken = (count: number) =>
      Array.from({ length: count }, () => writer.send(Buffer.from(text), peer.address))
    // In one turn: the kernel takes them, so nothing waits and nothing is dropped.
    assert.deepEqual(taken(30), new Array(30).fill(true))
    writer.flush()
    assert.equal(peer.texts().length, 30)
    const mend = sendFault(s, full)
    // The fourth finds less than the limit, so it is taken, and not dropped later.
    assert.deepEqual(taken(30), [...new Array(4).fill(true), ...new Array(26).fill(false)])
    writer.flush()
    yield* someTurns()
    assert.deepEqual(taken(1), [false])
    assert.equal(s.cell(id, 'queued'), 120)
    mend()
    yield* s.until(() => s.cell(id, 'pending') === 0, 'the sends')
    assert.equal(peer.texts().length, 4)
    yield* s.silence()
  }))

test('UDP: a datagram that the system refuses loses no other, at the worker', () =>
  drive(function* (s) {
    const { id } = yield* s.udp()
    const peer = new UdpPeer(s)
    const errors: number[] = []
    const writer = writerOf(s, id, (errno) => errors.push(errno))
    // Nobody may send there without the option `broadcast`.
    const everybody = compactAddress({ family: 4, host: '255.255.255.255', port: 9 })
    for (let i = 0; i < 10; i++) {
      writer.send(Buffer.from(`${i}`), i % 4 === 1 ? everybody : peer.address)
    }
    writer.flush()
    assert.deepEqual(peer.texts(), ['0', '2', '3', '4', '6', '7', '8'])
    assert.deepEqual(errors, new Array(3).fill(-ERRNO.EACCES))
    yield* s.silence()
  }))

for (const name of ['EMSGSIZE', 'ENETUNREACH'] as const) {
  test(`UDP: a datagram that the system refuses (${name}) loses no other, at the server`, () =>
    drive(function* (s) {
      const { id } = yield* s.udp()
      const peer = new UdpPeer(s)
      const mend = sendFault(s, full)
      for (const text of ['0', '1', '2']) say(writerOf(s, id), text, peer.address)
      mend()
      const mendAgain = sendFault(s, (count) => (count === 1 ? -ERRNO[name] : 0))
      yield* s.until(() => s.cell(id, 'pending') === 0, 'the sends')
      mendAgain()
      assert.deepEqual(peer.texts(), ['0', '2'])
      const reason = errorText(ERRNO[name])
      assert.deepEqual(s.log.splice(0), [`socket-server : udp (${id}) sendto error ${reason}.`])
      assert.equal(s.stateOf(id), STATE.CONNECTED)
      yield* s.silence()
    }))
}

test('UDP: a worker that does not read its ring stops the reading, and it goes on', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    const peer = new UdpPeer(s)
    const isReading = () => s.slots.list().find((info) => info.id === id)!.reading
    s.workers[0]!.isDeaf = true
    let sent = 0
    while (isReading()) {
      peer.send(port, Buffer.alloc(60_000, `${sent++},`))
      yield
      yield
    }
    assert.ok(sent > 40, `${sent}`)
    assert.equal(yield* s.idle(), -1, 'the loop does not spin')
    // These wait in the kernel.
    for (let i = 0; i < 2; i++) peer.send(port, `${sent++},`)
    yield* s.idle()
    s.workers[0]!.isDeaf = false
    yield* s.until(() => s.events.length === sent, 'everything')
    assert.deepEqual(
      s.events.map(({ bytes }) => Number.parseInt(bytes.toString('latin1', 0, 10), 10)),
      Array.from({ length: sent }, (_, i) => i),
    )
    s.events = []
    assert.equal(isReading(), true)
  }))

// Proves: docs/skynet.md#start-udp
test('UDP: pause stops reading, start goes on; another owner is refused', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    const peer = new UdpPeer(s)
    s.client.order('pause', id)
    yield* s.idle()
    peer.send(port, 'unread')
    yield* s.silence()
    s.client.order('start', id, C)
    yield* settle(s)
    assert.deepEqual(told(s), ['C: ERROR a UDP socket cannot be transferred'])
    s.client.order('start', id, A)
    assert.equal((yield* s.next('UDP')).bytes.toString('latin1', 0, 6), 'unread')
    yield* s.silence()
  }))

test('UDP: close lets what waits leave, and drops what comes', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    const peer = new UdpPeer(s)
    const mend = sendFault(s, full)
    for (const text of ['0', '1']) say(writerOf(s, id), text, peer.address)
    s.client.order('close', id, A)
    yield* s.until(() => s.stateOf(id) === STATE.HALFCLOSE_READ, 'the close')
    peer.send(port, 'late')
    s.send(id, 'late')
    yield* someTurns()
    assert.deepEqual(s.events, [])
    mend()
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID, 'CLOSE says that it is gone')
    assert.deepEqual(peer.texts(), ['0', '1'])
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
    yield* s.silence()
  }))

test('UDP: a close with nothing to send, and shutdown, are one CLOSE and the end', () =>
  drive(function* (s) {
    for (const order of ['close', 'shutdown'] as const) {
      const { id } = yield* s.udp()
      const mend = sendFault(s, full)
      if (order === 'shutdown') say(writerOf(s, id), 'lost', new UdpPeer(s).address)
      s.client.order(order, id, A)
      yield* s.next('CLOSE')
      assert.equal(s.stateOf(id), STATE.INVALID)
      assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
      yield* s.silence()
      mend()
    }
  }))

test('UDP: a close that cannot send is cut after its linger', () =>
  drive(function* (s) {
    const { id } = yield* s.udp()
    sendFault(s, full)
    say(writerOf(s, id), 'lost', new UdpPeer(s).address)
    s.client.order('close', id, A)
    yield* someTurns()
    s.now += LINGER_MS_MAX - 1
    yield* someTurns()
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ)
    s.now += 1
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID)
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
  }))

// Proves: docs/skynet.md#read-fails
test('UDP: a read that fails is an ERROR and a CLOSE', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    const peer = new UdpPeer(s)
    Object.assign(s.os, { receiveBatch: () => -ERRNO.ENOMEM })
    peer.send(port, 'x')
    yield* settle(s)
    assert.deepEqual(told(s), ['ERROR ENOMEM', 'CLOSE'])
    assert.equal(s.stateOf(id), STATE.INVALID)
  }))
