/** The socket server when a worker has died. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { owe, SLOT } from '../../src/net/slots.ts'
import { STATE } from '../../src/net/state.ts'
import { A, C, drive } from '../support/server-driver.ts'

/** Worker 1, and with it its owner C. */
const DEAD = 1

test('the sockets of a worker that died are closed, those of others stay', () =>
  drive(function* (s) {
    const [theirs, ours] = [yield* s.pair(C), yield* s.pair(A)]
    s.alive.delete(C)
    s.client.order('died', DEAD)
    yield* s.until(() => theirs.peer.read() === 0 && theirs.peer.hasEnded, 'the peer is told')
    yield* s.until(() => s.stateOf(theirs.listener) === STATE.INVALID, 'the listener too')
    assert.equal(s.stateOf(ours.id), STATE.CONNECTED)
    s.send(ours.id, 'still')
    yield* s.until(() => ours.peer.read() > 0 && ours.peer.text === 'still', 'it is written')
  }))

// Proves: docs/semantics.md#death-write
test('a socket fails when who wrote to it died in the middle, and the other debts stay', () =>
  drive(function* (s) {
    const [cut, indebted] = [yield* s.pair(A), yield* s.pair(A)]
    const at = (id: number) => s.slots.at(id) + SLOT.remainder
    s.slots.cells[at(cut.id)] = owe(DEAD, 0)
    s.slots.cells[at(indebted.id)] = owe(0, 0)
    s.client.order('died', DEAD)
    const event = yield* s.next('ERROR')
    assert.equal(event.id, cut.id)
    assert.match(event.bytes.toString(), /who wrote to it died meanwhile/)
    yield* s.until(() => s.stateOf(cut.id) === STATE.INVALID, 'it is freed')
    assert.equal(s.stateOf(indebted.id), STATE.CONNECTED)
    s.slots.cells[at(indebted.id)] = 0
  }))
