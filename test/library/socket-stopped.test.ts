/** What the socket server does first when its process, stopped for a while, goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FIN_WAIT_MS, POLL_EVENTS_MAX, STOP_MS_MIN } from '../../src/base/limits.ts'
import { STATE } from '../../src/net/state.ts'
import { ERRNO } from '../../src/os/errno.ts'
import type { Peer } from '../support/peer.ts'
import { A, drive, type ServerDriver } from '../support/server-driver.ts'
import { UdpPeer } from '../support/udp-peer.ts'

const IDLE_MS = 1000
/** Twice this is no stop yet. */
const SHORT_IDLE_MS = STOP_MS_MIN / 2 - 1

/** More often than in one turn. */
const LOOKS_AT_CLOCK = 16
/** How often the server asks its poller in one turn. */
const WAITS_PER_TURN = 3

/** The process is stopped for `ms` in a wait of the poller; that turn hears of nothing. */
function* stopFor(s: ServerDriver, ms: number, meanwhile: () => unknown = () => {}) {
  const { poller } = s.server.sockets
  const { wait } = poller
  let waits = 0
  const interrupted = (): number => {
    if (waits++ === 0) {
      meanwhile()
      s.stop(ms)
    }
    if (waits === WAITS_PER_TURN) Object.assign(poller, { wait })
    return 0
  }
  Object.assign(poller, { wait: interrupted })
  yield
}

function* idleEnds(s: ServerDriver, id: number) {
  s.now += IDLE_MS + IDLE_MS / 8
  const { bytes } = yield* s.next('ERROR')
  assert.equal(bytes.toString(), `idle for ${IDLE_MS} ms`)
  assert.equal((yield* s.next('CLOSE')).id, id)
}

// Proves: docs/semantics.md#stopped-process
test('a peer that wrote while the process was stopped is not idle', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.orderWith('configure', id, { idleTimeoutMs: IDLE_MS })
    yield* s.idle()
    for (let round = 0; round < 3; round++) {
      yield* stopFor(s, 4 * IDLE_MS, () => peer.write('I am here'))
      assert.equal((yield* s.next('DATA')).bytes.toString(), 'I am here')
    }
    yield* s.silence()
    yield* idleEnds(s, id)
  }))

test('a peer whose FIN came while the process was stopped has ended, and is not idle', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.orderWith('configure', id, { idleTimeoutMs: IDLE_MS })
    yield* s.idle()
    yield* stopFor(s, 4 * IDLE_MS, () => {
      peer.write('good-bye')
      peer.end()
    })
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'good-bye')
    assert.equal((yield* s.next('CLOSE')).id, id)
    yield* s.silence()
  }))

// Proves: docs/semantics.md#stopped-process
test('a UDP socket that got datagrams while the process was stopped is not idle', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    s.client.orderWith('configure', id, { idleTimeoutMs: IDLE_MS })
    yield* s.idle()
    const peer = new UdpPeer(s)
    yield* stopFor(s, 4 * IDLE_MS, () => peer.send(port, 'I am here'))
    assert.equal((yield* s.next('UDP')).ud, 'I am here'.length)
    yield* s.silence()
    yield* idleEnds(s, id)
  }))

// Proves: docs/semantics.md#stopped-process
test('of more peers that wrote than one wait tells of, none is idle', () =>
  drive(function* (s) {
    const pairs: { readonly id: number; readonly peer: Peer }[] = []
    const { id: listener, port } = yield* s.listen()
    s.client.orderWith('configure', listener, { idleTimeoutMs: SHORT_IDLE_MS })
    for (let i = 0; i < POLL_EVENTS_MAX * 3; i++) {
      const peer = s.connect(port)
      const { ud: id } = yield* s.next('ACCEPT')
      yield* s.start(id, A)
      pairs.push({ id, peer })
    }
    yield* s.idle()
    yield* stopFor(s, 0, () => {
      for (const { peer } of pairs) peer.write('x')
    })
    s.stop(2 * SHORT_IDLE_MS)
    for (const _ of pairs) yield* s.next('DATA')
    yield* s.silence()
    for (const { id } of pairs) assert.equal(s.stateOf(id), STATE.CONNECTED)
  }))

/** The next read of the server is one in which the process is stopped. */
function* stopInRead(s: ServerDriver, ms: number, where: 'before' | 'behind') {
  const read = s.os.read.bind(s.os)
  let isStopped = false
  const stopped: typeof read = (fd, region, at, length) => {
    Object.assign(s.os, { read })
    if (where === 'before') s.stop(ms)
    const count = read(fd, region, at, length)
    if (where === 'behind') s.stop(ms)
    isStopped = true
    return count
  }
  Object.assign(s.os, { read: stopped })
  yield* s.until(() => isStopped, 'the stop')
}

for (const where of ['before', 'behind'] as const) {
  // Proves: docs/semantics.md#stopped-process
  test(`who was read just ${where} the stop has the whole idle timeout for an answer`, () =>
    drive(function* (s) {
      const { id, peer } = yield* s.pair()
      s.client.orderWith('configure', id, { idleTimeoutMs: IDLE_MS })
      yield* s.idle()
      for (let round = 0; round < 3; round++) {
        peer.write('I am here')
        yield* stopInRead(s, 4 * IDLE_MS, where)
        assert.equal((yield* s.next('DATA')).bytes.toString(), 'I am here')
        s.now += IDLE_MS - 1
        yield* s.silence()
        s.send(id, 'so am I')
        yield* s.until(() => peer.read() === 'so am I'.length, 'the answer')
      }
      yield* idleEnds(s, id)
    }))
}

// Proves: docs/semantics.md#stopped-process
test('a stop at any moment of a turn leaves the idle timeout whole', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    s.client.orderWith('configure', id, { idleTimeoutMs: IDLE_MS })
    yield* s.idle()
    const { clock } = s.server.sockets
    // The clock is looked at several times in a turn: the stop comes just behind the n-th look.
    for (let looks = 0; looks < LOOKS_AT_CLOCK; looks++) {
      const now = clock.now.bind(clock)
      let left = looks
      Object.assign(clock, {
        now: () => {
          const ms = now()
          if (left-- === 0) s.stop(4 * IDLE_MS)
          return ms
        },
      })
      yield* s.until(() => left < 0, 'the stop')
      Object.assign(clock, { now })
      s.now += IDLE_MS - 1
      yield* s.silence()
    }
    yield* idleEnds(s, id)
  }))

// Proves: docs/semantics.md#stopped-process
test('a UDP socket that was read just before the stop has its idle timeout whole', () =>
  drive(function* (s) {
    const { id, port } = yield* s.udp()
    s.client.orderWith('configure', id, { idleTimeoutMs: IDLE_MS })
    new UdpPeer(s).send(port, 'I am here')
    assert.equal((yield* s.next('UDP')).ud, 'I am here'.length)
    yield* stopFor(s, 4 * IDLE_MS)
    s.now += IDLE_MS - 1
    yield* s.silence()
    yield* idleEnds(s, id)
  }))

test('sleeps are short while a deadline is set: a stop does not hide in them', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    yield* s.idle()
    assert.equal(s.waits.at(-1)!.timeoutMs, -1)
    s.client.orderWith('configure', id, { idleTimeoutMs: 100 * IDLE_MS })
    yield* s.idle()
    assert.equal(s.waits.at(-1)!.timeoutMs, STOP_MS_MIN)
    // It is woken by SIGCONT, in the middle of a sleep.
    s.client.orderWith('configure', id, { idleTimeoutMs: IDLE_MS })
    yield* s.idle()
    s.now += IDLE_MS - 1
    yield* s.idle()
    yield* stopFor(s, 2 * STOP_MS_MIN)
    yield* s.silence()
    assert.ok((yield* s.idle()) > IDLE_MS / 2)
  }))

// Proves: docs/semantics.md#stopped-process
test('the wait for the FIN of a peer begins anew', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    s.client.order('close', id, A)
    yield* s.next('CLOSE')
    assert.equal(yield* s.idle(), FIN_WAIT_MS)
    yield* stopFor(s, 4 * FIN_WAIT_MS)
    assert.equal(yield* s.idle(), FIN_WAIT_MS)
    s.now += FIN_WAIT_MS
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
  }))

/** The kernel takes nothing of what is written to `id`, which closes. Returns the end of that. */
function* closing(s: ServerDriver, id: number, lingerMs: number) {
  const write = s.os.write.bind(s.os)
  Object.assign(s.os, { write: () => -ERRNO.EAGAIN })
  s.client.orderWith('configure', id, { lingerMs })
  s.send(id, 'all that we have to say')
  s.client.order('close', id, A)
  yield* s.next('CLOSE')
  return { write, restore: () => Object.assign(s.os, { write }) }
}

// Proves: docs/semantics.md#stopped-process
test('a close that can send all at once when the process goes on is not cut', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const { restore } = yield* closing(s, id, 500)
    yield* stopFor(s, 4000, restore)
    yield* s.until(() => peer.read() === 0 && peer.hasEnded, 'the end')
    assert.equal(peer.text, 'all that we have to say')
  }))

// Proves: docs/semantics.md#stopped-process
test('a close that goes on sending when the process does has its time, and no more', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const { write, restore } = yield* closing(s, id, 500)
    /** A byte at a time, and no more for now. */
    const slow: typeof write = (fd, bytes, at) => write(fd, bytes, at, 1)
    const none = (): unknown => Object.assign(s.os, { write: () => -ERRNO.EAGAIN })
    yield* stopFor(s, 4000, () => Object.assign(s.os, { write: slow }))
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ)
    none()
    s.now += 499
    yield
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ)
    s.now += 1
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the cut')
    restore()
    assert.ok(peer.read() > 0)
  }))

// Proves: docs/semantics.md#stopped-process
test('the time that exit leaves to closing sockets begins anew', () => {
  const states: number[] = []
  drive(function* (s) {
    const { id } = yield* s.pair()
    yield* closing(s, id, 60_000)
    s.client.order('exit', 0, 500)
    yield* s.until(() => s.server.sockets.exitAt > 0, 'the order')
    yield* stopFor(s, 4000)
    states.push(s.stateOf(id))
    s.now += 499
    yield
    states.push(s.stateOf(id))
    s.now += 1
    yield
    assert.fail('the loop goes on')
  })
  // Before, it was over in the stop.
  assert.deepEqual(states, [STATE.HALFCLOSE_READ, STATE.HALFCLOSE_READ])
})

// Proves: docs/semantics.md#stopped-process
test('a look brings what the kernel has before its answer, also of a socket that is gone', () =>
  drive(function* (s) {
    const { id: listener, port } = yield* s.listen()
    const early = s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    yield* s.start(id)
    yield* s.idle()
    let late: Peer | undefined
    yield* stopFor(s, 0, () => {
      early.write('I am here')
      late = s.connect(port)
      for (const each of [id, listener, 12_345]) s.client.order('look', each, A)
    })
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'I am here')
    assert.equal((yield* s.next('LOOKED')).id, id)
    const { ud: accepted } = yield* s.next('ACCEPT')
    assert.equal((yield* s.next('LOOKED')).id, listener)
    assert.equal((yield* s.next('LOOKED')).id, 12_345)
    assert.ok(late !== undefined && s.stateOf(accepted) === STATE.PACCEPT)
    yield* s.silence()
  }))
