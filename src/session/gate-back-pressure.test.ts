/** What a gate keeps of what its clients ask, and what it does with those who ask for more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SESSION_REQUEST_BYTES_MAX } from '../base/limits.ts'
import { clientProtocol } from '../client/client-protocol.ts'
import { testNode } from '../testing/test-node.ts'
import { defineAgent } from './define-agent.ts'
import { defineGate } from './define-gate.ts'
import { game, gateOf, TestUser } from './session.kit.ts'
import { tcp } from './tcp.ts'

// Proves: docs/session.md#back-pressure
test('a call that the protocol has not is answered by the gate: nobody is asked', async () => {
  await using node = await testNode()
  const agent = await node.launch(
    defineAgent(game, () => ({
      calls: { add: () => 0, say: () => {}, wait: () => '' },
      // What may be asked waits for this, and is kept meanwhile.
      joined: () => new Promise(() => {}),
    })),
  )
  const { port } = await gateOf(node, agent)
  const ann = new TestUser(node, port)
  await ann.state('open')
  const name = 'x'.repeat(20_000)
  // More of them than may be open at once.
  for (let i = 0; i < 80; i++) {
    assert.deepEqual(await ann.call(name), {
      code: 'ERR_METHOD_UNKNOWN',
      text: `There is no call '${'x'.repeat(64)}'`,
    })
  }
  ann.send('toString')
  await node.settled()
  assert.equal(ann.core.callCount, 0)
  const asked = node.sent.all.filter(({ args }) => args[0] === 'session' && args[1] === 'request')
  assert.equal(asked.length, 0)
})

// Proves: docs/session.md#back-pressure
// Proves: docs/limits.md#session-requests
test('the names of requests count, too: whoever asks much is read no further', async () => {
  await using node = await testNode()
  const name = 'n'.repeat(10_000)
  const long = clientProtocol({ calls: { [name]: {} } })
  let asked = 0
  let answer!: (value?: unknown) => void
  const answered = new Promise<void>((resolve) => {
    answer = () => resolve()
  })
  const agent = await node.launch(
    defineAgent(long, () => ({
      calls: {
        [name]: () => {
          asked++
          return answered as never
        },
      },
    })),
  )
  const gate = await node.launch(
    defineGate(long, {
      listen: tcp({ host: '127.0.0.1', port: 0 }),
      login: () => ({ user: 'ann', agent }),
    }),
  )
  const [place] = await gate.call.places()
  const ann = new TestUser(node, place!.port)
  await ann.state('open')
  const calls = Array.from({ length: 40 }, () => ann.call(name))
  await node.settled()
  assert.equal(asked, Math.ceil(SESSION_REQUEST_BYTES_MAX / name.length))
  answer()
  for (const call of calls) assert.deepEqual(await call, { value: undefined })
  assert.equal(asked, 40)
})
