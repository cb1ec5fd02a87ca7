/** Ends of sessions and connections: who goes, who comes back, who stays. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import { SESSION_SEND_BYTES_DEFAULT, SESSION_SEND_MARK_BYTES } from '../base/limits.ts'
import { testNode } from '../testing/test-node.ts'
import { defineAgent } from './define-agent.ts'
import { checkSessionGate } from './gate-options.ts'
import { game, gateOf, recorder, TestUser, type Told } from './session.kit.ts'
import type { Session } from './session.ts'
import { badMessage } from './told-errors.ts'

// Proves: docs/session.md#drain-gate
test('who is sent away comes back, also when nobody wants that to take a while', async () => {
  await using node = await testNode()
  const { gate, port } = await gateOf(node, await node.launch(recorder([])))
  const ann = new TestUser(node, port)
  await ann.call('add', 1)
  await gate.call.drain({ jitterMs: 0 })
  await ann.until(({ states }) => states.some((state) => state.endsWith(': drain')))
  assert.ok(!ann.states.includes('closed: drain'))
  ann.core.close()
})

test('who gets no session does not end the one that his user has', async () => {
  await using node = await testNode()
  let go!: (value?: unknown) => void
  const slow = new Promise((resolve) => {
    go = resolve
  })
  let logins = 0
  const agent = await node.launch(recorder([]))
  const { gate, port } = await gateOf(node, agent, {
    login: async () => {
      if (++logins === 2) await slow
      return { user: 'hold', agent }
    },
  })
  const first = new TestUser(node, port)
  await first.call('add', 0)
  const second = new TestUser(node, port)
  await second.state('greeting')
  await node.settled()
  gate.call.drain({ jitterMs: 5 }).catch(() => {})
  await node.settled()
  go()
  await second.until(({ reason }) => reason?.code === 'drain')
  assert.deepEqual(await first.call('add', 1), { value: 2 })
  agent.send.letGo()
  await node.settled()
  first.core.close()
  second.core.close()
})

test('a connection that is read no further is forgotten once there is another', async () => {
  await using node = await testNode()
  const agent = await node.launch(recorder([]))
  const { gate, port } = await gateOf(node, agent, {
    perAddress: { connections: 3, opensPerSecond: 0 },
  })
  const ann = new TestUser(node, port)
  await ann.state('open')
  for (let i = 0; i < 3; i++) void ann.call('wait', `${i}${'x'.repeat(60_000)}`)
  await node.settled()
  for (let i = 0; i < 20; i++) {
    ann.cut()
    await ann.until(({ core }) => core.state !== 'open')
    await ann.state('open')
    await node.settled()
  }
  const { closed, resumed } = await gate.call.stat()
  assert.deepEqual([closed.address, resumed], [0, 20])
  ann.core.close()
})

// Proves: docs/session.md#gate-ends
test('a gate ends: its agents hear of each session, and who waits for one as well', async () => {
  await using node = await testNode()
  const told: Told = []
  const sessions: Session<typeof game>[] = []
  const agent = await node.launch(recorder(told, sessions))
  const never = await node.launch(
    defineAgent(game, () => ({
      calls: { add: () => 0, say: () => {}, wait: () => '' },
      joined: () => new Promise(() => {}),
    })),
  )
  const first = await gateOf(node, agent)
  const other = await gateOf(node, agent)
  const ann = new TestUser(node, first.port)
  const bob = new TestUser(node, other.port, { name: 'bob' })
  for (const user of [ann, bob]) await user.call('add', 1)
  const session = sessions.find(({ user }) => user === 'ann')!
  session.push('at', 1)
  const asked = [session.drain(), session.attach(never)]
  const outcomes = Promise.allSettled(asked)
  await node.settled()
  await node.skynet.kill(first.gate.handle)
  for (const outcome of await outcomes) {
    assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'ERR_SESSION_OVER')
  }
  assert.deepEqual(
    [session.isOver, session.isConnected, session.push('at', 2)],
    [true, false, false],
  )
  await node.settled()
  assert.deepEqual(
    told.filter(([what]) => what === 'left'),
    [['left', 'ann', 'node']],
  )
  assert.deepEqual(await bob.call('add', 1), { value: 2 })
  for (const user of [ann, bob]) user.core.close()
})

test('a message of messageBytesMax has room: nobody goes for one that is as long', () => {
  const given = { listen: [{ kind: 'test', open() {} }], login() {} }
  const plain = checkSessionGate(given)
  assert.equal(plain.sendLimitBytes, SESSION_SEND_BYTES_DEFAULT)
  assert.equal(plain.sendMarkBytes, SESSION_SEND_MARK_BYTES)
  for (const limits of [{ messageBytesMax: 4_194_304 }, { sendLimitBytes: 70_000 }]) {
    const gate = checkSessionGate({ ...given, ...limits })
    assert.ok(gate.sendMarkBytes + gate.messageBytesMax <= gate.sendLimitBytes)
    assert.ok(gate.pushBytesMax >= gate.messageBytesMax)
  }
})

// Proves: docs/session.md#errors
test('what a codec throws is not told to clients, but what is wrong with a message is', () => {
  const error = new SkynetError('ERR_CODEC', { codec: 'json', at: '', reason: 'cut' })
  assert.deepEqual(badMessage(error), ['ERR_CODEC', error.message])
  const secret = badMessage(new TypeError('cannot open /etc/secret'))
  assert.deepEqual(secret, ['ERR_MESSAGE_INVALID', 'The message cannot be read'])
})
