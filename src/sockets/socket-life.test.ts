import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATE } from '../net/state.ts'
import { TestPool } from '../testing/test-pool.ts'
import { Connection } from './connection.ts'
import { Listener } from './listener.ts'
import type { SocketPool } from './pool.ts'
import { openOrClose, SocketLife, type Stage } from './socket-life.ts'
import { UdpSocket } from './udp-socket.ts'

const SOCKETS: Readonly<Record<string, (pool: SocketPool) => Connection | Listener | UdpSocket>> = {
  connection: (pool) => new Connection(pool, 1, 'waiting'),
  listener: (pool) => new Listener(pool, 1, '127.0.0.1'),
  'UDP socket': (pool) => new UdpSocket(pool, 1, 4),
}

for (const [what, make] of Object.entries(SOCKETS)) {
  test(`close() of a ${what} resolves after the end of its service, limited or not`, async () => {
    const sockets = new TestPool()
    const socket = make(sockets.pool)
    const { signal } = new AbortController()
    sockets.end()
    for (const options of [undefined, {}, { timeoutMs: 1 }, { signal }]) await socket.close(options)
  })

  test(`close() of a ${what} again resolves when its service has ended meanwhile`, async () => {
    const sockets = new TestPool()
    const socket = make(sockets.pool)
    const closing = socket.close()
    sockets.end()
    await assert.rejects(closing, { message: 'it has ended' })
    for (const options of [undefined, { timeoutMs: 1 }]) await socket.close(options)
  })
}

const STAGES: Readonly<Record<Stage, readonly Stage[]>> = {
  waiting: ['open', 'ended', 'closed', 'moved'],
  opening: ['open', 'ended', 'closed', 'moved'],
  open: ['ended', 'closed', 'moved'],
  ended: ['closed', 'moved'],
  closed: [],
  moved: [],
}
const WAY_TO: Readonly<Record<Stage, readonly Stage[]>> = {
  waiting: [],
  opening: [],
  open: ['open'],
  ended: ['open', 'ended'],
  closed: ['closed'],
  moved: ['moved'],
}
const owner = { id: 1, happened() {}, leave() {}, letGo: () => false }

test('SocketLife moves as its table says, and no other way', () => {
  const stages = Object.keys(STAGES) as Stage[]
  for (const from of stages) {
    for (const to of stages) {
      const begin = from === 'opening' ? 'opening' : 'waiting'
      const life = new SocketLife(new TestPool().pool, owner, begin)
      for (const step of WAY_TO[from]) life.move(step)
      assert.equal(life.stage, from)
      if (STAGES[from].includes(to)) life.move(to)
      else assert.throws(() => life.move(to), { code: 'ERR_ASSERTION' }, `${from} to ${to}`)
    }
  }
})

test('SocketLife is open until it fails, is over, or both sides have ended', () => {
  const open = (...steps: Stage[]) => {
    const socket = new TestPool()
    const life = new SocketLife(socket.pool, owner, 'opening')
    for (const step of steps) life.move(step)
    return { life, slot: socket.slot }
  }
  assert.equal(open().life.isOpen, true)
  assert.equal(open('closed').life.isOpen, false)
  assert.equal(open('moved').life.isOpen, false)
  const { life, slot } = open('open', 'ended')
  assert.equal(life.isOpen, true)
  slot.state = STATE.INVALID
  assert.equal(life.isOpen, false)
  const failed = open('open').life
  failed.fail('reset')
  assert.equal(failed.isOpen, false)
  assert.throws(() => failed.checkOpen(), { code: 'ERR_SOCKET_FAILED' })
})

test('close() hands on what was written, orders the close, then lets go', async () => {
  const { pool, orders } = new TestPool()
  const said = {
    ...owner,
    leave: () => void orders.push('leave'),
    letGo: () => orders.push('let go') < 0,
  }
  const life = new SocketLife(pool, said, 'waiting')
  const closed = life.close()
  assert.deepEqual(orders, ['leave', 'close 1', 'let go'])
  assert.equal(life.isClosing, true)
  assert.equal(life.close(), closed, 'one promise for all who close it')
  life.gone()
  await closed
  assert.equal(life.isClosing, false)
})

// Proves: docs/semantics.md#handover-former
test('close() of a connection that moves meanwhile resolves', async () => {
  const socket = new TestPool()
  const connection = new Connection(socket.pool, 1, 'waiting')
  const read = connection.read()
  socket.emit('DATA', 1, 0, 'abc')
  assert.equal((await read)?.toString(), 'abc')
  const closed = connection.close()
  socket.emit('YIELD', 1, 7)
  await closed
  assert.equal(socket.pool.size, 0)
  assert.equal(socket.waits.size, 0)
})

test('a socket that does not open rejects who waits, once, and is closed', async () => {
  const socket = new TestPool()
  const connection = new Connection(socket.pool, 1, 'opening')
  const opened = connection.open()
  socket.emit('ERROR', 1, 0, 'refused')
  await assert.rejects(opened, { code: 'ERR_SOCKET_FAILED', info: { id: 1, reason: 'refused' } })
  assert.deepEqual([socket.pool.size, socket.waits.size, connection.isOpen], [0, 0, false])

  const udp = new UdpSocket(socket.pool, 2, 4)
  const opening = openOrClose(udp.open(undefined), udp)
  socket.emit('ERROR', 2, 0, 'in use')
  socket.emit('CLOSE', 2)
  await assert.rejects(opening, { code: 'ERR_SOCKET_FAILED' })
  assert.equal(socket.pool.size, 0)
})

test('a connection that moves while it is opened rejects who waits for it', async () => {
  const socket = new TestPool()
  const connection = new Connection(socket.pool, 1, 'opening')
  const opened = connection.open()
  const read = connection.read()
  socket.emit('YIELD', 1, 7)
  await assert.rejects(opened, { code: 'ERR_SOCKET_MOVED' })
  await assert.rejects(read, { code: 'ERR_SOCKET_MOVED' })
  assert.deepEqual([socket.pool.size, socket.waits.size, socket.unread], [0, 0, ['']])
})
