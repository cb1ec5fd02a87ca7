/** Descriptors that are bound: they were there before, and stay. The row BIND of the matrix. */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { STATE } from '../../src/net/state.ts'
import { pipe } from '../support/pipe.ts'
import { A, drive, type ServerDriver } from '../support/server-driver.ts'
import { matrix, settle, told } from '../support/socket-states.ts'

matrix('BIND', {
  start: { to: 'BIND' },
  // Proves: docs/skynet.md#start-half-closed
  'start by another': {
    to: 'BIND',
    events: ['YIELD'],
    differs: 'it can be taken over like any open connection: Skynet keeps the owner',
  },
  pause: { to: 'BIND' },
  send: { to: 'BIND', sees: 'hello' },
  close: { to: 'INVALID', events: ['CLOSE'] },
  'close with unsent bytes': { to: 'HALFCLOSE_READ', events: ['CLOSE'] },
  shutdown: { to: 'INVALID', events: ['CLOSE'] },
  end: { to: 'BIND', differs: 'the descriptor is not ours to end: the API refuses' },
  drain: { to: 'BIND', events: ['DRAIN'], differs: 'Skynet has no drain' },
  'a client': null,
  'peer data': { to: 'BIND', events: ['DATA data'] },
  'peer FIN': { to: 'HALFCLOSE_READ', events: ['CLOSE'] },
  'peer RST': { to: 'INVALID', events: ['ERROR ECONNRESET', 'CLOSE'] },
})

/** True when a call on it would wait. */
const isBlocking = (s: ServerDriver, fd: number): boolean => s.os.setNonBlocking(fd, false) === 0

// Proves: docs/semantics.md#bind-open
// Proves: docs/skynet.md#bound
test('T31 a pipe: OPEN "binding", DATA, CLOSE at its end; close leaves it open and blocking', () =>
  drive(function* (s) {
    const { readFd, writeFd } = pipe()
    const id = yield* s.bindFd(s.keep(readFd))
    assert.equal(s.stateOf(id), STATE.BIND)
    assert.equal(s.slots.list()[0]!.protocol, 'FILE')
    writeSync(writeFd, 'one')
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'one')
    writeSync(writeFd, 'two')
    closeSync(writeFd)
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'two')
    yield* s.next('CLOSE')
    s.client.order('close', id, A)
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
    assert.equal(isBlocking(s, readFd), true)
    assert.equal(readSync(readFd, Buffer.alloc(1)), 0, 'it is open, and at its end')
    yield* s.silence()
  }))

test('T31 close of a pipe that goes on leaves what comes later to others', () =>
  drive(function* (s) {
    const { readFd, writeFd } = pipe()
    const id = yield* s.bindFd(s.keep(readFd))
    s.client.order('close', id, A)
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID)
    writeSync(s.keep(writeFd), 'later')
    yield* s.silence()
    const bytes = Buffer.alloc(9)
    assert.equal(bytes.toString('latin1', 0, readSync(readFd, bytes)), 'later')
    // It can be bound again.
    yield* s.bindFd(readFd)
    writeSync(writeFd, 'again')
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'again')
  }))

test('a pipe that did not block stays so', () =>
  drive(function* (s) {
    const { readFd, writeFd } = pipe()
    s.keep(writeFd)
    s.os.setNonBlocking(s.keep(readFd), true)
    const id = yield* s.bindFd(readFd)
    s.client.order('shutdown', id)
    yield* s.next('CLOSE')
    assert.equal(isBlocking(s, readFd), false)
  }))

test('writing to a pipe: everything arrives in order, close waits for it, and leaves it open', () =>
  drive(function* (s) {
    const { readFd, writeFd } = pipe()
    s.os.setNonBlocking(s.keep(readFd), true)
    const id = yield* s.bindFd(s.keep(writeFd))
    const size = 3 * 1024 * 1024
    s.send(id, Buffer.alloc(size, 'a'))
    s.send(id, 'end')
    s.client.order('close', id, A)
    yield* s.until(() => told(s).includes('CLOSE'), 'CLOSE')
    const region = s.os.region(new SharedArrayBuffer(64 * 1024))
    let text = ''
    yield* s.until(() => {
      const count = s.os.read(readFd, region, 0, region.bytes.length)
      if (count > 0) text += region.bytes.toString('latin1', 0, count)
      return s.stateOf(id) === STATE.INVALID && count < 0
    }, 'everything')
    assert.ok(text === `${'a'.repeat(size)}end`, `${text.length}`)
    assert.equal(isBlocking(s, writeFd), true)
    yield* s.silence()
  }))

test('a write to a pipe that nobody reads is an ERROR', () =>
  drive(function* (s) {
    const { readFd, writeFd } = pipe()
    const id = yield* s.bindFd(s.keep(writeFd))
    closeSync(readFd)
    s.send(id, 'lost')
    yield* settle(s)
    assert.match(told(s)[0]!, /^ERROR E(PIPE|BADF)$/)
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
  }))

// Proves: docs/semantics.md#bind-pause
test('a pipe that is paused loses nothing when its writer goes', () =>
  drive(function* (s) {
    const { readFd, writeFd } = pipe()
    const id = yield* s.bindFd(s.keep(readFd))
    s.client.order('pause', id)
    yield* s.idle()
    writeSync(writeFd, 'unread')
    closeSync(writeFd)
    yield* s.silence()
    assert.equal(s.stateOf(id), STATE.BIND)
    assert.equal(yield* s.idle(), -1, 'the loop does not spin')
    s.client.order('start', id, A)
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'unread')
    yield* s.next('CLOSE')
    yield* s.silence()
  }))

// Proves: docs/semantics.md#bind
// Proves: docs/skynet.md#bind-kinds
test('T31 a regular file, and what threads are woken by, is an ERROR, and left as it is', () =>
  drive(function* (s) {
    const file = s.keep(openSync('/etc/hosts', 'r'))
    const wakeup = process.platform === 'linux' ? [s.keep(s.os.createWakeup().readFd)] : []
    for (const fd of [file, ...wakeup]) {
      s.os.setNonBlocking(fd, false)
      const id = s.slots.reserve()
      s.client.order('bind', id, fd, A)
      const reason = (yield* s.next('ERROR')).bytes.toString()
      assert.equal(reason, 'it is no socket, pipe or terminal, or one of Node.js itself')
      assert.equal(s.stateOf(id), STATE.INVALID)
      assert.equal(isBlocking(s, fd), true)
    }
    yield* s.silence()
  }))

test('a descriptor that is none, or is bound already, is an ERROR, and harms nobody', () =>
  drive(function* (s) {
    const { readFd, writeFd } = pipe()
    yield* s.bindFd(s.keep(readFd))
    for (const [fd, name] of [
      [readFd, `descriptor ${readFd} is bound already`],
      [1_000_000, 'EBADF'],
    ] as const) {
      const other = s.slots.reserve()
      s.client.order('bind', other, fd, A)
      assert.match((yield* s.next('ERROR')).bytes.toString(), new RegExp(`^${name}`))
      assert.equal(s.stateOf(other), STATE.INVALID)
    }
    writeSync(s.keep(writeFd), 'still here')
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'still here')
    yield* s.silence()
  }))

// Proves: docs/semantics.md#bind-pause
test('Unix: a stream that is paused loses nothing when its peer goes', () =>
  drive(function* (s) {
    for (const isAnswered of [true, false]) {
      const { id, fd } = yield* unixPair(s)
      s.client.order('pause', id)
      // When the peer goes with bytes unread, the kernel calls that a reset: ours still are there.
      if (!isAnswered) s.send(id, 'never read')
      yield* s.idle()
      assert.equal(s.os.write(fd, Buffer.from('unread'), 0, 6), 6)
      s.os.close(fd)
      yield* s.silence()
      assert.equal(yield* s.idle(), -1, 'the loop does not spin')
      s.client.order('start', id, A)
      assert.equal((yield* s.next('DATA')).bytes.toString(), 'unread')
      yield* s.next('CLOSE')
      s.client.order('close', id, A)
      yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
      yield* s.silence()
    }
  }))

/** A Unix stream of A, and the descriptor of its other end. */
function* unixPair(s: ServerDriver): Generator<void, { id: number; fd: number }, void> {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-'))
  const address = { family: 'unix', path: join(folder, 'socket') } as const
  const listener = s.keep(s.os.listen(address, 1))
  const id = s.slots.reserve()
  s.client.connect(id, A, [address])
  yield* s.next('OPEN')
  const fd = s.os.accept(listener)
  rmSync(folder, { recursive: true })
  return { id, fd }
}
