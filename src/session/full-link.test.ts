/** What becomes of sessions when the node of an agent, or of a gate, takes no more for a while. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import { CLOSE_CODES } from '../client/close-codes.ts'
import { Service } from '../service/service.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { testNode } from '../testing/test-node.ts'
import type { ToAgent, ToGate } from './agent-messages.ts'
import { defineAgent } from './define-agent.ts'
import { game, gateOf, recorder, TestUser, type Told } from './session.kit.ts'
import type { AgentRef, Session } from './session.ts'
import type { KickTarget } from './users.ts'

const full = () => new SkynetError('ERR_LINK_FULL', { node: 'b', limit: 8, sent: 'no' })

/** Sends and calls of those names find no room, as `Router.send` and a border tell of it. */
function link(isFull: (message: unknown[]) => boolean) {
  const { sendMethod, callMethod } = Service.prototype
  let refused = 0
  const state = { isFull: false, refused: () => refused }
  const refuses = (message: unknown[]): boolean => {
    if (!state.isFull || message[0] !== 'session' || !isFull(message)) return false
    refused++
    return true
  }
  Service.prototype.sendMethod = function (to, message) {
    if (refuses(message)) throw full()
    return sendMethod.call(this, to, message)
  }
  Service.prototype.callMethod = function (to, message, ...more) {
    return refuses(message) ? Promise.reject(full()) : callMethod.call(this, to, message, ...more)
  }
  const over = (): void => void Object.assign(Service.prototype, { sendMethod, callMethod })
  return Object.assign(state, { [Symbol.dispose]: over })
}

async function world() {
  const clock = new FakeClock()
  const node = await testNode({ clock })
  const [told, sessions]: [Told, Session<typeof game>[]] = [[], []]
  const agent = await node.launch(recorder(told, sessions))
  const room = await node.launch(recorder([]))
  const closed = await node.launch(
    defineAgent(game, () => ({
      calls: { add: () => 0, say: () => {}, wait: () => '' },
      joined: () => Promise.reject(new Error('closed')),
    })),
  )
  const options = { keepMs: 5000, sameUser: 'refuse', perAddress: { connections: 2 } } as const
  const { gate, port } = await gateOf(node, agent, options)
  const [ann, bob] = [new TestUser(node, port), new TestUser(node, port, { name: 'bob' })]
  for (const user of [ann, bob]) assert.deepEqual(await user.call('add', 1), { value: 2 })
  const attach = (to: AgentRef<typeof game>): Promise<unknown> =>
    sessions
      .find(({ user }) => user === 'ann')!
      .attach(to)
      .catch(() => 'refused')
  const kick = (who: KickTarget) => gate.call.kick(who)
  const pass = async (ms: number): Promise<void> => {
    for (let each = 0; each < ms; each += 250) {
      await clock.advance(250)
      await node.settled()
    }
  }
  return { node, told, sessions, room, closed, gate, port, ann, bob, attach, kick, pass, clock }
}

type World = Awaited<ReturnType<typeof world>>

/** What is done while messages of that name find no room, and whose sessions end by it. */
interface Row {
  readonly names?: readonly string[]
  act(world: World): unknown
  readonly ends: string
  /** Another agent has the session of ann. */
  readonly moves?: true
}

const cut = async ({ ann, node }: World): Promise<void> => {
  ann.cut()
  await node.settled()
}

const ROWS: { readonly [Name in keyof ToAgent]: Row } = {
  open: {
    // The address has places for two.
    act: async ({ ann, node, port, pass, gate }) => {
      ann.core.close()
      await pass(1000)
      const cid = new TestUser(node, port, { name: 'cid' })
      await cid.until(({ states }) => states.some((state) => state.endsWith(': agent')))
      cid.core.close()
      await pass(1000)
      assert.equal((await gate.call.stat()).sessions, 1)
    },
    ends: 'ann',
  },
  request: {
    act: async ({ ann }) => {
      const text = 'Too much waits for who should answer'
      assert.deepEqual(await ann.call('add', 1), { code: 'ERR_LINK_FULL', text })
    },
    ends: '',
  },
  moving: { act: ({ attach, room }) => attach(room), ends: '', moves: true },
  drain: { act: ({ gate }) => gate.call.drain(), ends: 'ann bob' },
  moved: { act: ({ attach, room }) => attach(room), ends: 'bob', moves: true },
  stays: { act: ({ attach, closed }) => attach(closed), ends: 'ann bob' },
  attached: { act: cut, ends: 'ann bob' },
  detached: { act: cut, ends: 'ann bob' },
  ended: { act: ({ kick }) => kick({ user: 'ann' }), ends: 'ann bob' },
  over: { names: ['ended', 'over'], act: ({ kick }) => kick({ user: 'ann' }), ends: 'ann bob' },
}

for (const [name, { names = [name], act, ends, moves }] of Object.entries(ROWS)) {
  // Proves: docs/session.md#full-link
  test(`'${name}' finds no room: nobody stays half, and the agent hears of each end`, async () => {
    using road = link(([, what]) => names.includes(what as string))
    const all = await world()
    const { node, told, gate, ann, bob, pass, port } = all
    try {
      road.isFull = true
      await act(all)
      await pass(1000)
      assert.ok(road.refused() > 0)
      road.isFull = false
      await pass(1000)
      const left = told.filter(([what]) => what === 'left').map(([, user]) => user)
      assert.equal(left.sort().join(' '), ends)
      if (name !== 'drain') {
        for (const { core } of [ann, bob]) core.close()
        await pass(7000)
        // The places of the address are free, and the names of the users.
        for (const user of [new TestUser(node, port), new TestUser(node, port, { name: 'bob' })]) {
          assert.deepEqual(await user.call('add', 1), { value: 2 })
          user.core.close()
        }
      }
      await pass(7000)
      const { sessions, agents, connections, strangers } = await gate.call.stat()
      const nobody = { sessions: 0, agents: 0, connections: 0, strangers: 0 }
      assert.deepEqual({ sessions, agents, connections, strangers }, nobody)
      const count = (hook: string): number => told.filter(([what]) => what === hook).length
      assert.equal(count('left'), count('joined') - (moves ? 1 : 0))
    } finally {
      await node[Symbol.asyncDispose]()
    }
  })
}

const PUSHES: { readonly [Name in keyof ToGate]?: (session: Session<typeof game>) => unknown } = {
  push: (session) => assert.equal(session.push('at', 7), false),
  kick: (session) => session.kick(),
}

for (const [name, act] of Object.entries(PUSHES)) {
  // Proves: docs/session.md#full-link
  test(`'${name}' of an agent finds no room: its sessions end, here and at the gate`, async () => {
    using road = link((message) => message[3] === name || message[3] === 'over')
    const all = await world()
    const { node, told, sessions, gate, ann, bob, pass, clock } = all
    try {
      const [session, other] = sessions
      road.isFull = true
      act(session!)
      // Over at once, so nothing leaves behind what was lost; hooks run behind who pushes.
      assert.deepEqual([session!.isOver, other!.isOver], [true, true])
      assert.equal(other!.push('at', 8), false)
      assert.ok(!told.some(([what]) => what === 'left'))
      await pass(1000)
      const left = told.filter(([what]) => what === 'left')
      assert.deepEqual(left, [
        ['left', 'ann', 'node'],
        ['left', 'bob', 'node'],
      ])
      assert.equal((await gate.call.stat()).closed.node, 0)
      road.isFull = false
      await pass(1000)
      assert.equal((await gate.call.stat()).closed.node, 2)
      for (const user of [ann, bob]) {
        const answer = user.call('add', 1)
        // As soon as those whose agent has ended.
        await clock.advance(CLOSE_CODES.agent.retryMs)
        await node.settled()
        assert.deepEqual(await answer, { value: 2 })
        assert.deepEqual(user.events, [])
      }
    } finally {
      await node[Symbol.asyncDispose]()
    }
  })
}

const ASKS: {
  readonly [Name in keyof ToGate]?: (session: Session<typeof game>, to: World['room']) => unknown
} = {
  attach: (session, room) => session.attach(room),
  drain: (session) => session.drain(),
}

for (const [name, ask] of Object.entries(ASKS)) {
  // Proves: docs/session.md#full-link
  test(`'${name}' of an agent finds no room: it rejects, and no session ends by it`, async () => {
    using road = link((message) => message[3] === name)
    const { node, told, sessions, room, ann, bob, gate, pass } = await world()
    try {
      const session = sessions.find(({ user }) => user === 'ann')!
      road.isFull = true
      const asked = assert.rejects(async () => ask(session, room), { code: 'ERR_LINK_FULL' })
      // On its way behind it when that is refused.
      assert.ok(session.push('at', 7))
      await asked
      assert.equal(road.refused(), 1)
      assert.ok(session.push('at', 8))
      assert.deepEqual(await ann.call('add', 1), { value: 2 })
      road.isFull = false
      const again = ask(session, room)
      // A client says within a second what it has got.
      await pass(1000)
      await again
      assert.deepEqual(await bob.call('add', 1), { value: 2 })
      assert.deepEqual(
        ann.events.map(([, value]) => value),
        [7, 8],
      )
      assert.deepEqual([session.isOver, (await gate.call.stat()).sessions], [name === 'attach', 2])
      assert.ok(!told.some(([what]) => what === 'left'))
      for (const { core } of [ann, bob]) core.close()
    } finally {
      await node[Symbol.asyncDispose]()
    }
  })
}
