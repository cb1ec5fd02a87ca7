import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testNode } from '../testing/test-node.ts'
import { defineAgent } from './define-agent.ts'
import { game, gateOf, recorder, TestUser, type Told } from './session.kit.ts'
import type { Session } from './session.ts'

test('a client logs in, calls, is told events, and leaves', async () => {
  await using node = await testNode()
  const told: Told = []
  const agent = await node.launch(recorder(told))
  const { gate, port } = await gateOf(node, agent, {
    login: (_skynet, { name }, { transport, address }) => {
      assert.equal(transport, 'tcp')
      assert.match(address, /^127\.0\.0\.1:\d+$/)
      return { user: name, agent, data: { from: 'login' } }
    },
  })
  assert.deepEqual(
    node.log.all.map(({ text }) => text),
    [`gate: clients come in by tcp at 127.0.0.1:${port}`],
  )
  const ann = new TestUser(node, port)
  assert.deepEqual(await ann.call('add', 4), { value: 5 })
  assert.deepEqual(await ann.call('say', 'hi'), { value: undefined })
  await ann.until(({ events }) => events.length === 1)
  assert.deepEqual(ann.events, [['said', 'ann: hi']])
  const { sessions, admitted, agents, strangers } = await gate.call.stat()
  assert.deepEqual([sessions, admitted, agents, strangers], [1, 1, 1, 0])
  ann.core.close()
  await node.settled()
  assert.deepEqual(told, [
    ['joined', 'ann', { from: 'login' }],
    ['add', 'ann', 4],
    ['say', 'ann', 'hi'],
    ['left', 'ann', 'bye'],
  ])
  assert.deepEqual(
    { ...(await gate.call.stat()), closed: undefined },
    {
      ...{
        sessions: 0,
        connections: 0,
        strangers: 0,
        logins: 0,
        agents: 0,
        entered: 1,
        admitted: 1,
      },
      ...{ resumed: 0, lost: 0, expired: 0, answersGone: 0, pushesReplaced: 0, closed: undefined },
    },
  )
})

// Proves: docs/session.md#errors
test('a client is told what is wrong with its calls, and nothing of the inside', async () => {
  await using node = await testNode()
  const { port } = await gateOf(node, await node.launch(recorder([])))
  const ann = new TestUser(node, port)
  const ended = { code: 'ERR_HANDLER', text: 'The server has failed to answer' }
  assert.deepEqual(await ann.call('say', 'throw'), ended)
  assert.match(node.log.all.map(({ text }) => text).join(), /call say of ann failed: .*secret/s)
  assert.deepEqual(await ann.call('say', 'fault'), { code: 'no', text: 'not that' })
  const invalid = await ann.call('add', 'four')
  assert.deepEqual(invalid, {
    code: 'ERR_MESSAGE_INVALID',
    text: "Cannot take message 'add' for its value: it is no number",
  })
  for (const name of ['fly', '', 'toString', '__proto__', 'constructor']) {
    const unknown = { code: 'ERR_METHOD_UNKNOWN', text: `There is no call '${name}'` }
    assert.deepEqual(await ann.call(name), unknown)
  }
  assert.deepEqual(await ann.call('add', 1), { value: 2 })
})

// Proves: docs/session.md#order
test('what an agent answers and pushes arrives in the order in which it did that', async () => {
  await using node = await testNode()
  let session: Session<typeof game> | undefined
  const agent = await node.launch(
    defineAgent(game, (skynet) => ({
      calls: {
        add: (session, n) => {
          session.push('at', n)
          skynet.fork(() => session.push('at', n + 0.5))
          return n
        },
        say: () => {},
        wait: (_session, text) => text,
      },
      joined: (joined) => {
        session = joined
        joined.push('said', 'welcome')
      },
    })),
  )
  const { port } = await gateOf(node, agent)
  const ann = new TestUser(node, port)
  const seen: unknown[] = []
  const all = Array.from({ length: 50 }, async (_, i) => {
    const outcome = await ann.call('add', i)
    seen.push(outcome, ann.events.length)
  })
  await Promise.all(all)
  await ann.until(({ events }) => events.length === 101)
  assert.deepEqual(ann.events[0], ['said', 'welcome'])
  for (let i = 0; i < 50; i++) {
    assert.deepEqual(seen[2 * i], { value: i })
    // The one in front of the answer is there, the one behind it is not.
    assert.ok(ann.events.findIndex(([, at]) => at === i) < (seen[2 * i + 1] as number))
    assert.ok(ann.events.findIndex(([, at]) => at === i + 0.5) >= 2 * i + 2)
  }
  assert.equal(session?.isConnected, true)
})
