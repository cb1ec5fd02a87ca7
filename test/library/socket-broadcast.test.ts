/** One block for many sockets, at the socket server: everybody gets it whole, and it is freed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATE } from '../../src/net/state.ts'
import type { Peer } from '../support/peer.ts'
import { A, C, drive, type ServerDriver } from '../support/server-driver.ts'
import { UdpPeer } from '../support/udp-peer.ts'

/** Count the blocks that are there, from now on. */
function countBlocks(s: ServerDriver): { there: number; put: number } {
  const { blocks } = s.os
  const count = { there: 0, put: 0 }
  const { put, take, drop } = blocks
  Object.assign(blocks, {
    put: (bytes: Uint8Array) => {
      count.put++
      count.there++
      return put(bytes)
    },
    take: (address: number, length: number) => {
      count.there--
      return take(address, length)
    },
    drop: (address: number) => {
      count.there--
      drop(address)
    },
  })
  return count
}

interface End {
  readonly id: number
  readonly peer: Peer
}

/** Connections of two owners on two workers; every second one is full: its peer does not read. */
function* crowd(s: ServerDriver, size: number): Generator<void, End[], void> {
  const ends: End[] = []
  for (let i = 0; i < size; i++) {
    const { id, peer } = yield* s.pair(i % 4 < 2 ? A : C)
    ends.push({ id, peer })
    if (i % 2 === 1) yield* s.fill(id)
  }
  return ends
}

const line = (worker: number, round: number): string => `${worker}:${round}${'.'.repeat(5000)}\n`

test('broadcasts of two workers reach every reader, each in order, and blocks are freed', () =>
  drive(function* (s) {
    const ends = yield* crowd(s, 12)
    const count = countBlocks(s)
    const ids = ends.map(({ id }) => id)
    const rounds = 40
    for (let round = 0; round < rounds; round++) {
      s.workers.forEach(({ client }, worker) => {
        client.broadcast(ids, Buffer.from(line(worker, round)))
        client.flush()
      })
      yield
    }
    assert.ok(count.there > 0, 'those who do not read share blocks')
    assert.ok(count.put <= rounds * 2, 'at most one block a broadcast')
    yield* s.until(() => {
      let read = 0
      for (const { peer } of ends) read += peer.read()
      return read === 0 && ids.every((id) => s.cell(id, 'pending') === 0)
    }, 'everything')
    for (const { peer } of ends) {
      while (peer.read() > 0);
      const lines = peer.text.replace(/^f*/, '').split('\n').slice(0, -1)
      assert.equal(lines.length, rounds * 2)
      for (const worker of [0, 1]) {
        const mine = lines.filter((text) => text.startsWith(`${worker}:`))
        assert.deepEqual(
          mine.map((text) => `${text}\n`),
          Array.from({ length: rounds }, (_, round) => line(worker, round)),
        )
      }
    }
    assert.equal(count.there, 0)
    s.events = []
  }))

// Proves: docs/semantics.md#broadcast-bytes
test('a block is freed when those who wait for it are closed, reset, cut or gone', () =>
  drive(function* (s) {
    const ends: End[] = []
    for (let i = 0; i < 5; i++) {
      const { id, peer } = yield* s.pair()
      yield* s.fill(id)
      ends.push({ id, peer })
    }
    const [reads, resets, cut, full, gone] = ends as [End, End, End, End, End]
    s.client.orderWith('configure', full.id, { sendLimitBytes: s.cell(full.id, 'queued') + 100 })
    s.client.order('shutdown', gone.id)
    yield* s.idle()
    s.events = []
    const count = countBlocks(s)
    const ids = ends.map(({ id }) => id)
    s.client.broadcast([...ids, ...ids], Buffer.alloc(200, 'b'))
    s.client.flush()
    assert.equal(count.there, 1)
    yield* s.until(() => s.stateOf(full.id) === STATE.INVALID, 'the end of who has too much')
    s.os.setOption(resets.peer.fd, 'lingerSeconds', 0)
    resets.peer.close()
    s.client.order('shutdown', cut.id)
    yield* s.until(() => s.stateOf(cut.id) === STATE.INVALID, 'the cut')
    assert.equal(count.there, 1, 'one still waits')
    s.client.order('close', reads.id, A)
    yield* s.until(() => reads.peer.read() === 0 && reads.peer.hasEnded, 'FIN')
    assert.equal(reads.peer.text.replace(/^f*/, ''), 'b'.repeat(400))
    assert.equal(count.there, 0)
    for (const { id } of ends) {
      assert.deepEqual([s.cell(id, 'pending'), s.cell(id, 'queued')], [0, 0])
    }
    s.events = []
  }))

test('a broadcast to a socket whose direct write was cut short goes on where that ended', () =>
  drive(function* (s) {
    const { id, peer } = yield* s.pair()
    const count = countBlocks(s)
    const large = Buffer.alloc(8 * 1024 * 1024, 'a')
    s.client.broadcast([id, id], large)
    s.client.broadcast([id], Buffer.from('end'))
    s.client.flush()
    assert.equal(s.cell(id, 'remainder'), 1)
    yield* s.until(() => peer.read() === 0 && s.cell(id, 'pending') === 0, 'everything')
    while (peer.read() > 0);
    assert.ok(peer.text === `${'a'.repeat(large.length * 2)}end`)
    assert.equal(count.there, 0)
    s.events = []
  }))

test('a broadcast is a datagram to a UDP socket with a peer, and nothing to a listener', () =>
  drive(function* (s) {
    const { id } = yield* s.udp()
    const { id: listener } = yield* s.listen()
    const peer = new UdpPeer(s)
    s.client.order('peer', id, 0, 0, peer.address)
    const count = countBlocks(s)
    s.client.broadcast([listener, id, id, 1_000_000], Buffer.from('news'))
    s.client.flush()
    yield* s.idle()
    assert.deepEqual(peer.texts(), ['news', 'news'])
    assert.equal(count.there, 0)
    assert.equal(s.stateOf(listener), STATE.LISTEN)
    yield* s.silence()
  }))
