import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { byteStreamSuite } from '../sockets/byte-stream.suite.ts'
import type { Connection } from '../sockets/connection.ts'
import { messageStreamSuite } from '../sockets/message-stream.suite.ts'
import { FakeClock } from './fake-clock.ts'
import { TestClient } from './test-client.ts'
import { type TestNode, testNode } from './test-node.ts'

const HOST = { host: '127.0.0.1', port: 0 }
const text = (bytes: Uint8Array | null): string | undefined => bytes?.toString()

/** Both ends of a connection: the service's is that of the test's own. */
async function pairOn(node: TestNode): Promise<[TestClient, Connection]> {
  const [client, id] = node.connection()
  return [client, await node.skynet.socket.start(id)]
}

byteStreamSuite(
  'a test client:',
  (title, body) => {
    test(title, async () => {
      await using node = await testNode()
      await body(async () => {
        const [near, far] = await pairOn(node)
        return { near, far }
      })
    })
  },
  false,
)

byteStreamSuite('a connection of a service in memory:', (title, body) => {
  test(title, async () => {
    await using node = await testNode()
    await body(async () => {
      const [far, near] = await pairOn(node)
      return { near, far, breakNear: () => near.configure({ idleTimeoutMs: 1 }) }
    })
  })
})

const U16 = { header: 'u16be', max: 60_000 } as const

messageStreamSuite(
  'frames of a test client:',
  (title, body) => {
    test(title, async () => {
      await using node = await testNode()
      await body(async () => {
        const [near, far] = await pairOn(node)
        return {
          near: near.frames(U16),
          far: far.frames(U16),
          cutNear() {
            far.write(Buffer.of(0))
            far.end()
          },
          overfillNear: () => void far.write(Buffer.of(0xff, 0xff)),
        }
      })
    })
  },
  ['cutNear', 'overfillNear'],
)

/** Says each line again, in capitals; `ended` has the reason why each connection was over. */
const shouter = (place: object, ended: string[] = []) =>
  defineService(async (skynet) => {
    const listener = await skynet.socket.listen({ ...HOST, ...place })
    const serve = async (connection: Connection): Promise<void> => {
      try {
        for await (const line of connection.lines()) connection.write(`${line.toUpperCase()}\n`)
        ended.push('ended')
      } catch (error) {
        ended.push((error as { code: string }).code)
      }
    }
    skynet.fork(async () => {
      for await (const connection of listener) skynet.fork(serve, connection)
    })
  })

// Proves: docs/testing.md#test-client
test('connect() reaches a listener of a service, by its port and by any address', async () => {
  await using node = await testNode()
  await node.launch(shouter({ host: '0.0.0.0' }))
  const [{ port, host, address, owner }] = node.listeners as [(typeof node.listeners)[0]]
  assert.deepEqual([host, address], ['0.0.0.0', `0.0.0.0:${port}`])
  assert.equal(node.skynet.isAlive(owner), true)
  for (const where of [
    port,
    { port },
    { host: '10.1.2.3', port },
    { host: 'game.example', port },
  ]) {
    await using client = await node.connect(where)
    client.write('hello\n')
    assert.equal(await client.readLine(), 'HELLO')
  }
})

test('what two listeners may have, and what not, is as on a machine', async () => {
  await using node = await testNode()
  const { socket } = node.skynet
  const { port } = await socket.listen({ host: '0.0.0.0', port: 0 })
  const taken = { code: 'ERR_LISTEN', message: /EADDRINUSE/ }
  await assert.rejects(socket.listen({ host: '127.0.0.1', port }), taken)
  await assert.rejects(socket.listen({ host: '::', port }), taken)
  await socket.listen({ host: '::', port, ipv6Only: true })
  await socket.listen({ host: '127.0.0.1', port: port + 1, reusePort: true })
  await socket.listen({ host: '127.0.0.1', port: port + 1, reusePort: true })
  await assert.rejects(socket.listen({ host: '127.0.0.1', port: port + 1 }), taken)
  await socket.listen({ path: '/tmp/no-file.sock' })
  await assert.rejects(socket.listen({ path: '/tmp/no-file.sock' }), taken)
  assert.deepEqual(
    node.listeners.map(({ address }) => address).sort(),
    [
      `0.0.0.0:${port}`,
      `127.0.0.1:${port + 1}`,
      `127.0.0.1:${port + 1}`,
      `[::]:${port}`,
      'unix:/tmp/no-file.sock',
    ].sort(),
  )
  await assert.rejects(node.connect(port + 2), { code: 'ERR_CONNECT', message: /ECONNREFUSED/ })
  await assert.rejects(node.connect({ path: '/tmp/none' }), { message: /ENOENT/ })
  await assert.rejects(socket.bind(0), { code: 'ERR_BIND', message: /EBADF/ })
})

test('a port is free again when its listener is closed', async () => {
  await using node = await testNode()
  const { socket } = node.skynet
  for (let round = 0; round < 3; round++) {
    const listener = await socket.listen({ host: '127.0.0.1', port: 80 })
    assert.equal(node.listeners.length, 1)
    await listener.close()
    assert.deepEqual(node.listeners, [])
  }
})

test('connections over IPv6 and by a path, and over a full backlog', async () => {
  await using node = await testNode()
  const { socket } = node.skynet
  const places = { '::1': { host: '::1', port: 0 }, '::': { host: '::', port: 0 } }
  for (const place of [...Object.values(places), { path: '/run/x.sock' }]) {
    // Of a path who comes when it is full is refused.
    const isPath = 'path' in place
    await using listener = await socket.listen({ ...place, backlog: isPath ? 3 : 1 })
    const where = isPath ? place : { host: '::1', port: listener.port }
    const clients = Promise.all([1, 2, 3].map(() => node.connect(where)))
    const accepted: Connection[] = []
    for (let i = 0; i < 3; i++) accepted.push((await listener.accept())!)
    const ports = (await clients).map(({ localAddress }) => localAddress)
    assert.deepEqual(
      accepted.map(({ remoteAddress }) => remoteAddress),
      ports,
    )
    for (const client of await clients) await client.close()
  }
})

// Proves: docs/testing.md#test-connection
test('connection() gives what a gate would hand over: nobody has used it', async () => {
  const agent = defineService((skynet) => ({
    async serve(id: number): Promise<string> {
      const connection = await skynet.socket.start(id)
      skynet.fork(async () => {
        for await (const line of connection.lines()) connection.write(`${line}!\n`)
      })
      return connection.remoteAddress
    },
  }))
  await using node = await testNode()
  const [client, id] = node.connection()
  client.write('before\n')
  assert.equal(text(await client.received()), '')
  const peer = await node.launch(agent)
  assert.equal(await peer.call.serve(id), client.localAddress)
  assert.equal(await client.readLine(), 'before!')
  const next = await node.launch(agent)
  await next.call.serve(id)
  client.write('then\n')
  assert.equal(await client.readLine(), 'then!')
})

test('a client ends, resets and half closes: the service is told as by any peer', async () => {
  const ended: string[] = []
  await using node = await testNode()
  await node.launch(shouter({ port: 7000 }, ended))
  const ender = await node.connect(7000)
  ender.write('last')
  ender.end()
  assert.equal(text(await ender.readAll()), 'LAST\n')
  const breaker = await node.connect(7000)
  breaker.write('half a li')
  breaker.reset()
  await node.settled()
  await node.connect(7000).then((client) => client.close())
  await node.settled()
  assert.deepEqual(ended.slice().sort(), ['ERR_SOCKET_FAILED', 'ended', 'ended'])
  assert.equal(ender.isOpen, false)
  assert.equal(breaker.isOpen, false)
  assert.equal(await breaker.read(), null)
})

test('received() gives what has come, and nothing when nothing has', async () => {
  await using node = await testNode()
  const [client, far] = await pairOn(node)
  assert.equal((await client.received()).length, 0)
  far.write('a')
  await far.drain()
  far.write('b')
  assert.equal(text(await client.received()), 'ab')
  far.write(Buffer.alloc(1_000_000, 'x'))
  assert.equal((await client.received()).length, 1_000_000)
  const reading = client.read()
  await assert.rejects(client.received(), { code: 'ERR_SOCKET_BUSY' })
  far.write('c')
  assert.equal(text(await reading), 'c')
  far.write('last')
  await far.close()
  assert.equal(text(await client.received()), 'last')
  assert.equal((await client.received()).length, 0)
})

// Proves: docs/testing.md#test-client-waits
test('a client waits as long as it is told by the clock of the node', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const [client] = await pairOn(node)
  const late = assert.rejects(client.read(1, { timeoutMs: 60_000 }), { code: 'ERR_SOCKET_TIMEOUT' })
  await clock.advance(60_000)
  await late
  const signal = AbortSignal.abort()
  await assert.rejects(client.readLine({ signal }), { code: 'ABORT_ERR' })
  await assert.rejects(client.readLine({ timeout: 5 } as never), { name: 'TypeError' })
  for (const wrong of [5, null]) {
    await assert.rejects(client.read(undefined, wrong as never), { name: 'TypeError' })
  }
  await assert.rejects(client.drain({ signal: 5 } as never), { name: 'TypeError' })
})

// Proves: docs/testing.md#test-net-clock
test('idle timeouts and lingering go by the clock of the node', async () => {
  const clock = new FakeClock()
  const ended: string[] = []
  await using node = await testNode({ clock })
  await node.launch(shouter({ port: 7000, idleTimeoutMs: 60_000 }, ended))
  const client = await node.connect(7000)
  await clock.advance(59_999)
  client.write('still here\n')
  assert.equal(await client.readLine(), 'STILL HERE')
  await clock.advance(59_999)
  assert.deepEqual(ended, [])
  await clock.advance(8_000)
  assert.deepEqual(ended, ['ERR_SOCKET_FAILED'])
  // Its peer does not end: it is closed all the same, after 2 s.
  const [, far] = await pairOn(node)
  const before = node.skynet.socket.netstat().length
  void far.close()
  await clock.advance(1_999)
  assert.equal(node.skynet.socket.netstat().length, before)
  await clock.advance(1)
  assert.equal(node.skynet.socket.netstat().length, before - 1)
})

test('timeouts of sockets go by the real time where there is no fake clock', async () => {
  await using node = await testNode()
  const [client, far] = await pairOn(node)
  far.configure({ idleTimeoutMs: 8 })
  await assert.rejects(far.read(), { code: 'ERR_SOCKET_FAILED' })
  assert.equal(await client.read(), null)
})

test('who does not read makes the other wait, and policies decide', async () => {
  await using node = await testNode()
  const [client, far] = await pairOn(node)
  far.configure({ sendLimitBytes: 1000, sendPolicy: 'drop-new' })
  const piece = Buffer.alloc(50_000, 'x')
  let taken = 0
  while (far.dropped === 0) {
    far.write(piece)
    await node.settled()
    if (far.dropped === 0) taken += piece.length
    assert.ok(taken < 10_000_000, 'nobody reads, and all is taken')
  }
  assert.equal((await client.received()).length, taken)
  far.write('more')
  assert.equal(text(await client.received()), 'more')
})

test('datagrams reach sockets of the node, of IPv4 and IPv6', async () => {
  await using node = await testNode()
  const { socket } = node.skynet
  const server = await socket.udpListen({ host: '::', port: 5000 })
  for (const host of ['127.0.0.1', '::1', '10.0.0.1']) {
    const peer = await socket.udpDial({ host, port: 5000 })
    for (let i = 0; i < 100; i++) peer.send(`${host} ${i}`)
    for (let i = 0; i < 100; i++) {
      const datagram = await server.receive()
      assert.equal(text(datagram!.data), `${host} ${i}`)
      if (i === 99) server.sendTo(datagram!.from, 'back')
    }
    const back = await peer.receive()
    assert.equal(text(back!.data), 'back')
    assert.equal(back!.from.port, 5000)
  }
  await assert.rejects(socket.udpListen({ port: 5000 }), { code: 'ERR_BIND' })
  // Nobody is there: that is UDP.
  const lonely = await socket.udpDial({ host: '127.0.0.1', port: 5001 })
  lonely.send('x')
  await lonely.drain()
})

/** Longer than a worker, or a turn of the socket server, gives itself. */
function spin(): void {
  const endsAt = performance.now() + 6
  while (performance.now() < endsAt);
}

/**
 * Four clients race for one prize; what the service heard, in order.
 *
 * @param isBusy The thread gets little of its core.
 */
async function race(seed?: number, isBusy = false): Promise<string> {
  await using node = await testNode(seed === undefined ? {} : { seed })
  const heard: string[] = []
  const prize = defineService(async (skynet: Skynet) => {
    const listener = await skynet.socket.listen({ port: 7000 })
    skynet.fork(async () => {
      for await (const connection of listener) {
        skynet.fork(async () => {
          for await (const line of connection.lines()) {
            if (isBusy) spin()
            heard.push(line)
          }
        })
      }
    })
  })
  await node.launch(prize)
  const clients = await Promise.all([1, 2, 3, 4].map(() => node.connect(7000)))
  for (const round of [1, 2]) clients.forEach((each, i) => void each.write(`${i}${round}\n`))
  await node.settled()
  for (const round of [3, 4]) {
    for (const [i, each] of clients.entries()) {
      each.write(`${i}${round}\n`)
      await each.drain()
    }
  }
  await node.settled()
  for (const i of [0, 1, 2, 3]) {
    const own = heard.filter((line) => line.startsWith(`${i}`))
    assert.deepEqual(own, [`${i}1`, `${i}2`, `${i}3`, `${i}4`], 'bytes of one stay in order')
  }
  return heard.join()
}

test('received() that cannot tell leaves what comes to the next read', async () => {
  await using node = await testNode()
  const [far, near] = await pairOn(node)
  const settling = () => () => Promise.reject(new Error('it cannot settle'))
  const client = new TestClient(near, { localAddress: () => '', clock: undefined, settling })
  await assert.rejects(client.received(), /it cannot settle/)
  far.write('a')
  assert.equal(text(await client.read()), 'a')
})

test('lines() of a client go to the end; leaving them closes', async () => {
  await using node = await testNode()
  for (const isLeft of [false, true]) {
    const [client, far] = await pairOn(node)
    far.write('one\r\ntwo\nthree')
    if (!isLeft) far.end()
    const heard: string[] = []
    for await (const line of client.lines({ max: 10 })) {
      heard.push(line)
      if (isLeft && heard.length === 2) break
    }
    assert.deepEqual(heard, isLeft ? ['one', 'two'] : ['one', 'two', 'three'])
    assert.equal(client.isOpen, false)
  }
})

// Proves: docs/testing.md#seed
test('a seed chooses which socket gets its turn, the same way each time', async () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const outcome = await race(seed)
    assert.equal(await race(seed), outcome, `seed ${seed}`)
    outcomes.add(outcome)
  }
  assert.ok(outcomes.size > 5, `${outcomes.size} orders`)
  assert.equal(await race(), await race())
  for (const seed of [undefined, 0, 1, 2]) {
    assert.equal(await race(seed, true), await race(seed), `seed ${seed}, on a busy machine`)
  }
})

// Proves: docs/testing.md#settled
test('settled() waits until the network has nothing to do', async () => {
  await using node = await testNode()
  const [client, far] = await pairOn(node)
  let count = 0
  node.skynet.fork(async () => {
    for await (const chunk of far) count += chunk.length
  })
  client.write(Buffer.alloc(3_000_000))
  await node.settled()
  assert.equal(count, 3_000_000)
})

// Proves: docs/testing.md#test-net-end
test('a client of a node that has stopped is told so', async () => {
  const node = await testNode()
  const [client] = await pairOn(node)
  const reading = assert.rejects(client.read(), { code: 'ERR_SERVICE_EXITED' })
  await node.stop()
  await reading
  assert.throws(() => client.write('x'), { code: 'ERR_SOCKET_CLOSED' })
  assert.throws(() => node.connection(), { code: 'ERR_SERVICE_EXITED' })
  await assert.rejects(node.connect(7000), { code: 'ERR_SERVICE_EXITED' })
  assert.deepEqual(node.listeners, [])
  await client.close()
})

test('the slots of a testNode have a limit, too', { timeout: 60_000 }, async () => {
  await using node = await testNode()
  assert.throws(
    () => {
      for (;;) node.connection()
    },
    { code: 'ERR_SOCKET_LIMIT' },
  )
})
