/** The socket server when something is full, slow, dead or late. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { COMMAND_RING_BYTES, LINGER_MS_MAX, SEND_QUEUE_BYTES_MAX } from '../../src/base/limits.ts'
import { SLOT } from '../../src/net/slots.ts'
import { STATE } from '../../src/net/state.ts'
import { random } from '../fixtures/ring-writer.ts'
import type { Peer } from '../support/peer.ts'
import { A, C, drive, type ServerDriver } from '../support/server-driver.ts'

const MIB = 1024 * 1024
/** How long the server waits for the peer's FIN after its own. */
const FIN_WAIT_MS = 2000

/** Byte i of a long stream: no two neighbours in a row of 251 are the same. */
const PATTERN = Buffer.from(Array.from({ length: 251 * 261 }, (_, i) => i % 251))

// Proves: docs/limits.md#socket-ring
test('a worker that does not read its ring stops its own sockets only, and loses nothing', () =>
  drive(function* (s) {
    const deaf = yield* s.pair(C)
    const other = yield* s.pair(A)
    s.workers[1]!.isDeaf = true
    // Left alone, it may grow beyond all we send.
    s.os.setOption(s.cell(deaf.id, 'fd'), 'receiveBufferBytes', MIB)
    const total = 20 * MIB
    let sent = 0
    const push = (): void => {
      if (sent < total) sent += writePattern(deaf.peer, sent, total)
    }
    for (let looks = 0, before = -1; looks < 50; looks = sent > before ? 0 : looks + 1) {
      before = sent
      push()
      yield
    }
    assert.ok(sent < total, 'the kernel holds less than that')
    yield* s.idle()
    other.peer.write('still here?')
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'still here?')

    s.workers[1]!.isDeaf = false
    let received = 0
    while (received < total) {
      push()
      if (sent === total) deaf.peer.end()
      received = checkPattern(s.data(deaf.id), received)
      yield
    }
    assert.equal((yield* s.next('CLOSE')).id, deaf.id)
    // CLOSE was the last of it: a socket that nobody reads any more keeps nobody busy.
    yield* s.silence()
  }))

function writePattern(peer: Peer, sent: number, total: number): number {
  const from = sent % 251
  return peer.write(PATTERN.subarray(from, Math.min(PATTERN.length, from + total - sent)))
}

function checkPattern(bytes: Buffer, received: number): number {
  let at = received
  for (let i = 0; i < bytes.length; ) {
    const from = at % 251
    const part = bytes.subarray(i, i + PATTERN.length - from)
    assert.equal(Buffer.compare(part, PATTERN.subarray(from, from + part.length)), 0)
    i += part.length
    at += part.length
  }
  return at
}

test('events wait in order when the ring of their owner is full', () =>
  drive(function* (s) {
    const { id: listener, port } = yield* s.listen(C)
    const big = yield* s.pair(C)
    s.workers[1]!.isDeaf = true
    for (let stuck = 0; stuck < 50; stuck++)
      if (big.peer.write(PATTERN) > 0) stuck = 0
      else yield
    const peers = Array.from({ length: 5 }, () => s.connect(port))
    yield* s.idle()
    s.workers[1]!.isDeaf = false
    const accepts = yield* s.until(() => {
      s.data(big.id)
      return s.events.length === 5 && s.events
    }, 'five events')
    assert.deepEqual(
      accepts.map(({ kind, id, bytes }) => [kind, id, bytes.toString()]),
      peers.map(({ address }) => ['ACCEPT', listener, address]),
    )
  }))

// Proves: docs/skynet.md#owner-gone
test('a socket whose owner died is closed as soon as something comes for it', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair(A)
    const { id: listener, port } = yield* s.listen(A)
    s.alive.delete(A)
    peer.write('anybody there?')
    yield* s.until(() => peer.read() === 0 && (peer.hasEnded || peer.error < 0), 'the end')
    const late = s.connect(port)
    yield* s.until(() => late.read() === 0 && (late.hasEnded || late.error < 0), 'the end')
    assert.equal(s.stateOf(listener), STATE.INVALID)
    peer.close()
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end of the socket')
    yield* s.silence()
  }))

test('orders that find their ring full go on in order', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const lines: string[] = []
    const size = 1024
    const count = (2.5 * COMMAND_RING_BYTES) / size
    // Not one step of the server in between.
    for (let i = 0; i < count; i++) {
      const line = `${i} `.padEnd(size - 1, '.')
      lines.push(line)
      s.send(id, `${line}\n`)
    }
    assert.equal(s.client.isBlocked, true)
    s.client.order('close', id)
    yield* s.until(() => peer.read() === 0 && peer.hasEnded, 'EOF')
    assert.equal(peer.text, `${lines.join('\n')}\n`)
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
  }))

// Proves: docs/semantics.md#close
// Proves: docs/skynet.md#close
test('a closed socket that cannot flush is cut after LINGER_MS_MAX', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    yield* s.fill(id)
    s.client.order('close', id)
    yield* s.until(() => s.events.at(-1)?.kind === 'CLOSE', 'CLOSE')
    s.events = []
    assert.equal(yield* s.idle(), LINGER_MS_MAX)
    s.now += LINGER_MS_MAX - 1
    assert.equal(yield* s.idle(), 1)
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ)
    s.now += 1
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the cut')
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
    assert.equal(yield* s.idle(), -1)
    yield* s.silence()
  }))

test('the loop sleeps while a worker owes the rest of a write, though the socket is writable', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const sent = yield* s.fill(id)
    // As a worker leaves it whose order with the rest waits for room in the ring.
    s.slots.cells[s.slots.at(id) + SLOT.remainder] = 1
    yield* s.until(() => peer.read() === 0, 'what the kernel had')
    yield* s.silence()
    s.slots.cells[s.slots.at(id) + SLOT.remainder] = 0
    s.send(id, 'rest')
    yield* s.until(() => peer.read() >= 0 && peer.bytesReceived === sent + 4, 'all of it')
  }))

for (const order of ['close', 'end'] as const) {
  test(`${order} after FIN of the peer waits for the rest of a write that a worker owes`, () =>
    drive(function* (s) {
      const { id, peer } = yield* s.pair()
      s.slots.cells[s.slots.at(id) + SLOT.remainder] = 1
      s.client.order(order, id, A)
      if (order === 'close') yield* s.next('CLOSE')
      peer.end()
      if (order === 'end') yield* s.next('CLOSE')
      yield* s.silence()
      assert.notEqual(s.stateOf(id), STATE.INVALID)
      s.client.order('shutdown', id, A)
      yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
      yield* s.until(() => peer.read() === 0 && peer.error < 0, 'RST: a half is not the whole')
    }))
}

// Proves: docs/skynet.md#close
test('a peer that does not answer FIN is cut, and what it sends meanwhile is thrown away', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.order('close', id)
    yield* s.next('CLOSE')
    yield* s.until(() => peer.read() > 0 || peer.hasEnded, 'FIN')
    peer.write('for nobody')
    assert.equal(yield* s.idle(), FIN_WAIT_MS)
    s.now += FIN_WAIT_MS
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the cut')
    yield* s.silence()
  }))

test('a socket that lets more than SEND_QUEUE_BYTES_MAX pile up is closed with an ERROR', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    s.client.orderWith('configure', id, { sendWarningBytes: SEND_QUEUE_BYTES_MAX * 2 })
    yield* s.fill(id)
    s.send(id, Buffer.alloc(SEND_QUEUE_BYTES_MAX - s.cell(id, 'queued')))
    yield* s.silence()
    // A slow kernel may have taken some meanwhile.
    const missing = SEND_QUEUE_BYTES_MAX - s.cell(id, 'queued')
    if (missing > 0) s.send(id, Buffer.alloc(missing))
    const writer = s.client.ownWriter(id)
    assert.deepEqual([writer.write('x'), writer.isGone], [false, true])
    yield* s.next('ERROR')
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID)
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
  }))

/** Two workers send lines to one socket, whose kernel takes as little as `next` says. */
function* sendLines(s: ServerDriver, id: number, peer: Peer, next: () => number) {
  const write = s.os.write.bind(s.os)
  const takesLittle: typeof s.os.write = (fd, bytes, offset, length) =>
    fd === peer.fd ? write(fd, bytes, offset, length) : write(fd, bytes, offset, part(length))
  const part = (length: number): number => (next() % 3 === 0 ? next() % (length + 1) : length)
  Object.assign(s.os, { write: takesLittle })
  const counts = [0, 0]
  for (let i = 0; i < 400; i++) {
    const worker = next() % 2
    const length = next() % 16 === 0 ? 70_000 : next() % 50
    s.send(id, `${worker} ${counts[worker]!++} ${'.'.repeat(length)}\n`, worker)
    if (next() % 4 === 0) yield
    if (next() % 8 === 0) peer.read()
  }
  Object.assign(s.os, { write })
  return counts
}

test('lines of two workers arrive whole, and in order for each, whatever write(2) takes', (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  t.diagnostic(`SEED=${seed}`)
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const counts = yield* sendLines(s, id, peer, random(seed))
    yield* s.drained(id, peer)
    const expected = [0, 0]
    // Without the end of the last one; its blank belongs to a line without dots.
    for (const line of peer.text.slice(0, -1).split('\n')) {
      const [worker, count] = line.split(' ', 2).map(Number)
      assert.match(line, /^[01] \d+ \.*$/)
      assert.equal(count, expected[worker!]!++)
    }
    assert.deepEqual(expected, counts)
    assert.deepEqual([s.cell(id, 'queued'), s.cell(id, 'remainder')], [0, 0])
  })
})

test('T20 nobody can write to a listener', () =>
  drive(function* (s) {
    const { id } = yield* s.listen()
    assert.equal(s.send(id, 'x'), false)
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
  }))

// Proves: docs/limits.md#descriptors
test('T29 a listener out of descriptors refuses, goes on, and the loop does not spin', () => {
  // In a process of its own: the limit is one of the process.
  const fixture = fileURLToPath(
    import.meta.url.replace(/socket-server\.flow\.test(\.\w+)$/, '../fixtures/no-descriptors$1'),
  )
  const command = ['-c', 'ulimit -n 100; exec "$0" "$1"', process.execPath, fixture]
  const { status, stderr } = spawnSync('sh', command, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})
