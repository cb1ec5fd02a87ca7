/** The socket server when the kernel refuses: each system call fails here as the real one may. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEND } from '../../src/net/commands.ts'
import { owe, SLOT } from '../../src/net/slots.ts'
import { STATE } from '../../src/net/state.ts'
import { ERRNO } from '../../src/os/errno.ts'
import type { Os } from '../../src/os/os.ts'
import type { Poller } from '../../src/os/poll/poller.ts'
import { A, drive, type ServerDriver } from '../support/server-driver.ts'
import { settle, told } from '../support/socket-states.ts'

/** How long accepting, or a write that found no memory, waits before it tries again. */
const PAUSE_MS = 100
const IDLE_MS = 4000
type Call = 'accept' | 'read' | 'write' | 'reserveFd' | 'keepAlive' | 'socket'

/** Let `call` fail for `fd` with what `next` says; 0: it is made. Returns the way back. */
function fault(s: ServerDriver, call: Call, next: (fd: number) => number): () => void {
  const real = s.os[call].bind(s.os) as (fd: number, ...rest: unknown[]) => number
  const calls = { [call]: (fd: number, ...rest: unknown[]) => next(fd) || real(fd, ...rest) }
  Object.assign(s.os, calls)
  return () => Object.assign(s.os, { [call]: real } as Partial<Os>)
}

/** Fail `times` times with `errno`. */
const first = (times: number, errno: number) => {
  let left = times
  return () => (left-- > 0 ? -errno : 0)
}

/** How often the loop slept and was woken at once, in the passes of `script`. */
function* wakes(s: ServerDriver, passes: number): Generator<void, number, void> {
  const from = s.waits.length
  for (let pass = 0; pass < passes; pass++) yield
  return s.waits.slice(from).filter(({ ready }) => ready > 0).length
}

for (const name of ['ENOBUFS', 'ENOMEM', 'EINVAL'] as const) {
  // Proves: docs/skynet.md#no-descriptors
  test(`a listener that cannot accept (${name}) pauses, and goes on`, () =>
    drive(function* (s) {
      const { port } = yield* s.listen()
      const mend = fault(s, 'accept', () => -ERRNO[name])
      const peer = s.connect(port)
      assert.equal(yield* s.idle(), PAUSE_MS)
      assert.equal(yield* wakes(s, 20), 0, 'the loop does not spin')
      s.now += PAUSE_MS
      assert.equal(yield* s.idle(), PAUSE_MS, 'tried, and paused again')
      mend()
      s.now += PAUSE_MS
      assert.equal((yield* s.next('ACCEPT')).bytes.toString(), peer.address)
      assert.equal(yield* s.idle(), -1)
      yield* s.silence()
    }))
}

for (const name of ['ECONNABORTED', 'EPROTO', 'EINTR'] as const) {
  test(`a client that is gone before accept (${name}) keeps nobody else waiting`, () =>
    drive(function* (s) {
      const { port } = yield* s.listen()
      fault(s, 'accept', first(3, ERRNO[name]))
      const peer = s.connect(port)
      assert.equal((yield* s.next('ACCEPT')).bytes.toString(), peer.address)
      assert.equal(yield* s.idle(), -1)
      yield* s.silence()
    }))
}

for (const name of ['EMFILE', 'ENFILE'] as const) {
  // Proves: docs/skynet.md#no-descriptors
  test(`a listener out of descriptors (${name}) refuses with the reserved one, and goes on`, () =>
    drive(function* (s) {
      const { id, port } = yield* s.listen()
      fault(s, 'accept', first(1, ERRNO[name]))
      const refused = s.connect(port)
      const refuse = yield* s.next('REFUSE')
      assert.equal(refuse.id, id)
      assert.match(refuse.bytes.toString(), new RegExp(`^${name}`))
      yield* s.until(() => refused.read() === 0 && refused.hasEnded, 'the refusal')
      const peer = s.connect(port)
      assert.equal((yield* s.next('ACCEPT')).bytes.toString(), peer.address)
      yield* s.silence()
    }))

  test(`a listener that the reserved descriptor does not help (${name}) pauses, and goes on`, () =>
    drive(function* (s) {
      const { port } = yield* s.listen()
      // Another thread takes the descriptor that was given up.
      const mend = fault(s, 'accept', () => -ERRNO[name])
      const peer = s.connect(port)
      assert.equal(yield* s.idle(), PAUSE_MS)
      assert.equal(yield* wakes(s, 20), 0, 'the loop does not spin')
      mend()
      s.now += PAUSE_MS
      assert.equal((yield* s.next('ACCEPT')).bytes.toString(), peer.address)
      assert.ok(s.server.sockets.spare.fd >= 0)
      yield* s.silence()
    }))
}

test('a listener that is paused by its owner stays paused after a pause for want of memory', () =>
  drive(function* (s) {
    const { id, port } = yield* s.listen()
    fault(s, 'accept', first(1, ERRNO.ENOBUFS))
    s.connect(port)
    assert.equal(yield* s.idle(), PAUSE_MS)
    s.client.order('pause', id)
    yield* settle(s)
    s.now += PAUSE_MS
    yield* s.silence()
    assert.equal(yield* s.idle(), -1)
    s.client.order('start', id, 11)
    yield* s.next('ACCEPT')
  }))

for (const name of ['ENOBUFS', 'ENOMEM'] as const) {
  // Proves: docs/skynet.md#send-memory
  test(`a write that finds no memory (${name}) is tried again, and the loop does not spin`, () =>
    drive(function* (s) {
      const { id, peer } = yield* s.pair()
      const mend = fault(s, 'write', (fd) => (fd === peer.fd ? 0 : -ERRNO[name]))
      s.send(id, 'one ')
      s.send(id, 'two')
      yield* settle(s)
      assert.deepEqual(told(s), [])
      assert.equal(s.stateOf(id), STATE.CONNECTED)
      assert.equal(yield* s.idle(), PAUSE_MS)
      assert.equal(yield* wakes(s, 20), 0)
      peer.write('still heard')
      assert.equal((yield* s.next('DATA')).bytes.toString(), 'still heard')
      mend()
      s.now += PAUSE_MS
      yield* s.until(() => peer.read() > 0, 'the rest')
      assert.equal(peer.text, 'one two')
      assert.equal(yield* s.idle(), -1)
      assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
    }))

  // Proves: docs/skynet.md#send-memory
  test(`a write that finds no memory (${name}) when its socket seems idle is tried soon`, () =>
    drive(function* (s) {
      const { id, peer } = yield* s.pair()
      s.client.orderWith('configure', id, { idleTimeoutMs: IDLE_MS })
      yield* s.idle()
      let errno: number = ERRNO.EAGAIN
      const mend = fault(s, 'write', (fd) => (fd === peer.fd ? 0 : -errno))
      const { poller } = s.server.sockets
      const { wait } = poller
      const deaf: Poller['wait'] = (...args) => wait(...args) * 0
      Object.assign(poller, { wait: deaf })
      s.send(id, 'late')
      yield
      errno = ERRNO[name]
      s.now += 2 * IDLE_MS
      yield
      Object.assign(poller, { wait })
      assert.equal(yield* s.idle(), PAUSE_MS)
      mend()
      s.now += PAUSE_MS
      yield* s.until(() => peer.read() > 0, 'the rest')
      assert.equal(peer.text, 'late')
    }))

  test(`a closing socket whose writes find no memory (${name}) still sends everything`, () =>
    drive(function* (s) {
      const { id, peer } = yield* s.pair()
      const mend = fault(s, 'write', (fd) => (fd === peer.fd ? 0 : -ERRNO[name]))
      s.send(id, 'last words')
      s.client.order('close', id)
      yield* s.next('CLOSE')
      for (let round = 0; round < 5; round++) {
        assert.equal(yield* s.idle(), PAUSE_MS)
        s.now += PAUSE_MS
      }
      mend()
      s.now += PAUSE_MS
      yield* s.until(() => peer.read() === 0 && peer.hasEnded, 'FIN')
      assert.equal(peer.text, 'last words')
      peer.end()
      yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
      yield* s.silence()
    }))

  // Proves: docs/skynet.md#read-fails
  test(`a read that finds no memory (${name}) costs the socket, and no other`, () =>
    drive(function* (s) {
      const { id, peer } = yield* s.pair()
      const other = yield* s.pair()
      const mend = fault(s, 'read', first(1, ERRNO[name]))
      peer.write('lost')
      yield* settle(s)
      assert.deepEqual(told(s), [`ERROR ${name}`, 'CLOSE'])
      assert.equal(s.stateOf(id), STATE.INVALID)
      mend()
      other.peer.write('and I?')
      assert.equal((yield* s.next('DATA')).id, other.id)
      yield* s.silence()
    }))
}

test('a write that fails is one ERROR; what the peer still sends is read up to its end', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const mend = fault(s, 'write', (fd) => (fd === peer.fd ? 0 : -ERRNO.EPIPE))
    s.send(id, 'one')
    s.send(id, 'two')
    yield* settle(s)
    mend()
    assert.deepEqual(told(s), ['ERROR EPIPE'])
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_WRITE)
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
    peer.write('and yet')
    peer.end()
    yield* settle(s)
    assert.deepEqual(told(s), ['DATA and yet', 'CLOSE'])
    assert.equal(s.stateOf(id), STATE.INVALID)
  }))

test('a write that fails while closing, or after FIN of the peer, frees without a word', () =>
  drive(function* (s) {
    const closing = yield* s.pair()
    const answered = yield* s.pair()
    answered.peer.end()
    yield* s.next('CLOSE')
    fault(s, 'write', () => -ERRNO.EPIPE)
    s.send(closing.id, 'lost')
    s.client.order('close', closing.id)
    s.send(answered.id, 'lost')
    yield* s.until(() => s.stateOf(answered.id) === STATE.INVALID, 'the end')
    const events = told(s)
    // The write may come before the order to close: then its failure is told.
    assert.deepEqual(events, events.length === 1 ? ['CLOSE'] : ['ERROR EPIPE', 'CLOSE'])
    assert.equal(s.stateOf(closing.id), STATE.INVALID)
    yield* s.silence()
  }))

test('connect without a descriptor is an ERROR that names the reason', () =>
  drive(function* (s) {
    fault(s, 'socket', () => -ERRNO.EMFILE)
    const id = s.slots.reserve()
    s.client.connect(id, 11, [{ family: 4, host: '127.0.0.1', port: 1 }])
    yield* settle(s)
    assert.deepEqual(told(s), ['ERROR EMFILE'])
    assert.equal(s.stateOf(id), STATE.INVALID)
  }))

test('a descriptor that the poller does not take ends its socket: ERROR, then CLOSE', () =>
  drive(function* (s) {
    const { port } = yield* s.listen()
    const peer = s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    const { poller } = s.server.sockets
    const { add } = poller
    poller.add = () => -ERRNO.ENOMEM
    s.client.order('start', id, A)
    const { bytes } = yield* s.next('ERROR')
    assert.match(bytes.toString(), /ENOMEM/)
    yield* s.next('CLOSE')
    poller.add = add
    yield* s.until(() => peer.read() === 0 && peer.hasEnded, 'the end at the peer')
    assert.match(s.log.splice(0).join(), new RegExp(`socket ${id}: .*ENOMEM`))
    yield* s.silence()
  }))

test('a close whose peer has reset waits for what a worker owes, and keeps nobody busy', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const { cells } = s.slots
    const at = s.slots.at(id)
    // Worker 1 wrote, which took the reset out of the socket. Its order is on the way.
    Atomics.add(cells, at + SLOT.pending, 1)
    Atomics.add(cells, at + SLOT.queued, 1)
    Atomics.store(cells, at + SLOT.remainder, owe(1, -ERRNO.ECONNRESET))
    s.client.order('close', id, A)
    yield* s.next('CLOSE')
    peer.reset()
    s.os.socketError(cells[at + SLOT.fd]!)
    yield* wakes(s, 20)
    assert.equal(yield* wakes(s, 20), 0, 'the loop does not spin')
    assert.notEqual(s.stateOf(id), STATE.INVALID)
    s.workers[1]!.client.order('send', id, SEND.remainder, 0, Buffer.from('x'))
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end of the socket')
    yield* s.silence()
  }))
