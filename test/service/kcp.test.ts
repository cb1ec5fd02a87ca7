/** KCP over real sockets: a network that loses, a client that moves, a server that ends. */
import assert from 'node:assert/strict'
import type { Skynet } from 'skynet-ts'
import { connectKcp, type KcpStream, listenKcp } from 'skynet-ts/kcp'
import { Relay } from '../../src/transport/kcp/relay.kit.ts'
import type echo from '../fixtures/kcp-echo.ts'
import { serviceTest } from '../support/run.ts'
import { below, seeded } from '../support/seed.ts'
import { until } from '../support/until.ts'

const HOST = '127.0.0.1'
const here = import.meta.url

interface Ends {
  readonly server: KcpStream
  readonly client: KcpStream
  readonly relay: Relay
}

async function open(skynet: Skynet): Promise<Ends> {
  const listener = await listenKcp(skynet, { host: HOST, port: 0 })
  const relay = await Relay.start(skynet, listener.port)
  const connecting = connectKcp(skynet, { port: relay.port })
  const [client, server] = await Promise.all([connecting, listener.accept()])
  return { client, server: server!, relay }
}

const messageOf = (number: number): Buffer => Buffer.alloc((number * 37) % 3000, number)

async function exchange(from: KcpStream, to: KcpStream, count: number): Promise<void> {
  for (let i = 0; i < count; i++) from.send(messageOf(i))
  for (let i = 0; i < count; i++) assert.deepEqual(await to.receive(), messageOf(i), `number ${i}`)
}

for (const lost of [10, 20]) {
  // Proves: docs/kcp.md#lossy
  serviceTest(here, `${lost} % lost each way: all arrives, whole, in order`, async (skynet) => {
    const { server, client, relay } = await open(skynet)
    const random = seeded(lost)
    relay.fate = () => (below(random, 100) < lost ? 0 : below(random, 100) < 5 ? 2 : 1)
    await Promise.all([exchange(client, server, 200), exchange(server, client, 200)])
    assert.ok(client.resent + server.resent > 0)
    await Promise.all([client.close(1000, 'done'), relay[Symbol.asyncDispose]])
    assert.equal(await server.receive(), null)
    assert.deepEqual([server.closeCode, server.closeReason], [1000, 'done'])
  })
}

// Proves: docs/kcp.md#move
serviceTest(here, 'a client that gets another address keeps its stream', async (skynet) => {
  const { server, client, relay } = await open(skynet)
  await exchange(client, server, 10)
  const before = server.remoteAddress
  await relay.move()
  await Promise.all([exchange(client, server, 50), exchange(server, client, 50)])
  assert.notEqual(server.remoteAddress, before)
  await client.close()
})

// Proves: docs/kcp.md#close
serviceTest(here, 'a service that ends tells its clients', async (skynet) => {
  const server = await skynet.newService<typeof echo>('../fixtures/kcp-echo.ts', { on: 1 })
  const stream = await connectKcp(skynet, { port: await server.call.port() })
  stream.send('there?')
  assert.equal(String(await stream.receive()), 'there?')
  server.send.exit()
  assert.equal(await stream.receive(), null)
  assert.equal(stream.isOpen, false)
})

// Proves: docs/kcp.md#refused
serviceTest(here, 'who cannot connect is told why, and leaves no socket', async (skynet) => {
  const sockets = (): number => skynet.socket.netstat().length
  const before = sockets()
  const refused = { code: 'ERR_CONNECT' }
  const listener = await listenKcp(skynet, { host: HOST, port: 0, maxConnections: 1 })
  const { port } = listener
  const client = await connectKcp(skynet, { port })
  await listener.accept()
  await assert.rejects(connectKcp(skynet, { port }), { ...refused, message: /it is full/ })
  await listener.close()
  await assert.rejects(connectKcp(skynet, { port }), { ...refused, message: /lets nobody in/ })
  await client.close()
  await assert.rejects(connectKcp(skynet, { port: 9, timeoutMs: 20 }), {
    code: 'ERR_SOCKET_TIMEOUT',
  })
  const gone = AbortSignal.abort()
  await assert.rejects(connectKcp(skynet, { port: 9, signal: gone }), { code: 'ABORT_ERR' })
  await assert.rejects(connectKcp(skynet, { host: 'no.such.host.invalid', port: 9 }), refused)
  await until('all sockets are closed', () => sockets() === before)
})

// Proves: docs/limits.md#kcp-held
serviceTest(here, 'while the thread is held nobody is silent', async (skynet) => {
  const times = { idleTimeoutMs: 1500, keepAliveMs: 1000 }
  const listener = await listenKcp(skynet, { host: HOST, port: 0, ...times })
  const client = await connectKcp(skynet, { port: listener.port })
  const server = (await listener.accept())!
  await exchange(client, server, 5)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2200)
  await skynet.sleep(50)
  assert.deepEqual([client.isOpen, server.isOpen], [true, true])
  await Promise.all([exchange(client, server, 5), exchange(server, client, 5)])
})

serviceTest(here, 'a listener closes its socket with its last stream', async (skynet) => {
  await using listener = await listenKcp(skynet, { host: HOST, port: 0 })
  const { port } = listener
  const stream = await connectKcp(skynet, { port })
  const accepted = (await listener.accept())!
  await listener.close()
  assert.equal(await listener.accept(), null)
  const taken = { code: 'ERR_BIND' }
  await assert.rejects(skynet.socket.udpListen({ host: HOST, port }), taken)
  await Promise.all([stream.close(), accepted.close()])
  await until('the port is free', async () => {
    try {
      await (await skynet.socket.udpListen({ host: HOST, port })).close()
      return true
    } catch {
      return false
    }
  })
})

serviceTest(here, 'what is sent beyond sendLimitBytes fails the stream', async (skynet) => {
  const listener = await listenKcp(skynet, { host: HOST, port: 0 })
  const client = await connectKcp(skynet, { port: listener.port, sendLimitBytes: 100_000 })
  const server = (await listener.accept())!
  assert.throws(() => client.send(Buffer.alloc(65_537)), { code: 'ERR_FRAME_TOO_LARGE' })
  assert.equal(client.send(Buffer.alloc(60_000)), true)
  assert.equal(client.send(Buffer.alloc(60_000)), false)
  await assert.rejects(client.receive(), {
    code: 'ERR_SOCKET_FAILED',
    message: /120000 bytes wait to be sent, the limit is 100000/,
  })
  assert.throws(() => client.send('x'), { code: 'ERR_SOCKET_CLOSED' })
  await assert.rejects(server.receive(), { code: 'ERR_SOCKET_FAILED', message: /not all of it/ })
})
