import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collector } from '../../src/base/collector.ts'
import { Connection } from '../../src/sockets/connection.ts'
import { TestPool } from '../../src/testing/test-pool.ts'

const gc = collector()

const CONNECTIONS = 10_000
const ROUNDS = 9
/** Of those, so many may be low: garbage of before went meanwhile. */
const LOW_ROUNDS = 2
const PEER = '127.0.0.1:5000'

/**
 * Bytes of the heap that each of many connections takes, as its pool keeps it. A low one of some
 * rounds: code that is compiled meanwhile is not each one's.
 */
function bytesOf(use: (connection: Connection) => unknown): number {
  const rounds: number[] = []
  const kept: TestPool[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const sockets = new TestPool()
    kept.push(sockets)
    gc()
    const before = process.memoryUsage().heapUsed
    for (let id = 1; id <= CONNECTIONS; id++) use(new Connection(sockets.pool, id, 'waiting', PEER))
    gc()
    rounds.push((process.memoryUsage().heapUsed - before) / CONNECTIONS)
  }
  for (const { pool } of kept) assert.equal(pool.size, CONNECTIONS)
  return rounds.sort((one, other) => one - other)[LOW_ROUNDS]!
}

// Proves: docs/semantics.md#idle-connection
test('a connection that nobody has used keeps no reader, no writer and no wait', () => {
  const bytes = bytesOf(() => {})
  assert.ok(bytes < 240, `${bytes} B`)
})

// Proves: docs/semantics.md#idle-connection
test('a connection that was written to keeps its writer, and no buffer', () => {
  const bytes = bytesOf((connection) => {
    connection.write('hello')
    connection.leave()
  })
  assert.ok(bytes < 470, `${bytes} B`)
})

// Proves: docs/semantics.md#idle-connection
test('a read that waits keeps its promise and a waiter, no closure and no description', () => {
  const bytes = bytesOf((connection) => void connection.read())
  assert.ok(bytes < 800, `${bytes} B`)
})

// Proves: docs/semantics.md#idle-connection
test('a loop that waits keeps no more than a read that waits', () => {
  const read = bytesOf((connection) => void connection.read())
  const loop = bytesOf((connection) => void connection[Symbol.asyncIterator]().next())
  assert.ok(loop < read + 20, `${loop} B, a read ${read} B`)
})

// Proves: docs/frames.md#idle
test('frames that are waited for keep a parser without a buffer, beside a read', () => {
  const take = (): void => {}
  const bytes = bytesOf((connection) => void connection.frames({ header: 'u16be' }).each(take))
  assert.ok(bytes < 1600, `${bytes} B`)
})
