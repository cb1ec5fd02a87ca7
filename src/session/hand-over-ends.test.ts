/** What becomes of sessions that are handed over when something goes wrong, or comes between. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import { testNode } from '../testing/test-node.ts'
import { defineAgent } from './define-agent.ts'
import { game, gateOf, recorder, TestUser } from './session.kit.ts'
import type { Session } from './session.ts'

type GameSession = Session<typeof game>

const calls = { add: (_: GameSession, n: number) => n, say: () => {}, wait: () => '' }

/** What a test resolves when it likes. */
function gateway() {
  let open!: (value?: unknown) => void
  const opened = new Promise((resolve) => {
    open = resolve
  })
  return { open, opened }
}

// Proves: docs/session.md#lost-on-the-way
test('messages of the next agent are lost: who is handed to it ends as well', async () => {
  await using node = await testNode()
  const { open, opened } = gateway()
  let lose!: (count: number) => void
  const room = await node.launch(
    defineAgent(game, (skynet) => {
      lose = (count) => {
        const body = Buffer.from('7')
        skynet.send(gate.handle, 'session', 1, count, 'push', 1, 'at', body, undefined)
      }
      return { calls, joined: ({ user }) => (user === 'ann' ? opened : undefined) }
    }),
  )
  const sessions: GameSession[] = []
  const lobby = await node.launch(recorder([], sessions))
  const { gate, port } = await gateOf(node, lobby, {
    login: (_skynet, { name }) => ({ user: name, agent: name === 'bob' ? room : lobby }),
  })
  const bob = new TestUser(node, port, { name: 'bob' })
  await bob.call('add', 1)
  const ann = new TestUser(node, port)
  await ann.call('add', 1)
  const handed = sessions[0]!.attach(room)
  await node.settled()
  lose(7)
  await node.settled()
  open()
  await assert.rejects(handed, { code: 'ERR_SESSION_OVER' })
  const isNode = ({ states }: TestUser): boolean => states.some((state) => state.endsWith(': node'))
  await bob.until(isNode)
  await ann.until(isNode)
  assert.equal((await gate.call.stat()).closed.node, 2)
  bob.core.close()
  ann.core.close()
})

// Proves: docs/session.md#drain-gate
test('a gate that drains asks whoever has the session, also after a hand-over', async () => {
  await using node = await testNode()
  const told: string[] = []
  const agents = [gateway(), gateway()]
  let session!: GameSession
  const [lobby, room] = await Promise.all(
    agents.map(({ opened }, i) =>
      node.launch(
        defineAgent(game, () => ({
          calls,
          joined(joined) {
            session = joined
          },
          draining() {
            told.push(`${i} is asked`)
            return opened
          },
          left: (_session, code) => void told.push(`${i} ${code}`),
        })),
      ),
    ),
  )
  const { gate, port } = await gateOf(node, lobby!)
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  let isDrained = false
  const drained = gate.call.drain({ jitterMs: 5 }).then(() => {
    isDrained = true
  })
  await node.settled()
  await session.attach(room!)
  await node.skynet.kill(lobby!.handle)
  await node.settled()
  assert.deepEqual(told, ['0 is asked', '1 is asked'])
  assert.equal(isDrained, false)
  agents[1]!.open()
  await drained
  await node.settled()
  assert.deepEqual(told, ['0 is asked', '1 is asked', '1 drain'])
  ann.core.close()
})

test('who has taken a session too late has none: it is told so, and is not heard', async () => {
  await using node = await testNode()
  const told: string[] = []
  const { open, opened } = gateway()
  let ghost!: GameSession
  const room = await node.launch(
    defineAgent(game, () => ({
      calls,
      async joined(session) {
        if (session.user === 'bob') return
        ghost = session
        await opened
        told.push('joined')
      },
      left: ({ user }, code) => void told.push(`left ${user} ${code}`),
    })),
  )
  const sessions: GameSession[] = []
  const lobby = await node.launch(recorder([], sessions))
  const { port } = await gateOf(node, lobby, {
    login: (_skynet, { name }) => ({ user: name, agent: name === 'bob' ? room : lobby }),
  })
  // So the line of the room is there.
  const bob = new TestUser(node, port, { name: 'bob' })
  await bob.call('add', 0)
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  const late = new SkynetError('ERR_CALL_TIMEOUT', { to: 'room', method: 'session', timeoutMs: 1 })
  const { AgentLine } = await import('./agent-lines.ts')
  const { ask } = AgentLine.prototype
  AgentLine.prototype.ask = function (this: unknown, name: string, ...rest: unknown[]) {
    const answer = Reflect.apply(ask, this, [name, ...rest]) as Promise<unknown>
    return name === 'open' ? Promise.reject(late) : answer
  } as never
  try {
    await assert.rejects(sessions[0]!.attach(room), { code: 'ERR_CALL_TIMEOUT' })
  } finally {
    AgentLine.prototype.ask = ask
  }
  ghost.push('at', 66)
  await node.settled()
  open()
  await node.settled()
  assert.equal(ghost.isOver, true)
  assert.deepEqual(told, ['joined', 'left ann node'])
  assert.deepEqual(ann.events, [])
  assert.deepEqual(await ann.call('add', 1), { value: 2 })
  bob.core.close()
  ann.core.close()
})

test('what an agent pushes until it knows that the session has moved still leaves', async () => {
  await using node = await testNode()
  const sessions: GameSession[] = []
  const lobby = await node.launch(recorder([], sessions))
  const room = await node.launch(defineAgent(game, () => ({ calls })))
  const { gate, port } = await gateOf(node, lobby)
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  const [session] = sessions
  let count = 0
  let isHanded = false
  const handed = session!.attach(room).then(() => {
    isHanded = true
  })
  while (!isHanded) {
    if (session!.push('at', count)) count++
    await new Promise(setImmediate)
  }
  await handed
  await node.settled()
  assert.deepEqual(
    ann.events,
    Array.from({ length: count }, (_, i) => ['at', i]),
  )
  assert.equal((await gate.call.stat()).agents, 1)
  ann.core.close()
})

// Proves: docs/session.md#joined-first
test('hooks wait for joined: left comes behind it, and not at all if it has thrown', async () => {
  await using node = await testNode()
  const told: string[] = []
  const ways = { ann: gateway(), bob: gateway() }
  const agent = await node.launch(
    defineAgent(game, () => ({
      calls,
      async joined({ user }) {
        told.push(`joining ${user}`)
        await ways[user as 'ann' | 'bob'].opened
        if (user === 'bob') throw new Error('no')
        told.push(`joined ${user}`)
      },
      dropped: ({ user }) => void told.push(`dropped ${user}`),
      back: ({ user }) => void told.push(`back ${user}`),
      left: ({ user, isOver }) => void told.push(`left ${user} ${isOver}`),
    })),
  )
  const { port } = await gateOf(node, agent)
  const ann = new TestUser(node, port)
  const bob = new TestUser(node, port, { name: 'bob' })
  await ann.state('open')
  await bob.state('open')
  await node.settled()
  const { ended } = ann.detach()
  await ended
  await ann.state('open')
  await node.settled()
  ann.core.close()
  bob.core.close()
  await node.settled()
  assert.deepEqual(told, ['joining ann', 'joining bob'])
  ways.ann.open()
  ways.bob.open()
  await node.settled()
  const rest = ['joined ann', 'dropped ann', 'back ann', 'left ann true']
  assert.deepEqual(told.slice(2), rest)
})

test('draining() that throws is logged, and lets the session go', async () => {
  await using node = await testNode()
  const agent = await node.launch(
    defineAgent(game, () => ({
      calls,
      draining() {
        throw new Error('not now')
      },
    })),
  )
  const { gate, port } = await gateOf(node, agent)
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  await gate.call.drain({ jitterMs: 5 })
  ann.core.close()
  const lines = node.log.all.map(({ text }) => text).join()
  assert.match(lines, /draining of a session: .*not now/s)
})

/** What becomes of the answers of agents that the gate asks that. */
async function answers(
  what: string,
  become: (answer: Promise<unknown>) => Promise<unknown>,
  within: () => Promise<void>,
): Promise<void> {
  const { AgentLine } = await import('./agent-lines.ts')
  const { ask } = AgentLine.prototype
  AgentLine.prototype.ask = function (this: unknown, name: string, ...rest: unknown[]) {
    const answer = Reflect.apply(ask, this, [name, ...rest]) as Promise<unknown>
    return name === what ? become(answer) : answer
  } as never
  try {
    await within()
  } finally {
    AgentLine.prototype.ask = ask
  }
}

test('an agent gets a session while its last one moves on: what it pushes is heard', async () => {
  await using node = await testNode()
  const sessions: GameSession[] = []
  const lobby = await node.launch(recorder([], sessions))
  const room = await node.launch(recorder([]))
  const { port } = await gateOf(node, lobby)
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  const { open, opened } = gateway()
  await answers(
    'moved',
    (answer) => Promise.all([answer, opened]),
    async () => {
      await sessions[0]!.attach(room)
      const bob = new TestUser(node, port, { name: 'bob' })
      await bob.call('add', 0)
      sessions.at(-1)!.push('at', 7)
      await node.settled()
      assert.deepEqual(bob.events, [['at', 7]])
      assert.equal(bob.core.state, 'open')
      open()
      await node.settled()
      sessions.at(-1)!.push('at', 8)
      await node.settled()
      assert.equal(bob.events.length, 2)
    },
  )
})

// Proves: docs/session.md#drain-gate
test('a gate that drains asks the next agent at once, past deadlines of calls', async () => {
  await using node = await testNode()
  const told: string[] = []
  const sessions: GameSession[] = []
  const agentOf = (name: string, held: Promise<unknown>) =>
    node.launch(
      defineAgent(game, () => ({
        calls,
        joined: (session) => void sessions.push(session),
        draining() {
          told.push(`${name} is asked`)
          return held
        },
        left: (_session, code) => void told.push(`${name} ${code}`),
      })),
    )
  const { open, opened } = gateway()
  const lobby = await agentOf('lobby', new Promise(() => {}))
  const room = await agentOf('room', opened)
  const { gate, port } = await gateOf(node, lobby)
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  const late = new SkynetError('ERR_CALL_TIMEOUT', { to: 'room', method: 'session', timeoutMs: 1 })
  let asked = 0
  await answers(
    'drain',
    (answer) => (++asked % 4 === 0 ? answer : Promise.reject(late)),
    async () => {
      const drained = gate.call.drain({ jitterMs: 5 })
      await node.settled()
      await sessions[0]!.attach(room)
      await node.settled()
      assert.deepEqual(told, ['lobby is asked', 'room is asked'])
      assert.equal((await gate.call.stat()).sessions, 1)
      open()
      await drained
    },
  )
  assert.equal(asked, 8)
  await node.settled()
  assert.deepEqual(told, ['lobby is asked', 'room is asked', 'room drain'])
  ann.core.close()
})
