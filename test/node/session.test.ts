/** Sessions on real nodes: real sockets, agents on other workers, ends of all of them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { test as nodeTest, type TestContext } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import { type MessageStream, type MethodsOf, type Skynet, supervise } from 'skynet-ts'
import { type ClientLinkMaker, connect, type SessionClient } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { connectKcp } from 'skynet-ts/kcp'
import { resolveConfig } from 'skynet-ts/node'
import { connectWebSocket } from 'skynet-ts/websocket'
import { WebSocket } from 'ws'
import { game } from '../fixtures/session-game.ts'
import type sessionGate from '../fixtures/session-gate.ts'
import type { GateLimits } from '../fixtures/session-gate.ts'
import type sessionRoom from '../fixtures/session-room.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { freePort } from '../support/free-port.ts'
import { TestNode } from '../support/node.ts'
import { serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

type Client = SessionClient<typeof game>

/** Agents, each on the worker that is told, and a gate. */
async function start(skynet: Skynet, workers: readonly number[], limits: GateLimits = {}) {
  const rooms = []
  for (const on of workers) {
    rooms.push(await skynet.newService<typeof sessionRoom>('../fixtures/session-room.ts', { on }))
  }
  for (const room of rooms) await room.call.know(rooms)
  const args: [typeof rooms, GateLimits] = [rooms, limits]
  const path = '../fixtures/session-gate.ts'
  const gate = await skynet.newService<typeof sessionGate>(path, { args, on: 0 })
  const [place] = await gate.call.places()
  return { rooms, gate, port: place!.port }
}

const enter = (port: number, name: string): Client =>
  connect(game, {
    transport: framedTcp({ port }),
    login: { name },
    ...{ retryMsMin: 1, retryMsMax: 20 },
  })

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

const check = (title: string, body: (skynet: Skynet) => Promise<void>): void =>
  serviceTest(import.meta.url, title, body)
const alone = (title: string, body: (skynet: Skynet) => Promise<void>): void =>
  serviceTest(import.meta.url, title, body, {})

// Proves: docs/session.md#resume, #order
check('50 sessions are cut by chance: each call ran once, each push came once', async (skynet) => {
  const { rooms, gate, port } = await start(skynet, [0, 1])
  await using proxy = await CuttingProxy.to(port, { seed: 7 })
  const clients = numbers(50).map((i) => enter(proxy.port, `user${i}`))
  const events = clients.map((client) => {
    const seen: number[] = []
    client.on('at', (n) => seen.push(n))
    return seen
  })
  await Promise.all(clients.map(({ ready }) => ready))
  // Those who log in are not cut: a WELCOME that is lost is another session.
  proxy.cutChance = 0.05
  const calls: Promise<number>[] = []
  const ROUNDS = 20
  for (let round = 0; round < ROUNDS; round++) {
    for (const client of clients) calls.push(client.call.add(round))
    for (const room of rooms) room.send.push(round)
    if (round % 5 === 4) await Promise.all(calls)
  }
  await Promise.all(calls)
  proxy.cutChance = 0
  await until('all pushes', () => events.every(({ length }) => length === ROUNDS))
  for (const seen of events) assert.deepEqual(seen, numbers(ROUNDS))
  for (const i of numbers(50)) {
    assert.deepEqual(await rooms[i % 2]!.call.added(`user${i}`), numbers(ROUNDS))
  }
  const { admitted, sessions, resumed } = await gate.call.stat()
  assert.deepEqual([admitted, sessions], [50, 50])
  assert.ok(proxy.cuts > 10 && resumed > 10, `${proxy.cuts} cuts, ${resumed} resumed`)
  await Promise.all(clients.map((client) => client.close()))
  await until('all are gone', async () => (await gate.call.stat()).sessions === 0)
})

// Proves: docs/session.md#take-over
check('a connection that is stalled is taken over before anybody has noticed', async (skynet) => {
  const { gate, port } = await start(skynet, [1], { heartbeatMs: 60_000 })
  await using proxy = await CuttingProxy.to(port)
  const client = enter(proxy.port, 'ann')
  assert.equal(await client.call.add(1), 1)
  proxy.stall(['up'])
  const call = client.call.add(2)
  // The way back is cut: the client knows, the gate does not.
  proxy.cut()
  proxy.release()
  assert.equal(await call, 2)
  assert.equal((await gate.call.stat()).sessions, 1)
  await client.close()
})

/** A connection of a service, as a client has it. */
const linksTo = (open: () => Promise<MessageStream>): ClientLinkMaker => ({
  open(events) {
    let stream: MessageStream | undefined
    const closed = (error: unknown): void => events.closed(String(error))
    const begin = async (): Promise<void> => {
      stream = await open()
      events.opened()
      await stream.each((message) => events.heard(message))
    }
    begin().then(() => events.closed('the end'), closed)
    return {
      send: (message) => void (stream?.isOpen && stream.send(message)),
      close: () => void stream?.close().catch(() => {}),
    }
  },
})

// Proves: docs/session.md#resume
check('a session goes on over other transports: TCP, WebSocket, KCP in turn', async (skynet) => {
  const { rooms, gate } = await start(skynet, [1])
  const places = await gate.call.places()
  const [tcpPort, wsPort, kcpPort] = places.map(({ port }) => port)
  assert.deepEqual(
    places.map(({ transport }) => transport),
    ['tcp', 'ws', 'kcp'],
  )
  const streams: MessageStream[] = []
  const ways = [
    async () => (await skynet.socket.connect({ port: tcpPort! })).frames({ header: 'u16be' }),
    () => connectWebSocket(skynet, `ws://127.0.0.1:${wsPort}/game`, { binary: true }),
    () => connectKcp(skynet, { host: '127.0.0.1', port: kcpPort! }),
  ]
  const transport = linksTo(async () => {
    const stream = (await ways[streams.length % 3]!()) as MessageStream
    streams.push(stream)
    return stream
  })
  const client = connect(game, { transport, login: { name: 'ann' }, retryMsMin: 1 })
  const seen: number[] = []
  client.on('at', (n) => seen.push(n))
  for (let i = 0; i < 9; i++) {
    assert.equal(await client.call.add(i), i + 1)
    const way = ['tcp', 'ws', 'kcp'][i % 3]
    assert.deepEqual(await rooms[0]!.call.transports(), [`${i + 1} ${way}`])
    rooms[0]!.send.push(i)
    const call = client.call.echo(`${i}`)
    await streams[i]!.close()
    assert.equal(await call, `${i}`)
  }
  await until('all events', () => seen.length === 9)
  assert.deepEqual(seen, numbers(9))
  assert.equal((await gate.call.stat()).admitted, 1)
  await client.close()
})

// Proves: docs/session.md#hand-over
check('sessions move between workers under load, and nothing is lost', async (skynet) => {
  const { rooms, gate, port } = await start(skynet, [0, 1, 1])
  const clients = numbers(5).map((i) => enter(port, `mover${i * 10}`))
  const MOVES = 12
  await Promise.all(
    clients.map(async (client) => {
      const calls: Promise<unknown>[] = []
      let next = 0
      for (let move = 1; move <= MOVES; move++) {
        for (let i = 0; i < 10; i++) calls.push(client.call.add(next++))
        calls.push(client.call.move(move % 3))
        for (let i = 0; i < 10; i++) calls.push(client.call.add(next++))
        await calls.at(-11)
      }
      await Promise.all(calls)
    }),
  )
  for (const i of numbers(5)) {
    const asked = await rooms[MOVES % 3]!.call.added(`mover${i * 10}`)
    assert.deepEqual(asked, numbers(MOVES * 20), `mover${i * 10}`)
  }
  assert.equal((await gate.call.stat()).agents, 1)
  for (const client of clients) await client.close()
})

// Proves: docs/session.md#agent-ends
alone('an agent exits, and a worker dies with its agents: each client is told', async (skynet) => {
  const { gate, port } = await start(skynet, [0, 1, 1])
  const names = ['stays0', 'ends1', 'next2']
  const [stays, ends, next] = names.map((name) => enter(port, name))
  for (const client of [stays!, ends!, next!]) await client.call.add(1)
  const waiting = ends!.call.wait()
  const lost = assert.rejects(waiting, { code: 'ERR_CALL_DEAD' })
  ends!.send.end('exit')
  await lost
  await until('told', () => ends!.reason?.code === 'agent')
  assert.equal(await next!.call.add(2), 2)
  const gone = assert.rejects(next!.call.wait(), { code: 'ERR_CALL_DEAD' })
  next!.send.end('worker')
  await gone
  await until('told', () => next!.reason?.code === 'agent')
  assert.equal(await stays!.call.add(2), 2)
  await until('one is left', async () => (await gate.call.stat()).sessions === 1)
  for (const client of [stays!, ends!, next!]) await client.close()
})

// Proves: docs/session.md#gate-ends
alone(
  'the worker of a gate dies: agents are told, clients come back to the next',
  async (skynet) => {
    const launch = (on: number) =>
      skynet.newService<typeof sessionRoom>('../fixtures/session-room.ts', { on })
    const [stays, goes] = [await launch(0), await launch(1)]
    const port = await freePort()
    const args: [(typeof stays)[], GateLimits] = [[stays, goes], { port }]
    const path = () => import('../fixtures/session-gate.ts')
    const gate = { name: 'gate', path, on: 1, args } as const
    const supervisor = await supervise(skynet, { strategy: 'one-for-one', children: [gate] })
    const clients = ['ann0', 'bob0', 'eve1'].map((name) => enter(port, name))
    for (const client of clients) assert.equal(await client.call.add(1), 1)
    const [ann, , eve] = clients
    const told: string[] = []
    ann!.onState((state, { isResumed, reason }) => {
      if (state === 'waiting') told.push(`${state} ${reason?.code}`)
      if (state === 'open') told.push(`${state} ${isResumed}`)
    })
    const lost = assert.rejects(ann!.call.wait(), { code: 'ERR_CLIENT_LOST', closeCode: 'unknown' })
    await until('it waits', () => stays.call.waiting())
    eve!.send.end('worker')
    await lost
    assert.deepEqual((await stays.call.ends()).sort(), ['ann0 node', 'bob0 node'])
    // Another session, of another gate, at the same agent.
    assert.equal(await ann!.call.add(2), 2)
    assert.equal(told[0], 'waiting lost')
    assert.deepEqual(told.slice(-2), ['waiting unknown', 'open false'])
    await until('the other one', async () => (await stays.call.users()).length === 2)
    const { sessions } = await supervisor.child<MethodsOf<typeof sessionGate>>('gate')!.call.stat()
    assert.equal(sessions, 2)
    for (const client of clients) await client.close()
    await supervisor.stop()
  },
)

// Proves: docs/session.md#limits, #login-timeout
check('hostile clients cost themselves only', async (skynet) => {
  const { gate, port } = await start(skynet, [1], { loginTimeoutMs: 1000, messagesPerSecond: 500 })
  const client = enter(port, 'good')
  await client.ready
  const hostile = async (...chunks: Uint8Array[]): Promise<void> => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    for (const chunk of chunks) socket.write(chunk)
    await once(socket, 'close')
  }
  const frame = (...bytes: number[]): Buffer => Buffer.from([0, bytes.length, ...bytes])
  const attacks = [
    ...numbers(50).map(() => hostile()),
    ...numbers(50).map((i) => hostile(frame(99, i), Buffer.alloc(i * 40, 0xff))),
    ...numbers(50).map((i) => hostile(frame(1, 1, i, 0, 0, 0, 123), frame(2, i))),
    ...numbers(10).map(() => hostile(Buffer.from('GET / HTTP/1.1\r\n\r\n'))),
    // A message that is announced, and never comes.
    ...numbers(10).map(() => hostile(Buffer.from([0xff, 0xff, 1]))),
  ]
  for (let i = 0; i < 50; i++) assert.equal(await client.call.add(i), i + 1)
  await Promise.all(attacks)
  // A client may see the end of its connection before the gate does.
  await until('all are gone', async () => (await gate.call.stat()).strangers === 0)
  const { sessions, closed } = await gate.call.stat()
  assert.equal(sessions, 1)
  assert.deepEqual([closed.protocol, closed.login, closed['login-timeout']], [50, 50, 70])
  await client.close()
})

/** A test of the test process alone: a worker that loads this file passes by. */
function test(title: string, body: (t: TestContext) => Promise<void>): void {
  if (isMainThread) nodeTest(title, { timeout: 120_000 }, body)
}

// Proves: docs/session.md#node-stop
test('a node that stops sends clients away; a match is played to its end', async () => {
  const fixture = join(import.meta.dirname, '../fixtures/session-node.ts')
  const { node, stop, log } = await TestNode.start((_, logger) =>
    resolveConfig({ start: fixture, thread: 2, logger, graceMs: 60_000 }),
  ).then((started) => ({ node: started.node, stop: () => started.stop(), log: started.log }))
  const [tcpPort, wsPort] = await until('it listens', () => {
    const { listeners } = node
    return listeners.length > 1 && listeners.map(({ port }) => port)
  })
  await using proxy = await CuttingProxy.to(tcpPort!)
  await using wsProxy = await CuttingProxy.to(wsPort!)
  const clients = ['ann0', 'bob1', 'hold0'].map((name) => enter(proxy.port, name))
  const url = `ws://127.0.0.1:${wsProxy.port}/game`
  const page = connect(game, { url, WebSocket, login: { name: 'hold1' }, retryMsMin: 1 })
  clients.push(page)
  for (const client of clients) assert.equal(await client.call.add(1), 1)
  const [ann, bob, hold] = clients
  const stopped = stop()
  await until('they are told', () => ann!.reason?.code === 'drain' && bob!.reason?.code === 'drain')
  // He goes on, is cut, and comes back.
  proxy.cut()
  wsProxy.cut()
  assert.equal(await hold!.call.add(2), 2)
  assert.equal(await page.call.add(2), 2)
  const late = enter(proxy.port, 'late0')
  await until('nobody new', () => late.reason?.code === 'drain')
  page.send.end('match')
  hold!.send.end('match')
  await stopped
  assert.equal(hold!.reason?.code, 'drain', log)
  for (const client of [...clients, late]) await client.close()
})
