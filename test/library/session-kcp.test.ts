/** Sessions over KCP, in one thread. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeWire,
  encodeWire,
  FROM_CLIENT,
  FROM_SERVER,
  type FromClient,
} from '../../src/client/wire.ts'
import { defineAgent } from '../../src/session/define-agent.ts'
import { game, gateOf } from '../../src/session/session.kit.ts'
import { testNode } from '../../src/testing/test-node.ts'
import { connectKcp } from '../../src/transport/kcp/connect.ts'
import { kcp } from '../../src/transport/kcp/kcp.ts'

// Proves: docs/kcp.md#small-packets
test('a session whose client cannot be told something ends: nobody waits for it', async () => {
  await using node = await testNode()
  const wait = (): string => 'x'.repeat(80_000)
  const calls = { add: () => 1, say: () => {}, wait }
  const agent = await node.launch(defineAgent(game, () => ({ calls })))
  const options = { listen: kcp({ host: '127.0.0.1', port: 0 }), messageBytesMax: 100_000 }
  const { port } = await gateOf(node, agent, options)
  await using client = await connectKcp(node.skynet, { port, mtu: 576, messageBytesMax: 68_000 })
  const say = (message: FromClient): unknown => client.send(encodeWire(FROM_CLIENT, message))
  const heard = async () => decodeWire(FROM_SERVER, (await client.receive())!)
  const token = new Uint8Array(0)
  const progress = { pushesUpTo: 0, answersUpTo: 0 }
  const login = Buffer.from('{"name":"bob"}')
  say({ kind: 'hello', version: 1, attempt: 1, token, ...progress, login })
  assert.equal((await heard()).kind, 'welcome')
  say({ kind: 'request', number: 1, flags: 0, name: 'wait', body: Buffer.from('"x"') })
  const { kind, code } = (await heard()) as { kind: string; code?: string }
  assert.deepEqual([kind, code], ['close', 'size'])
})
