import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientTransportSuite, type TransportCase } from '../../skynet/client-transport.suite.ts'
import type { ClientDoor } from '../../skynet/client-transport.ts'
import { type TestNode, testNode } from '../../testing/test-node.ts'
import { connectKcp } from './connect.ts'
import { HalfConversation } from './half.kit.ts'
import { type KcpTransportOptions, kcp } from './kcp.ts'

const OPTIONS = { host: '127.0.0.1', port: 0 }

const caseOf = (node: TestNode): TransportCase => ({
  open: (door) => kcp(OPTIONS).open(node.skynet, door),
  connect: ({ port }) => connectKcp(node.skynet, { port, timeoutMs: 2500 }),
  begin: ({ port }) => HalfConversation.begin(node.skynet, port),
  stopping: node,
})

// Proves: docs/kcp.md#gate
clientTransportSuite(
  'kcp():',
  (title, body) => {
    test(title, { timeout: 60_000 }, async () => {
      await using node = await testNode()
      await body(caseOf(node))
    })
  },
  { begins: true, stops: true },
)

const door = (messageBytesMax: number): ClientDoor => ({
  messageBytesMax,
  sendLimitBytes: 1000,
  knock: () => undefined,
})

test('kcp() opens only when a message fits into its segments', async () => {
  await using node = await testNode()
  const longest = 127 * (1200 - 9 - 24)
  await using _fits = await kcp(OPTIONS).open(node.skynet, door(longest))
  await assert.rejects(async () => kcp(OPTIONS).open(node.skynet, door(longest + 1)), RangeError)
})

test('kcp() refuses options that are wrong, and names them', () => {
  const wrong = (options: object, name: RegExp): void =>
    assert.throws(() => kcp(options as KcpTransportOptions), name)
  wrong([], /'options' must be a plain object/)
  wrong({ prot: 1 }, /option 'prot'.*did you mean 'port'/)
  wrong({ port: 1, messageBytesMax: 1 }, /'messageBytesMax' must be said to the gate/)
  wrong({ port: 1, mtu: 575 }, /'mtu' must be a whole number in 576..1472/)
  wrong({ port: 1, noDelay: 3 }, /'noDelay' must be 0, 1 or 2/)
  wrong({ port: 1, receiveWindow: 127 }, /'receiveWindow' must be a whole number in 128..1024/)
  wrong({ port: 1, keepAliveMs: 999 }, /'keepAliveMs'/)
  wrong({ port: 1, bare: {} }, /'bare.conv'/)
  wrong({ port: 1, bare: { con: 1 } }, /option 'con'.*did you mean 'conv'/)
  wrong({ port: 1, congestionControl: 1 }, /'congestionControl' must be true or false/)
})
