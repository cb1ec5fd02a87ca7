/** `skynet.socket.totals()` on the real threads of a node. */
import assert from 'node:assert/strict'
import type { Skynet, SocketTotals } from 'skynet-ts'
import type observer from '../fixtures/observer.ts'
import { type Body, BodyNode, SharedNode, serviceTest, test } from '../support/run.ts'
import { dial, drink, listen, ours, stretch } from '../support/sockets.ts'
import { until } from '../support/until.ts'

const MIB = 1024 * 1024
const node = new SharedNode()
/** None has a socket yet, and nobody else has: then the numbers are exact. */
const check = (title: string, body: Body): void => {
  const exact: Body = async (skynet, handlers) => {
    await untilGone(skynet)
    return body(skynet, handlers)
  }
  serviceTest(import.meta.url, title, exact, node)
}

/** Of `since`: a case spreads it, and names what is not 0. */
const NO_COUNTS = { accepted: 0, refused: 0, opened: 0, closed: 0, received: 0, sent: 0 }

/** What came since `before`. */
function since(before: SocketTotals, now: SocketTotals): Record<string, number> {
  const { queued, states, calls, waits, wakes, events, ...counts } = now
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, count - before[name as 'sent']]),
  )
}

const count = (totals: SocketTotals): number =>
  Object.values(totals.states).reduce((sum, sockets) => sum + sockets, 0)

/** Wait for the last socket to go: what follows is about sockets that are gone. */
const untilGone = (skynet: Skynet): Promise<unknown> =>
  until('all sockets are gone', () => count(skynet.socket.totals()) === 0)

// Proves: docs/semantics.md#totals
check('totals() is exact for TCP, also when the sockets are gone', async (skynet) => {
  const before = skynet.socket.totals()
  assert.equal(count(before), 0)
  const listener = await listen(skynet)
  for (let round = 1; round <= 3; round++) {
    const [client, connection] = await Promise.all([dial(listener.port), listener.accept()])
    client.write(stretch(0, round * 1000))
    await connection!.read(round * 1000)
    connection!.write('12345')
    const answer = drink(client)
    await connection!.close()
    client.end()
    assert.equal((await answer).length, 5)
  }
  listener.close()
  await untilGone(skynet)
  const counts = { ...NO_COUNTS, accepted: 3, closed: 3, received: 6000, sent: 15 }
  assert.deepEqual(since(before, skynet.socket.totals()), counts)
})

check('totals() is exact when the socket thread sends, and knows what waits', async (skynet) => {
  const before = skynet.socket.totals()
  const [near, far] = await ours(skynet)
  const bytes = stretch(0, 16 * MIB)
  near.write(bytes)
  await until('some of it waits', () => skynet.socket.totals().queued > 0)
  assert.deepEqual(await far.read(bytes.length), bytes)
  await near.drain()
  assert.equal(skynet.socket.totals().queued, 0)
  assert.equal(skynet.socket.totals().states.CONNECTED, 2)
  await Promise.all([near.close(), far.close()])
  await untilGone(skynet)
  const moved = { received: bytes.length, sent: bytes.length }
  const counts = { ...NO_COUNTS, accepted: 1, opened: 1, closed: 2, ...moved }
  assert.deepEqual(since(before, skynet.socket.totals()), counts)
})

// Proves: docs/semantics.md#totals
check('totals() is exact for UDP, and counts it as no connection', async (skynet) => {
  const before = skynet.socket.totals()
  const server = await skynet.socket.udp({ host: '127.0.0.1', port: 0 })
  const client = await skynet.socket.udpDial({ host: '127.0.0.1', port: server.port })
  for (let length = 0; length < 100; length++) {
    client.send(stretch(0, length))
    assert.equal((await server.receive())!.data.length, length)
  }
  await Promise.all([server.close(), client.close()])
  await untilGone(skynet)
  const counts = { ...NO_COUNTS, received: 4950, sent: 4950 }
  assert.deepEqual(since(before, skynet.socket.totals()), counts)
})

check('totals() counts no connect that fails', async (skynet) => {
  const listener = await listen(skynet)
  const { port } = listener
  listener.close()
  await untilGone(skynet)
  const before = skynet.socket.totals()
  await assert.rejects(skynet.socket.connect({ port }), { code: 'ERR_CONNECT' })
  await untilGone(skynet)
  assert.deepEqual(since(before, skynet.socket.totals()), NO_COUNTS)
})

check('totals() of system calls, waits and events grow with what is done', async (skynet) => {
  const [near, far] = await ours(skynet)
  let last = skynet.socket.totals()
  for (let round = 0; round < 50; round++) {
    near.write('ping')
    await far.read(4)
    far.write('pong')
    await near.read(4)
    const now = skynet.socket.totals()
    for (const name of ['calls', 'waits', 'wakes', 'events', 'received', 'sent'] as const) {
      assert.ok(now[name] >= last[name], `${name} never shrinks`)
    }
    // Two writes by this worker, of which this thread knows at once.
    assert.ok(now.calls >= last.calls + 2)
    assert.ok(now.sent === last.sent + 8 && now.received === last.received + 8)
    last = now
  }
  assert.ok(last.events >= last.wakes && last.waits >= last.wakes && last.wakes > 0)
})

// Proves: docs/semantics.md#totals
check('totals() can be read on another worker while the loop is busy', async (skynet) => {
  const other = await skynet.newService<typeof observer>('./observer.ts', { on: 1 })
  const before = skynet.socket.totals()
  const [near, far] = await ours(skynet)
  let isOver = false
  const flow = (async () => {
    let bytes = 0
    for (const piece = stretch(0, 64 * 1024); !isOver; bytes += piece.length) {
      near.write(piece)
      await far.read(piece.length)
    }
    return bytes
  })()
  const isOpen = () => skynet.socket.totals().states.CONNECTED === 2
  await until('both ends are open', isOpen)
  let last = (await other.call.look()).totals
  for (let round = 0; round < 100; round++) {
    const { worker, totals } = await other.call.look()
    assert.equal(worker, 1)
    for (const name of ['calls', 'waits', 'events', 'received', 'sent'] as const) {
      assert.ok(totals[name] >= last[name], `${name} never shrinks`)
    }
    assert.equal(totals.states.CONNECTED, 2)
    last = totals
  }
  isOver = true
  const bytes = await flow
  const { totals } = await other.call.look()
  const { received, sent } = since(before, totals)
  assert.deepEqual([received, sent], [bytes, bytes])
  assert.ok(bytes > 0)
})

// Proves: docs/semantics.md#totals
test('stats() of a node has the totals of its sockets', async () => {
  const node = await BodyNode.start()
  try {
    const { sockets, socketTotals } = node.node.stats()
    assert.equal(count(socketTotals), sockets)
    assert.deepEqual([socketTotals.accepted, socketTotals.sent], [0, 0])
    await node.run(import.meta.url, 'totals() is exact for TCP, also when the sockets are gone')
    const { accepted, closed, received, sent } = node.node.stats().socketTotals
    assert.deepEqual([accepted, closed, received, sent], [3, 3, 6000, 15])
  } finally {
    await node.stop()
  }
})
