/**
 * The socket server where two things meet: a close and a connect, a half close and a pause, the
 * last slot and a client. `T` and a number is a case of Skynet's socket_server.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LINGER_MS_MAX, SEND_WARNING_BYTES, SOCKETS_MAX } from '../../src/base/limits.ts'
import { STATE } from '../../src/net/state.ts'
import type { AnyAddress } from '../../src/os/os.ts'
import { A, C, drive, type ServerDriver } from '../support/server-driver.ts'
import { STATES, settle, told } from '../support/socket-states.ts'

const MIB = 1024 * 1024

// Proves: docs/skynet.md#send-rest
test('T12 one huge first write warns of what did not leave, once, and of its end', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.send(id, Buffer.alloc(12 * MIB))
    // Skynet counts only what was queued, so a rest of a direct write is never warned of.
    const { ud } = yield* s.next('WARNING')
    assert.ok(ud * 1024 >= SEND_WARNING_BYTES && ud < 12 * 1024, `${ud}`)
    yield* s.silence()
    yield* s.until(() => peer.read() === 0 && peer.bytesReceived === 12 * MIB, 'everything')
    assert.equal((yield* s.next('WARNING')).ud, 0)
    yield* s.silence()
  }))

/** Take every slot that is free. */
function takeSlots(s: ServerDriver): number[] {
  const ids: number[] = []
  for (let id = s.slots.reserve(); id > 0; id = s.slots.reserve()) ids.push(id)
  return ids
}

function giveBack(s: ServerDriver, ids: readonly number[]): void {
  for (const id of ids) s.slots.free(s.slots.at(id))
}

// Proves: docs/skynet.md#slots
test('T30 with all slots in use a client is refused; with one free again one is accepted', () =>
  drive(function* (s) {
    const { id: listener, port } = yield* s.listen()
    const taken = takeSlots(s)
    assert.equal(taken.length, SOCKETS_MAX - 1)
    const refused = s.connect(port)
    const refuse = yield* s.next('REFUSE')
    assert.deepEqual(
      [refuse.id, refuse.bytes.toString()],
      [listener, 'all socket slots are in use'],
    )
    yield* s.until(() => refused.read() === 0 && (refused.hasEnded || refused.error < 0), 'the end')
    yield* s.silence()
    giveBack(s, taken.splice(1234, 1))
    const peer = s.connect(port)
    const accept = yield* s.next('ACCEPT')
    assert.equal(accept.bytes.toString(), peer.address)
    assert.equal(s.slots.reserve(), -1)
    giveBack(s, taken)
  }))

// Proves: docs/skynet.md#text
test('more than fits, written to a listener that begins, is dropped: it listens all the same', () =>
  drive(function* (s) {
    const fd = s.os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 128)
    const id = s.slots.reserve()
    s.client.order('listen', id, fd, A)
    // Its owner alone is told the id; nobody else could know yet what it is of.
    s.client.order('overflow', id)
    const { ud: port } = yield* s.next('OPEN')
    s.client.order('start', id, A)
    yield* s.next('OPEN')
    const peer = s.connect(port)
    assert.equal((yield* s.next('ACCEPT')).bytes.toString(), peer.address)
    yield* s.silence()
  }))

test('T32 no address is cut: the longest path of a Unix socket comes whole', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = `${folder}/`.padEnd(107, 'p')
  const address: AnyAddress = { family: 'unix', path }
  drive(function* (s) {
    const fd = s.os.listen(address, 1)
    const listener = s.slots.reserve()
    s.client.order('listen', listener, fd, A)
    assert.equal((yield* s.next('OPEN')).bytes.toString(), `unix:${path}`)
    const id = s.slots.reserve()
    s.client.connect(id, A, [address])
    assert.equal((yield* s.next('OPEN')).bytes.toString(), `unix:${path}`)
  })
})

test('a connect that fails after close says nothing more', () =>
  drive(function* (s) {
    const { id, fd } = yield* STATES.CONNECTING(s)
    s.send(id, 'last words')
    s.client.order('close', id)
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.CONNECTING)
    // Its next SYN is answered with RST.
    s.os.close(fd)
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the refusal')
    yield* s.silence()
  }))

test('a closed socket that cannot connect is cut after LINGER_MS_MAX', () =>
  drive(function* (s) {
    const { id, fd } = yield* STATES.CONNECTING(s)
    s.send(id, 'last words')
    s.client.order('close', id)
    yield* s.next('CLOSE')
    assert.equal(yield* s.idle(), LINGER_MS_MAX)
    s.now += LINGER_MS_MAX
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the cut')
    s.os.close(fd)
    yield* s.silence()
  }))

test('a socket that is closed while it connects sends its last words, then FIN', () =>
  drive(function* (s) {
    const { port } = yield* s.listen()
    const id = s.slots.reserve()
    s.client.connect(id, A, [{ family: 4, host: '127.0.0.1', port }])
    s.send(id, 'last words')
    s.client.order('close', id)
    const accept = yield* s.until(() => s.events.find(({ kind }) => kind === 'ACCEPT'), 'ACCEPT')
    assert.deepEqual(told(s).sort(), ['ACCEPT', 'CLOSE'])
    s.client.order('start', accept.ud, A)
    yield* settle(s)
    assert.deepEqual(told(s), ['OPEN start', 'DATA last words', 'CLOSE'])
    s.client.order('close', accept.ud)
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
  }))

test('what came before FIN is not lost when both have ended and reading is paused', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.order('end', id, A)
    s.client.order('pause', id)
    yield* settle(s)
    peer.write('unread')
    peer.end()
    yield* s.silence()
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_WRITE)
    assert.equal(yield* s.idle(), -1, 'the loop does not spin')
    s.client.order('start', id, A)
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'unread')
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID)
    yield* s.silence()
  }))

test('a paused socket that both sides have ended can be closed, or taken over', () =>
  drive(function* (s) {
    const subjects = [yield* s.pair(), yield* s.pair()] as const
    for (const { id, peer } of subjects) {
      s.client.order('end', id, A)
      s.client.order('pause', id)
      yield* settle(s)
      peer.write('unread')
      peer.end()
    }
    yield* s.silence()
    const [closed, taken] = subjects
    s.client.order('close', closed.id)
    s.client.order('start', taken.id, C)
    yield* settle(s)
    assert.deepEqual(told(s), ['CLOSE', 'YIELD'])
    assert.equal(s.stateOf(closed.id), STATE.INVALID)
    s.client.handover(taken.id, Buffer.alloc(0), 1)
    yield* settle(s)
    assert.deepEqual(told(s), ['C: OPEN transfer', 'C: DATA unread', 'C: CLOSE'])
    assert.equal(s.stateOf(taken.id), STATE.INVALID)
  }))

test('T23 RST while reading is paused and bytes wait is an ERROR, then CLOSE', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    yield* s.fill(id)
    s.client.order('pause', id)
    yield* settle(s)
    s.os.setOption(peer.fd, 'lingerSeconds', 0)
    peer.close()
    yield* settle(s)
    assert.deepEqual(told(s), ['ERROR ECONNRESET', 'CLOSE'])
    assert.equal(s.stateOf(id), STATE.INVALID)
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
  }))

test('close after end waits for the peer: what comes meanwhile does not reset it', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.order('pause', id)
    yield* settle(s)
    peer.write('nobody reads this')
    s.send(id, 'answer')
    s.client.order('end', id, A)
    s.client.order('close', id, A)
    yield* settle(s)
    assert.deepEqual(told(s), ['CLOSE'])
    while (peer.read() > 0);
    assert.deepEqual([peer.text, peer.hasEnded, peer.error], ['answer', true, 0])
    assert.equal(s.os.write(peer.fd, Buffer.from('more'), 0, 4), 4)
    yield* s.silence()
    assert.equal(s.os.write(peer.fd, Buffer.from('more'), 0, 4), 4)
    peer.end()
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
    yield* s.silence()
  }))

test('what was sent before start leaves after it', () =>
  drive(function* (s) {
    const { id, peer } = yield* STATES.PACCEPT(s)
    const sent = yield* s.fill(id)
    yield* s.start(id)
    yield* s.until(() => peer.read() === 0 && peer.bytesReceived === sent, 'everything')
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
  }))

test('end that is ordered before start says FIN after it', () =>
  drive(function* (s) {
    const { id, peer } = yield* STATES.PACCEPT(s)
    s.client.order('end', id, A)
    yield* settle(s)
    yield* s.start(id)
    yield* s.until(() => peer.read() === 0 && peer.hasEnded, 'FIN')
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_WRITE)
  }))

// Proves: docs/skynet.md#peer-reset-unstarted
test('FIN and RST before start are told after it', () =>
  drive(function* (s) {
    const { id, peer } = yield* STATES.PACCEPT(s)
    peer.end()
    yield* s.silence()
    s.client.order('start', id, A)
    yield* settle(s)
    assert.deepEqual(told(s), ['OPEN start', 'CLOSE'])
    const other = yield* STATES.PACCEPT(s)
    s.os.setOption(other.peer.fd, 'lingerSeconds', 0)
    other.peer.close()
    yield* s.silence()
    s.client.order('start', other.id, A)
    yield* settle(s)
    assert.deepEqual(told(s), ['OPEN start', 'ERROR ECONNRESET', 'CLOSE'])
  }))

test('sockets that wait for room in the ring of their worker may be reset meanwhile', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const silent = yield* s.pair()
    const other = yield* s.pair(C)
    s.workers[0]!.isDeaf = true
    const isReading = () => s.slots.list().find((info) => info.id === id)!.reading
    const piece = Buffer.alloc(256 * 1024)
    yield* s.until(() => peer.write(piece) === 0 && !isReading(), 'a full ring')
    for (const end of [peer, silent.peer]) {
      s.os.setOption(end.fd, 'lingerSeconds', 0)
      end.close()
    }
    assert.equal(yield* s.idle(), -1, 'the loop does not spin')
    s.workers[0]!.isDeaf = false
    const isGone = (socket: number) => s.stateOf(socket) === STATE.INVALID
    yield* s.until(() => isGone(id) && isGone(silent.id), 'the end')
    s.data(id)
    assert.deepEqual(told(s), ['ERROR ECONNRESET', 'CLOSE', 'ERROR ECONNRESET', 'CLOSE'])
    other.peer.write('the server goes on')
    assert.equal((yield* s.next('DATA')).id, other.id)
  }))
