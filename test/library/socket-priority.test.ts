/** Sends of two priorities to a peer that is slow. `T` and a number: a case of Skynet's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEND_WARNING_BYTES } from '../../src/base/limits.ts'
import { STATE } from '../../src/net/state.ts'
import type { Peer } from '../support/peer.ts'
import { A, drive, type Script, type ServerDriver } from '../support/server-driver.ts'

const MIB = 1024 * 1024
/** More than all buffers of the kernel hold. */
const HUGE = 6 * MIB

/** `a6291456 b3`: what the peer got, each run of one byte with its length. */
function runs(bytes: Buffer): string {
  const found: string[] = []
  for (let from = 0; from < bytes.length; ) {
    let to = from
    while (bytes[to] === bytes[from]) to++
    found.push(`${String.fromCharCode(bytes[from]!)}${to - from}`)
    from = to
  }
  return found.join(' ')
}

function low(s: ServerDriver, id: number, data: string, worker = 0): void {
  assert.equal(s.workers[worker]!.client.sendLow(id, Buffer.from(data)), true)
}

/** The peer reads until everything has left; what it got. */
function* drunk(s: ServerDriver, peer: Peer, id: number): Generator<void, string, void> {
  yield* s.drained(id, peer)
  yield* s.idle()
  assert.equal(s.cell(id, 'queued'), 0)
  return runs(Buffer.concat(peer.chunks))
}

// Proves: docs/semantics.md#priority
test('T13 H0 (direct, in part) H1 L1 L2 H2 leave as H0 H1 H2 L1 L2', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.send(id, Buffer.alloc(HUGE, '0'))
    s.send(id, '1')
    low(s, id, 'll')
    low(s, id, 'mmm')
    s.send(id, '2222')
    assert.equal(yield* drunk(s, peer, id), `0${HUGE} 11 24 l2 m3`)
    s.events = []
  }))

// Proves: docs/semantics.md#priority
test('T14 a low send that was begun goes on before high ones; then they, then other low ones', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const begun = 8 * MIB
    s.send(id, Buffer.alloc(HUGE, '0'))
    low(s, id, 'l'.repeat(begun))
    low(s, id, 'm')
    const isBegun = () => s.cell(id, 'queued') < begun
    yield* s.until(() => isBegun() || peer.read() < 0, 'the begin of the low send')
    assert.equal(s.cell(id, 'pending'), 2, 'it has not ended')
    s.send(id, '22', 1)
    assert.equal(yield* drunk(s, peer, id), `0${HUGE} l${begun} 22 m1`)
    s.events = []
  }))

// Proves: docs/skynet.md#send-rest
test('T15 a low send behind the rest of a direct write stays low', () =>
  drive(function* (s) {
    // Skynet does not count that rest as content of its lists: there L1 becomes a high one.
    const { id, peer } = yield* s.pair()
    s.send(id, Buffer.alloc(HUGE, '0'))
    low(s, id, 'l')
    s.send(id, '11')
    assert.equal(yield* drunk(s, peer, id), `0${HUGE} 12 l1`)
    s.events = []
  }))

test('a low send with nothing before it leaves at once, and nothing overtakes it', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    low(s, id, 'l'.repeat(HUGE))
    s.send(id, 'h')
    assert.equal(yield* drunk(s, peer, id), `l${HUGE} h1`)
    s.events = []
    low(s, id, 'again')
    yield* s.until(() => peer.read() > 0, 'it')
    assert.equal(peer.chunks.at(-1)?.toString(), 'again')
  }))

test('a high send of one worker overtakes the low ones of another', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    s.send(id, Buffer.alloc(HUGE, '0'))
    for (let i = 0; i < 100; i++) low(s, id, 'l', 0)
    yield* s.idle()
    s.send(id, 'h', 1)
    assert.equal(yield* drunk(s, peer, id), `0${HUGE} h1 l100`)
    s.events = []
  }))

test('low sends count for WARNING, and close lets them leave', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    yield* s.fill(id)
    low(s, id, 'l'.repeat(SEND_WARNING_BYTES))
    assert.equal((yield* s.next('WARNING')).id, id)
    s.client.order('close', id, A)
    yield* s.next('CLOSE')
    yield* s.until(() => peer.read() === 0 && peer.hasEnded, 'FIN')
    assert.match(runs(Buffer.concat(peer.chunks)), new RegExp(`^f\\d+ l${SEND_WARNING_BYTES}$`))
    peer.end()
    yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
  }))

for (const [how, destroy] of Object.entries({
  shutdown: (s: ServerDriver, id: number) => s.client.order('shutdown', id),
  'RST of the peer': (s: ServerDriver, _id: number, peer: Peer) => {
    s.os.setOption(peer.fd, 'lingerSeconds', 0)
    peer.close()
  },
})) {
  test(`sends of both priorities that are lost by ${how} are accounted for`, () =>
    drive(function* (s): Script {
      const { id, peer } = yield* s.pair()
      yield* s.fill(id)
      for (let i = 0; i < 10; i++) {
        s.send(id, 'high')
        low(s, id, 'low')
      }
      yield* s.idle()
      destroy(s, id, peer)
      yield* s.until(() => s.stateOf(id) === STATE.INVALID, 'the end')
      s.events = []
      assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
    }))
}
