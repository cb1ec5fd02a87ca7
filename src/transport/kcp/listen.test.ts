/** What a listener of KCP is told, and what its clients do by it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../testing/fake-clock.ts'
import { testNode } from '../../testing/test-node.ts'
import { connectKcp } from './connect.ts'
import { listenKcp } from './listen.ts'

// Proves: docs/kcp.md#idle
test('who is quiet pings in time, however short the silence may be', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const place = { host: '127.0.0.1', port: 0 }
  const listener = await listenKcp(node.skynet, { ...place, idleTimeoutMs: 10_000 })
  const client = await connectKcp(node.skynet, { port: listener.port })
  client.send('here')
  const server = (await listener.accept())!
  assert.equal(String(await server.receive()), 'here')
  for (let i = 0; i < 600; i++) {
    await clock.advance(100)
    await node.settled()
  }
  assert.deepEqual([client.isOpen, server.isOpen], [true, true])
})

test('listenKcp() refuses what is no flag', async () => {
  await using node = await testNode()
  const wrong = { port: 0, listenWhileStopping: 1 as unknown as boolean }
  assert.throws(() => listenKcp(node.skynet, wrong), /'listenWhileStopping' must be true or false/)
})
