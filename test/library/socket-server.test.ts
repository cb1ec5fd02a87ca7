/**
 * The socket server, event by event. `T` and a number is a case of Skynet's socket_server; where we
 * differ on purpose the test says so.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATE } from '../../src/net/state.ts'
import { ERRNO } from '../../src/os/errno.ts'
import { A, B, C, drive } from '../support/server-driver.ts'

test('T1 a listener tells its real port, and accepts nobody before start', () =>
  drive(function* (s) {
    const { id, port, open } = yield* s.bind()
    assert.deepEqual([open.owner, open.id, open.bytes.toString()], [A, id, '127.0.0.1'])
    assert.ok(port > 0)
    const peer = s.connect(port)
    yield* s.silence()
    s.client.order('start', id, A)
    assert.equal((yield* s.next('OPEN')).bytes.toString(), 'start')
    const accept = yield* s.next('ACCEPT')
    assert.deepEqual([accept.owner, accept.id, accept.bytes.toString()], [A, id, peer.address])
    assert.equal(s.stateOf(accept.ud), STATE.PACCEPT)
  }))

// Proves: docs/semantics.md#accept-unread
test('T2 an accepted socket is not read before start', () =>
  drive(function* (s) {
    const { port } = yield* s.listen()
    const peer = s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    peer.write('hello')
    yield* s.silence()
    yield* s.start(id)
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'hello')
  }))

test('an accepted socket has keep-alive on, which is set at its listener', () =>
  drive(function* (s) {
    const { port } = yield* s.listen()
    s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    assert.equal(s.os.getOption(s.server.sockets.find(id)!.fd, 'keepAlive'), 1)
  }))

test('T3 a refused connect is an ERROR, the id is invalid, and start of it is an ERROR', () =>
  drive(function* (s) {
    const { id: listener, port } = yield* s.listen()
    s.client.order('close', listener)
    yield* s.next('CLOSE')
    const id = s.slots.reserve()
    s.client.connect(id, A, [{ family: 4, host: '127.0.0.1', port }])
    const error = yield* s.next('ERROR')
    assert.deepEqual([error.owner, error.id], [A, id])
    assert.match(error.bytes.toString(), /^ECONNREFUSED/)
    assert.equal(s.stateOf(id), STATE.INVALID)
    s.client.order('start', id, A)
    assert.equal((yield* s.next('ERROR')).bytes.toString(), 'invalid socket')
    yield* s.silence()
  }))

// Proves: docs/semantics.md#connect
test('connect tries the addresses in turn, and tells the peer it reached', () =>
  drive(function* (s) {
    const { id: gone, port: closed } = yield* s.listen()
    s.client.order('close', gone)
    yield* s.next('CLOSE')
    const { port } = yield* s.listen()
    const id = s.slots.reserve()
    const host = '127.0.0.1'
    // Skynet stops at the first address that is refused later.
    s.client.connect(id, A, [
      { family: 4, host, port: closed },
      { family: 4, host, port },
    ])
    s.send(id, 'early')
    const open = yield* s.until(() => s.events.find(({ kind }) => kind === 'OPEN'), 'OPEN')
    assert.deepEqual([open.id, open.bytes.toString()], [id, `${host}:${port}`])
    const accept = s.events.find(({ kind }) => kind === 'ACCEPT')!
    s.events = []
    yield* s.start(accept.ud)
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'early')
  }))

for (const owner of [A, B, C]) {
  test(`connect reads its addresses whatever bits its owner has (${owner})`, () =>
    drive(function* (s) {
      const { port } = yield* s.listen()
      const id = s.slots.reserve()
      s.client.connect(id, owner, [{ family: 4, host: '127.0.0.1', port }])
      const open = yield* s.until(() => s.events.find(({ kind }) => kind === 'OPEN'), 'OPEN')
      assert.deepEqual([open.owner, open.id], [owner, id])
    }))
}

test('T6 the read size doubles when it is filled: 1,000 bytes come as 64,128,256,512,40', () =>
  drive(function* (s) {
    const { port } = yield* s.listen()
    const peer = s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    const burst = Buffer.from(Array.from({ length: 1000 }, (_, i) => i & 0xff))
    assert.equal(peer.write(burst), 1000)
    yield* s.start(id)
    yield* s.until(() => s.events.length === 5, 'five reads')
    const sizes = s.events.map(({ bytes }) => bytes.length)
    assert.deepEqual(sizes, [64, 128, 256, 512, 40])
    assert.deepEqual(s.data(id), burst)
  }))

test('T7 FIN is one CLOSE; the socket still sends, until it is closed without a word', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    peer.write('last words')
    peer.end()
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'last words')
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ)
    assert.equal(s.send(id, 'answer'), true)
    yield* s.until(() => peer.read() === 6, 'the answer')
    s.client.order('start', id, C)
    const request = yield* s.next('YIELD')
    assert.equal(request.owner, A)
    s.client.handover(id, Buffer.from('unread'), request.ud)
    // Skynet refuses this start (T19): here what was not read can still be handed over.
    yield* s.next('OPEN')
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'unread')
    assert.equal((yield* s.next('CLOSE')).owner, C)
    s.client.order('close', id)
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
    yield* s.silence()
    assert.equal(s.send(id, 'too late'), false)
  }))

test('T8 close of an idle socket is one CLOSE; the slot is free once the peer ends too', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.order('close', id)
    yield* s.next('CLOSE')
    // Skynet closes at once, which can cut what the peer still reads: here FIN, then its FIN.
    yield* s.until(() => peer.read() > 0 || peer.hasEnded, 'FIN')
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ)
    peer.close()
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
    s.client.order('close', id)
    yield* s.silence()
  }))

test('T9 close with unsent bytes is a CLOSE at once, and the peer gets all of them, then EOF', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const sent = yield* s.fill(id)
    const more = Buffer.alloc(8 * 1024 * 1024, 'm')
    s.send(id, more)
    s.events = []
    s.client.order('close', id)
    yield* s.until(() => s.events.some(({ kind }) => kind === 'CLOSE'), 'CLOSE')
    s.events = []
    assert.equal(s.stateOf(id), STATE.HALFCLOSE_READ)
    assert.ok(s.cell(id, 'queued') > 0)
    // Skynet says -1 here. The order to close may be on its way still, so it cannot always.
    s.send(id, 'dropped')
    yield* s.until(() => peer.read() === 0 && peer.hasEnded, 'EOF')
    assert.equal(peer.bytesReceived, sent + more.length)
    assert.equal(peer.text.includes('dropped'), false)
    peer.close()
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
    yield* s.silence()
  }))

test('T10 shutdown drops what was not sent', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const sent = yield* s.fill(id)
    const waiting = s.cell(id, 'queued')
    const at = s.slots.at(id)
    s.client.order('shutdown', id)
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID)
    assert.equal(at, s.slots.at(id))
    assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
    yield* s.until(() => peer.read() === 0 && (peer.hasEnded || peer.error < 0), 'the end')
    // RST: what the kernel still had is lost too.
    assert.equal(peer.error, -ERRNO.ECONNRESET)
    assert.ok(peer.bytesReceived <= sent - waiting)
    yield* s.silence()
  }))

test('T11 WARNING comes at 1 MiB and each doubling, and 0 once when all is sent; then again', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const kib = 1024
    const piece = Buffer.alloc(32 * kib)
    for (let round = 0; round < 2; round++) {
      yield* s.fill(id)
      // By what waits, not by what was sent: the kernel may still take some.
      while (s.cell(id, 'queued') < 5 * kib * kib) {
        s.send(id, piece)
        yield
      }
      const warnings = s.events.splice(0).map(({ kind, ud }) => [kind, ud] as const)
      assert.deepEqual(new Set(warnings.map(([kind]) => kind)), new Set(['WARNING']))
      const sizes = warnings.map(([, ud]) => ud)
      assert.equal(sizes.length, 3, `${sizes}`)
      sizes.forEach((size, i) => {
        const limit = kib << i
        assert.ok(size >= limit && size <= limit + 64, `${size} for ${limit}`)
      })
      yield* s.until(() => peer.read() === 0 && s.cell(id, 'queued') === 0, 'drained')
      assert.equal((yield* s.next('WARNING')).ud, 0)
      yield* s.silence()
    }
  }))

test('T16 pause stops DATA, and start goes on with it', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.order('pause', id)
    yield
    peer.write('while paused')
    yield* s.silence()
    s.client.order('start', id, A)
    // Skynet says OPEN "transfer" also to the same owner; that says nothing, so we do not.
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'while paused')
  }))

test('T17 start by another owner moves the socket: YIELD, OPEN, what was unread, new DATA', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair(A)
    peer.write('one')
    yield* s.next('DATA')
    s.client.order('start', id, C)
    // Skynet just changes the owner, and loses what the old one had not read.
    const request = yield* s.next('YIELD')
    assert.deepEqual([request.owner, s.stateOf(id)], [A, STATE.CONNECTED])
    peer.write('two')
    yield* s.silence()
    s.client.handover(id, Buffer.from('one'), request.ud)
    const open = yield* s.next('OPEN')
    assert.deepEqual([open.owner, open.bytes.toString()], [C, 'transfer'])
    const parts = [yield* s.next('DATA'), yield* s.next('DATA')]
    assert.deepEqual(
      parts.map(({ owner, bytes }) => [owner, bytes.toString()]),
      [
        [C, 'one'],
        [C, 'two'],
      ],
    )
    s.client.order('close', id, A)
    yield* s.silence()
    assert.equal(s.stateOf(id), STATE.CONNECTED, 'the old owner cannot close it any more')
  }))

// Proves: docs/semantics.md#handover-refused
test('only its owner holds a socket: not the former one, and not who gives it away', () =>
  drive(function* (s) {
    const { id } = yield* s.pair(A)
    s.client.order('start', id, C)
    const first = yield* s.next('YIELD')
    // Somebody is waiting for it already.
    s.client.order('hold', id, A)
    s.client.handover(id, Buffer.alloc(0), first.ud)
    assert.equal((yield* s.next('OPEN')).owner, C)
    s.client.order('start', id, B)
    const second = yield* s.next('YIELD')
    assert.equal(second.owner, C)
    s.client.handover(id, Buffer.alloc(0), second.ud)
    assert.equal((yield* s.next('OPEN')).owner, B)
    // It was its own once.
    s.client.order('hold', id, A)
    s.client.order('start', id, C)
    const third = yield* s.next('YIELD')
    s.client.handover(id, Buffer.alloc(0), third.ud)
    assert.equal((yield* s.next('OPEN')).owner, C)
    s.client.order('hold', id, C)
    s.client.order('start', id, A)
    const error = yield* s.next('ERROR')
    assert.deepEqual([error.owner, s.stateOf(id)], [A, STATE.CONNECTED])
  }))

test('a hold of a socket that closes says nothing: who wants it is told that it is closed', () =>
  drive(function* (s) {
    const { id } = yield* s.pair(A)
    s.client.order('close', id, A)
    s.client.order('hold', id, A)
    s.client.order('start', id, C)
    yield* s.next('CLOSE')
    const error = yield* s.next('ERROR')
    assert.deepEqual([error.owner, error.bytes.toString()], [C, 'socket closed'])
  }))

test('a late answer of the acceptor does not pass for that of the owner after it', () =>
  drive(function* (s) {
    const { port } = yield* s.listen(A)
    const peer = s.connect(port)
    const { ud: id } = yield* s.next('ACCEPT')
    s.client.order('start', id, C)
    const early = yield* s.next('YIELD')
    yield* s.next('OPEN')
    peer.write('unread')
    yield* s.next('DATA')
    s.client.order('start', id, B)
    const late = yield* s.next('YIELD')
    assert.deepEqual([early.owner, late.owner], [A, C])
    s.client.handover(id, Buffer.alloc(0), early.ud)
    yield* s.silence()
    s.client.handover(id, Buffer.from('unread'), late.ud)
    assert.equal((yield* s.next('OPEN')).owner, B)
    assert.equal((yield* s.next('DATA')).bytes.toString(), 'unread')
  }))

test('T18 start of a listener by another owner is an ERROR to that one', () =>
  drive(function* (s) {
    const { id, port } = yield* s.listen(A)
    s.client.order('start', id, C)
    // Skynet says nothing, and its caller waits for ever.
    const error = yield* s.next('ERROR')
    assert.deepEqual([error.owner, error.bytes.toString()], [C, 'a listener cannot be transferred'])
    s.connect(port)
    assert.equal((yield* s.next('ACCEPT')).owner, A)
  }))

test('T21 orders for a stale id do nothing', () =>
  drive(function* (s) {
    const { id } = yield* s.pair()
    s.client.order('shutdown', id)
    yield* s.next('CLOSE')
    assert.equal(s.send(id, 'x'), false)
    for (const order of ['close', 'shutdown', 'pause', 'noDelay'] as const) {
      s.client.order(order, id)
    }
    s.client.handover(id, Buffer.from('x'), 1)
    yield* s.silence()
  }))

test('T22 RST is an ERROR, then one CLOSE, and the slot is free', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.send(id, 'never read')
    yield* s.idle()
    peer.close()
    assert.match((yield* s.next('ERROR')).bytes.toString(), /^ECONNRESET/)
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID)
    yield* s.silence()
  }))

test('T23 RST while reading is paused ends the socket without a busy loop', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.send(id, 'never read')
    s.client.order('pause', id)
    yield* s.idle()
    peer.close()
    assert.match((yield* s.next('ERROR')).bytes.toString(), /^ECONNRESET/)
    yield* s.next('CLOSE')
    assert.equal(s.stateOf(id), STATE.INVALID)
    yield* s.silence()
  }))

test('T33 ids only go up', () =>
  drive(function* (s) {
    const { port } = yield* s.listen()
    let last = 0
    for (let round = 0; round < 20; round++) {
      const peer = s.connect(port)
      const { ud: id } = yield* s.next('ACCEPT')
      assert.ok(id > last)
      last = id
      s.client.order('shutdown', id)
      yield* s.next('CLOSE')
      peer.close()
    }
  }))

// Proves: docs/skynet.md#peer-reset-after-fin
test('each drain order is answered: all has left, or the socket is gone', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.client.order('drain', id, A)
    assert.equal((yield* s.next('DRAIN')).ud, 1)
    yield* s.fill(id)
    s.client.order('drain', id, A)
    s.client.order('drain', id, A)
    yield* s.silence()
    yield* s.until(() => peer.read() === 0 && s.cell(id, 'queued') === 0, 'drained')
    assert.equal((yield* s.next('DRAIN')).ud, 2)
    yield* s.fill(id)
    s.client.order('drain', id, A)
    s.client.order('shutdown', id)
    assert.equal((yield* s.next('DRAIN')).ud, -1)
    yield* s.next('CLOSE')
    s.client.order('drain', id, A)
    assert.equal((yield* s.next('DRAIN')).ud, -1)
  }))

test('a write that takes the reset out of the socket tells it: it is no good end', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const write = s.os.write.bind(s.os)
    // The kernel tells ECONNRESET once: to the worker's write. The read after it finds an end.
    const reset: typeof s.os.write = (fd, ...rest) => {
      if (fd === peer.fd) return write(fd, ...rest)
      peer.reset()
      s.os.socketError(fd)
      return -ERRNO.ECONNRESET
    }
    Object.assign(s.os, { write: reset })
    s.send(id, 'x')
    assert.match((yield* s.next('ERROR')).bytes.toString(), /^ECONNRESET/)
    yield* s.next('CLOSE')
    yield* s.silence()
    assert.equal(s.stateOf(id), STATE.INVALID)
  }))
