/** Bare KCP: no handshake, no end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testNode } from '../../testing/test-node.ts'
import { connectKcp } from './connect.ts'
import { listenKcp } from './listen.ts'

const HOST = '127.0.0.1'
const bare = { conv: 0x11223344 }

// Proves: docs/kcp.md#bare
test('bare KCP at both ends: packets are segments and nothing else', async () => {
  await using node = await testNode()
  const { skynet } = node
  const listener = await listenKcp(skynet, { host: HOST, port: 0, bare })
  const spy = await skynet.socket.udpDial({ host: HOST, port: listener.port })
  const clients = await Promise.all(
    [1, 2].map(() => connectKcp(skynet, { port: listener.port, bare })),
  )
  for (const [i, client] of clients.entries()) client.send(`hello of ${i}`)
  const streams = [(await listener.accept())!, (await listener.accept())!]
  for (const stream of streams) stream.send(`${await stream.receive()}, back`)
  assert.equal(String(await clients[0]!.receive()), 'hello of 0, back')
  assert.equal(String(await clients[1]!.receive()), 'hello of 1, back')
  // What begins no conversation makes none.
  for (const packet of ['', 'x'.repeat(24), Buffer.alloc(24)]) spy.send(packet)
  clients[0]!.send('more')
  const [first] = streams
  assert.equal(String(await first!.receive()), 'more')
  assert.equal(listener.stat.connections, 2)
  assert.ok(listener.stat.unknown > 0)
})

test('bare KCP knows no end: what was sent arrives before close() resolves', async () => {
  await using node = await testNode()
  const { skynet } = node
  const listener = await listenKcp(skynet, { host: HOST, port: 0, bare, idleTimeoutMs: 500 })
  const client = await connectKcp(skynet, { port: listener.port, bare })
  client.send(Buffer.alloc(50_000, 1))
  await client.close(1000, 'nobody hears this')
  const stream = (await listener.accept())!
  assert.equal((await stream.receive())!.length, 50_000)
  await assert.rejects(stream.receive(), {
    code: 'ERR_SOCKET_FAILED',
    message: /silent for 500 ms/,
  })
  assert.equal(client.isOpen, false)
})

test('a server of bare KCP takes as many as it may', async () => {
  await using node = await testNode()
  const { skynet } = node
  const listener = await listenKcp(skynet, { host: HOST, port: 0, bare, maxConnections: 1 })
  const [one, two] = await Promise.all([
    connectKcp(skynet, { port: listener.port, bare }),
    connectKcp(skynet, { port: listener.port, bare }),
  ])
  one.send('in')
  const stream = (await listener.accept())!
  two.send('out')
  one.send('still in')
  assert.equal(String(await stream.receive()), 'in')
  assert.equal(String(await stream.receive()), 'still in')
  assert.equal(listener.stat.connections, 1)
})
