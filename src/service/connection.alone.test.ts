import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { TestPool } from '../testing/test-pool.ts'
import { Connection } from './connection.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const CONNECTIONS = 5000
const PEER = '127.0.0.1:5000'

/** Bytes of the heap that each of many connections takes, as its pool keeps it. */
function bytesOf(use: (connection: Connection) => unknown): number {
  const make = ({ pool }: TestPool): void => {
    for (let id = 1; id <= CONNECTIONS; id++) use(new Connection(pool, id, 'waiting', PEER))
  }
  // Code, feedback and room that come with the first ones are not each one's.
  const [first, sockets] = [new TestPool(), new TestPool()]
  make(first)
  gc()
  const before = process.memoryUsage().heapUsed
  make(sockets)
  gc()
  const bytes = (process.memoryUsage().heapUsed - before) / CONNECTIONS
  for (const { pool } of [first, sockets]) assert.equal(pool.size, CONNECTIONS)
  return bytes
}

// Proves: docs/semantics.md#idle-connection
test('a connection that nobody has used keeps no reader, no writer and no wait', () => {
  const bytes = bytesOf(() => {})
  assert.ok(bytes < 280, `${bytes} B`)
})

// Proves: docs/semantics.md#idle-connection
test('a read that waits keeps its promise and a waiter, no closure and no description', () => {
  const bytes = bytesOf((connection) => void connection.read())
  assert.ok(bytes < 900, `${bytes} B`)
})
