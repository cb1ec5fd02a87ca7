import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Connection } from './connection.ts'
import { Listener } from './listener.ts'
import type { SocketPool } from './pool.ts'
import { UdpSocket } from './udp-socket.ts'

/** The pool of a service that ends when the test says so. The socket thread answers nothing. */
function setUp() {
  const waiters = new Set<{ reject(error: Error): void }>()
  const service = {
    handle: 10,
    hasEnded: false,
    exited: () => new Error('it has ended'),
    addWaiter: (waiter: { reject(error: Error): void }) => waiters.add(waiter),
    removeWaiter: (waiter: { reject(error: Error): void }) => waiters.delete(waiter),
    cancelTimers: () => {},
  }
  const writer = { length: 0, isGone: false, flush() {} }
  const client = { order() {}, ownWriter: () => writer, datagramWriter: () => writer }
  const pool = { service, client, add() {}, remove() {} } as unknown as SocketPool
  const end = (): void => {
    service.hasEnded = true
    for (const waiter of waiters) waiter.reject(service.exited())
  }
  return { pool, end }
}

const SOCKETS: Readonly<Record<string, (pool: SocketPool) => Connection | Listener | UdpSocket>> = {
  connection: (pool) => new Connection(pool, 1, 'waiting'),
  listener: (pool) => new Listener(pool, 1, '127.0.0.1'),
  'UDP socket': (pool) => new UdpSocket(pool, 1, 4),
}

for (const [what, make] of Object.entries(SOCKETS)) {
  test(`close() of a ${what} resolves after the end of its service, limited or not`, async () => {
    const { pool, end } = setUp()
    const socket = make(pool)
    const { signal } = new AbortController()
    end()
    socket.abandon()
    for (const options of [undefined, {}, { timeoutMs: 1 }, { signal }]) await socket.close(options)
  })

  test(`close() of a ${what} again resolves when its service has ended meanwhile`, async () => {
    const { pool, end } = setUp()
    const socket = make(pool)
    const closing = socket.close()
    end()
    socket.abandon()
    await assert.rejects(closing, { message: 'it has ended' })
    for (const options of [undefined, { timeoutMs: 1 }]) await socket.close(options)
  })
}
