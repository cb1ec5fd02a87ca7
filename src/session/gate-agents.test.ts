/** What becomes of sessions whose agents end, are slow, or hand them on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SESSION_REQUEST_BYTES_MAX } from '../base/limits.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import { ClientFault } from './client-fault.ts'
import { defineAgent } from './define-agent.ts'
import { game, gateOf, recorder, TestUser, type Told } from './session.kit.ts'
import type { Session } from './session.ts'

// Proves: docs/session.md#agent-ends
test('an agent ends: what is under way fails, and its sessions end', async () => {
  await using node = await testNode()
  const agent = await node.launch(recorder([]))
  const other = await node.launch(recorder([]))
  const { gate, port } = await gateOf(node, agent, {
    login: (_skynet, { name }) => ({ user: name, agent: name === 'bob' ? other : agent }),
  })
  const ann = new TestUser(node, port)
  const bob = new TestUser(node, port, { name: 'bob' })
  const call = ann.call('wait', 'x')
  assert.deepEqual(await bob.call('add', 1), { value: 2 })
  await node.settled()
  await node.skynet.kill(agent.handle)
  assert.deepEqual(await call, { code: 'ERR_CALL_DEAD', text: 'Who should answer has ended' })
  await ann.until(({ states }) => states.some((state) => state.includes('agent')))
  assert.deepEqual(await bob.call('add', 1), { value: 2 })
  await node.settled()
  const { sessions, agents, closed } = await gate.call.stat()
  assert.deepEqual([sessions, agents], [1, 1])
  assert.ok(closed.agent >= 1)
})

// Proves: docs/session.md#agent-ends
test('a login that gives an agent that is gone ends with its code', async () => {
  await using node = await testNode()
  const agent = await node.launch(recorder([]))
  const { gate, port } = await gateOf(node, agent)
  await node.skynet.kill(agent.handle)
  const ann = new TestUser(node, port)
  await ann.until(({ states }) => states.some((state) => state.endsWith(': agent')))
  ann.core.close()
  await node.settled()
  const { sessions, agents } = await gate.call.stat()
  assert.deepEqual([sessions, agents], [0, 0])
})

test('joined() that throws ends the session; what a ClientFault says is told', async () => {
  await using node = await testNode()
  const agent = await node.launch(
    defineAgent(game, () => ({
      calls: { add: (_session, n) => n, say: () => {}, wait: (_session, text) => text },
      async joined({ user }) {
        await Promise.resolve()
        throw user === 'ann' ? new ClientFault('full', 'The room is full') : new Error('inside')
      },
    })),
  )
  const { gate, port } = await gateOf(node, agent)
  for (const [name, text] of [
    ['ann', 'The room is full'],
    ['bob', 'The server has failed to answer'],
  ] as const) {
    const user = new TestUser(node, port, { name })
    await user.until(({ reason }) => reason?.code === 'agent')
    assert.equal(user.reason?.text, text)
    user.core.close()
  }
  await node.settled()
  assert.equal((await gate.call.stat()).sessions, 0)
  assert.match(node.log.all.map(({ text }) => text).join(), /joined of an agent: .*inside/s)
})

/** An agent whose `joined` ends as it is told. */
async function slowAgent(node: TestNode) {
  let join!: () => void
  let refuse!: (error: Error) => void
  const joined = new Promise<void>((resolve, reject) => {
    join = resolve
    refuse = reject
  })
  const sessions: Session<typeof game>[] = []
  const agent = await node.launch(
    defineAgent(game, () => ({
      calls: { add: (_session, n) => n, say: () => {}, wait: (_session, text) => text },
      joined(session) {
        sessions.push(session)
        return joined
      },
    })),
  )
  const kill = (): Promise<boolean> => node.skynet.kill(agent.handle)
  return { agent, sessions, join, refuse, kill }
}

type SlowAgent = Awaited<ReturnType<typeof slowAgent>>

/** How a session comes to be nobody's while a request of its client waits at the gate. */
const FORSAKEN: Readonly<Record<string, (agent: SlowAgent) => unknown>> = {
  'the agent ends': ({ kill }) => kill(),
  'the agent refuses it': ({ refuse }) => refuse(new Error('not you')),
}

for (const [how, act] of Object.entries(FORSAKEN)) {
  // Proves: docs/session.md#agent-ends
  test(`what waits for 'joined' has not run, and is told so: ${how}`, async () => {
    await using node = await testNode()
    const slow = await slowAgent(node)
    const { port } = await gateOf(node, slow.agent)
    const ann = new TestUser(node, port)
    await ann.state('open')
    const call = ann.call('add', 1)
    await node.settled()
    await act(slow)
    assert.deepEqual(await call, { code: 'ERR_CALL_DEAD', text: 'Who should answer has ended' })
  })

  // Proves: docs/session.md#agent-ends
  test(`what waits for a hand-over is told so when both are gone: ${how}`, async () => {
    await using node = await testNode()
    const [from, to] = [await slowAgent(node), await slowAgent(node)]
    from.join()
    const { port } = await gateOf(node, from.agent)
    const ann = new TestUser(node, port)
    assert.deepEqual(await ann.call('add', 1), { value: 1 })
    from.sessions[0]!.attach(to.agent).catch(() => {})
    await node.settled()
    const call = ann.call('add', 2)
    await node.settled()
    await from.kill()
    await act(to)
    assert.deepEqual(await call, { code: 'ERR_CALL_DEAD', text: 'Who should answer has ended' })
  })
}

// Proves: docs/session.md#lost-on-the-way
test('what an agent has said is missed: its sessions end, and no more counts', async () => {
  await using node = await testNode()
  let session!: Session<typeof game>
  let lose!: (count: number) => void
  const agent = await node.launch(
    defineAgent(game, (skynet) => {
      lose = (count) => {
        const [line, key] = [1, 1]
        const body = Buffer.from('7')
        skynet.send(gate.handle, 'session', line, count, 'push', key, 'at', body, undefined)
      }
      return {
        calls: { add: (_session, n) => n, say: () => {}, wait: () => '' },
        joined(joined) {
          session = joined
        },
      }
    }),
  )
  const { gate, port } = await gateOf(node, agent)
  const ann = new TestUser(node, port)
  await ann.call('add', 1)
  // It goes on to another one, which would not mend it.
  const room = await node.launch(
    defineAgent(game, () => ({
      calls: { add: () => 0, say: () => {}, wait: () => '' },
      joined: () => new Promise(() => {}),
    })),
  )
  session.attach(room).catch(() => {})
  lose(1)
  await node.settled()
  assert.deepEqual(ann.events, [['at', 7]])
  assert.equal((await gate.call.stat()).agents, 2)
  lose(3)
  lose(4)
  await ann.until(({ states }) => states.some((state) => state.endsWith(': node')))
  assert.deepEqual(ann.events, [['at', 7]])
  ann.core.close()
  await node.settled()
  assert.equal((await gate.call.stat()).agents, 0)
})

// Proves: docs/session.md#hand-over
test('a session is handed over: what comes waits, what runs is answered', async () => {
  await using node = await testNode()
  const told: Told = []
  const room = await node.launch(recorder(told))
  const sessions: Session<typeof game>[] = []
  const lobbyTold: Told = []
  const lobby = await node.launch(recorder(lobbyTold, sessions))
  const { gate, port } = await gateOf(node, lobby)
  const ann = new TestUser(node, port)
  const waits = ann.call('wait', 'before')
  assert.deepEqual(await ann.call('add', 0), { value: 1 })
  const [session] = sessions
  const calls = Array.from({ length: 40 }, (_, i) => ann.call('add', i))
  const handed = session!.attach(room, { door: 7 })
  assert.equal(session!.isOver, false)
  const more = Array.from({ length: 10 }, (_, i) => ann.call('add', 40 + i))
  await handed
  assert.equal(session!.isOver, true)
  assert.equal(session!.push('at', 1), false)
  const outcomes = await Promise.all([...calls, ...more])
  assert.deepEqual(
    outcomes,
    Array.from({ length: 50 }, (_, i) => ({ value: i + 1 })),
  )
  lobby.send.go('before')
  assert.deepEqual(await waits, { value: 'before' })
  // In order, and each at one of the two.
  const added = [...lobbyTold, ...told].filter(([what]) => what === 'add').map(([, , n]) => n)
  assert.deepEqual(added, [0, ...Array.from({ length: 50 }, (_, i) => i)])
  assert.ok(told.length > 1, 'the room has got some')
  assert.deepEqual(told[0], ['joined', 'ann', { door: 7 }])
  assert.equal(
    lobbyTold.some(([what]) => what === 'left'),
    false,
  )
  await node.settled()
  assert.equal((await gate.call.stat()).agents, 1)
  await assert.rejects(session!.attach(lobby), { code: 'ERR_SESSION_OVER' })
  // The former agent has nothing to do with it any more.
  await node.skynet.kill(lobby.handle)
  assert.deepEqual(await ann.call('add', 99), { value: 100 })
})

// Proves: docs/session.md#hand-over
test('attach() with what cannot be sent costs nobody a session', async () => {
  await using node = await testNode()
  const sessions: Session<typeof game>[] = []
  const lobby = await node.launch(recorder([], sessions))
  const room = await node.launch(recorder([]))
  const { port } = await gateOf(node, lobby)
  const users = ['ann', 'bob'].map((name) => new TestUser(node, port, { name }))
  for (const user of users) assert.deepEqual(await user.call('add', 0), { value: 1 })
  const data = { callback() {} }
  await assert.rejects(sessions[0]!.attach(room, data), { code: 'ERR_MESSAGE_UNSUPPORTED' })
  for (const session of sessions) assert.ok(session.push('at', 7))
  for (const user of users) {
    await user.until(({ events }) => events.length === 1)
    assert.deepEqual(user.events, [['at', 7]])
  }
  await sessions[0]!.attach(room)
  assert.deepEqual(await users[0]!.call('add', 1), { value: 2 })
})

// Proves: docs/session.md#hand-over
test('a hand-over that fails leaves the session where it was', async () => {
  await using node = await testNode()
  const sessions: Session<typeof game>[] = []
  const lobby = await node.launch(recorder([], sessions))
  const gone = await node.launch(recorder([]))
  await node.skynet.kill(gone.handle)
  const refusing = await node.launch(
    defineAgent(game, () => ({
      calls: { add: () => 0, say: () => {}, wait: () => '' },
      joined() {
        throw new ClientFault('full', 'no room')
      },
    })),
  )
  const { gate, port } = await gateOf(node, lobby)
  const ann = new TestUser(node, port)
  assert.deepEqual(await ann.call('add', 0), { value: 1 })
  const [session] = sessions
  await assert.rejects(session!.attach(gone), { code: 'ERR_CALL_DEAD' })
  const failing = session!.attach(refusing)
  const call = ann.call('add', 1)
  await assert.rejects(failing, { name: 'ClientFault', code: 'full', message: 'no room' })
  assert.deepEqual(await call, { value: 2 })
  await assert.rejects(session!.attach(lobby), /another one/)
  assert.throws(() => void session!.push('none' as 'over'), /no such event/)
  assert.deepEqual(await ann.call('add', 2), { value: 3 })
  await node.settled()
  assert.equal((await gate.call.stat()).agents, 1)
})

test('a session whose agent ends while it is handed over goes to the other one', async () => {
  await using node = await testNode()
  const sessions: Session<typeof game>[] = []
  const lobby = await node.launch(recorder([], sessions))
  let enter!: (value?: unknown) => void
  const entered = new Promise((resolve) => {
    enter = resolve
  })
  const room = await node.launch(
    defineAgent(game, () => ({
      calls: { add: (_session, n) => n * 10, say: () => {}, wait: () => '' },
      joined: () => entered,
    })),
  )
  const { port } = await gateOf(node, lobby)
  const ann = new TestUser(node, port)
  assert.deepEqual(await ann.call('add', 0), { value: 1 })
  const running = ann.call('wait', 'x')
  await node.settled()
  sessions[0]!.attach(room).catch(() => {})
  await node.settled()
  await node.skynet.kill(lobby.handle)
  assert.deepEqual(await running, { code: 'ERR_CALL_DEAD', text: 'Who should answer has ended' })
  const later = ann.call('add', 4)
  enter()
  assert.deepEqual(await later, { value: 40 })
})

// Proves: docs/session.md#back-pressure
// Proves: docs/limits.md#session-requests
test('a client whose requests are not answered is read no further, and is not silent', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const told: Told = []
  const agent = await node.launch(recorder(told))
  const { gate, port } = await gateOf(node, agent, { heartbeatMs: 1000, missed: 2 })
  const ann = new TestUser(node, port)
  await ann.state('open')
  const text = 'x'.repeat(10_000)
  const count = Math.ceil((2 * SESSION_REQUEST_BYTES_MAX) / text.length)
  const calls = Array.from({ length: count }, (_, i) => ann.call('wait', `${i}${text}`))
  await node.settled()
  const held = told.filter(([what]) => what === 'wait').length
  const most = Math.ceil(SESSION_REQUEST_BYTES_MAX / text.length)
  assert.ok(held <= most, `${held} of ${count}, at most ${most}`)
  assert.ok(held >= most - 1)
  await clock.advance(10_000)
  assert.equal((await gate.call.stat()).closed.silent, 0)
  for (let i = 0; i < count; i++) {
    agent.send.go(`${i}${text}`)
    assert.deepEqual(await calls[i], { value: `${i}${text}` })
  }
})

// Proves: docs/session.md#drain
test('drain() resolves when the client has got what was pushed', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const sessions: Session<typeof game>[] = []
  const { port } = await gateOf(node, await node.launch(recorder([], sessions)))
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  const [session] = sessions
  await session!.drain()
  for (let i = 0; i < 40; i++) session!.push('at', i)
  let isDone = false
  const done = session!.drain().then(() => {
    isDone = true
  })
  await node.settled()
  assert.equal(ann.events.length, 40)
  assert.equal(isDone, false, 'the last ones are not acknowledged')
  await clock.advance(1000)
  await done
  session!.push('at', 1)
  const never = session!.drain()
  never.catch(() => {})
  ann.cut()
  await node.settled()
  session!.push('at', 2)
  await assert.rejects(session!.drain({ timeoutMs: 1, signal: AbortSignal.abort() }), {
    code: 'ABORT_ERR',
  })
})

test('pushAll() tells all who are there, of any gate', async () => {
  await using node = await testNode()
  const sessions: Session<typeof game>[] = []
  const agent = await node.launch(recorder([], sessions))
  const gates = [await gateOf(node, agent), await gateOf(node, agent)]
  const users: TestUser[] = []
  for (const { port } of gates) {
    for (const name of ['ann', 'bob']) users.push(new TestUser(node, port, { name: name + port }))
  }
  for (const user of users) await user.call('add', 0)
  assert.equal(sessions.length, 4)
  const { pushAll } = await import('./push-all.ts')
  pushAll(sessions, 'at', 7)
  pushAll(new Set(sessions), 'over')
  for (const user of users) {
    await user.until(({ events }) => events.length === 2)
    assert.deepEqual(user.events, [
      ['at', 7],
      ['over', undefined],
    ])
  }
  const perGate = node.sent.all.filter(({ args }) => args[2] === 'pushAll')
  assert.equal(perGate.length, 4)
  assert.throws(() => pushAll([{}] as never, 'at', 1), TypeError)
  assert.throws(() => pushAll(5 as never, 'at', 1), TypeError)
})

test('pushAll() tells nobody what one of the gates does not take', async () => {
  await using node = await testNode()
  const sessions: Session<typeof game>[] = []
  const agent = await node.launch(recorder([], sessions))
  const gates = [await gateOf(node, agent), await gateOf(node, agent, { messageBytesMax: 1024 })]
  const users = gates.map(({ port }) => new TestUser(node, port))
  for (const user of users) await user.call('add', 0)
  const { pushAll } = await import('./push-all.ts')
  const long = 'x'.repeat(2000)
  assert.throws(() => pushAll(sessions, 'said', long), { code: 'ERR_FRAME_TOO_LARGE' })
  pushAll([sessions[0]!], 'said', long)
  pushAll(sessions, 'at', 1)
  for (const user of users) await user.until(({ events }) => events.at(-1)?.[0] === 'at')
  assert.deepEqual(
    users.map(({ events }) => events.map(([name]) => name)),
    [['said', 'at'], ['at']],
  )
})

test('a session is not handed over before it is there: joined() is told so', async () => {
  await using node = await testNode()
  const room = await node.launch(recorder([]))
  for (const pause of [undefined, Promise.resolve()]) {
    let thrown: unknown
    let later!: Session<typeof game>
    const lobby = await node.launch(
      defineAgent(game, () => ({
        calls: { add: () => 0, say: () => {}, wait: () => '' },
        joined(session) {
          later = session
          const asked = session.attach(room).catch((error: unknown) => (thrown = error))
          return pause === undefined ? undefined : pause.then(() => asked)
        },
      })),
    )
    const { port } = await gateOf(node, lobby)
    const ann = new TestUser(node, port)
    assert.deepEqual(await ann.call('add', 1), { value: 0 })
    assert.match(String(thrown), /TypeError.*'joined' of it is not done/)
    await later.attach(room)
    assert.deepEqual(await ann.call('add', 1), { value: 2 })
    ann.core.close()
  }
})

test('an agent is of one protocol: its handlers are looked at when it is launched', async () => {
  await using node = await testNode()
  const wrong = async (agent: object, message: RegExp): Promise<void> => {
    const definition = defineAgent(game, () => agent as never)
    await assert.rejects(node.launch(definition), (error: Error) => {
      assert.match(String(error.cause), message)
      return true
    })
  }
  const calls = { add: () => 0, say: () => {}, wait: () => '' }
  await wrong({}, /'calls' must be a plain object/)
  await wrong({ calls: { add: () => 0 } }, /'calls.say' must be a function/)
  await wrong({ calls: { ...calls, fly: () => 0 } }, /option 'fly'/)
  await wrong({ calls, joned: () => {} }, /option 'joned'.*did you mean 'joined'/)
  await wrong({ calls, left: 7 }, /'left' must be a function/)
  await wrong({ calls, methods: { session: () => {} } }, /without 'session'/)
  assert.throws(() => defineAgent({} as never, () => ({}) as never), /made by clientProtocol/)
  assert.throws(() => defineAgent(game, 7 as never), /'setup' must be a function/)
})
