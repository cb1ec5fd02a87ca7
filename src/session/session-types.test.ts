/** What the compiler knows of gates and agents: all of it follows from the protocol. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClientProtocol, clientProtocol, unchecked } from '../client/client-protocol.ts'
import type { ServiceDefinition } from '../modules/definition.ts'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { testNode } from '../testing/test-node.ts'
import type { AgentDefinition } from './agent-definition.ts'
import { defineAgent } from './define-agent.ts'
import { defineGate } from './define-gate.ts'
import type { SessionGateOptions } from './gate-options.ts'
import type { LoginAnswer } from './login-answer.ts'
import { pushAll } from './push-all.ts'
import { TestUser } from './session.kit.ts'
import type { AgentRef, Session } from './session.ts'
import { tcp } from './tcp.ts'

const chess = clientProtocol({
  login: unchecked<{ name: string }>(),
  calls: {
    move: { request: unchecked<[from: string, to: string]>(), response: unchecked<boolean>() },
    resign: {},
  },
  events: { moved: unchecked<string>(), over: unchecked<undefined>() },
})
const chat = clientProtocol({ calls: { say: { request: unchecked<string>() } } })

const listen = tcp({ port: 0 })

/** Never called: that it compiles is the test. */
export async function uses(skynet: Skynet): Promise<void> {
  const table = defineAgent(chess, (_skynet, size: number) => ({
    calls: {
      move(session, [from, to]) {
        session.push('moved', `${from.at(0)}${to.at(0)}${size.toFixed()}`)
        return true
      },
      resign: async () => {},
    },
    joined: (session) => session.push('over'),
    methods: { players: () => 2 },
  }))
  const ref = await skynet.newService<typeof table>('./table.ts', { args: [8] })
  const two: number = await ref.call.players()
  const talk = defineAgent(chat, () => ({ calls: { say() {} } }))
  const talkRef = await skynet.newService<typeof talk>('./talk.ts')
  defineGate(chess, {
    listen,
    login: (_skynet, { name }) => ({ user: name.trim(), agent: ref, data: two }),
  })
  defineGate(chess, (_skynet, port: number) => ({
    listen: [tcp({ port })],
    login: async () => ({ user: '', agent: ref }),
  }))
  // @ts-expect-error The arguments of a setup are known.
  await skynet.newService<typeof table>('./table.ts', { args: ['8'] })
  // @ts-expect-error There is no such method.
  ref.call.player()

  // @ts-expect-error An agent of another protocol.
  defineGate(chess, { listen, login: () => ({ user: '', agent: talkRef }) })
  const plain = skynet.ref<ServiceDefinition<[], { hello(): void }>>(1)
  // @ts-expect-error No agent at all.
  defineGate(chess, { listen, login: () => ({ user: '', agent: plain }) })
  // @ts-expect-error Who is it?
  defineGate(chess, { listen, login: () => ({ agent: ref }) })
  // @ts-expect-error A client gives a name, no password.
  defineGate(chess, { listen, login: (_, { password }) => ({ user: password, agent: ref }) })
  // @ts-expect-error There is no such option.
  defineGate(chess, { listen, login: () => ({ user: '', agent: ref }), keepSeconds: 7 })
  // @ts-expect-error There is no such option, when a function makes them neither.
  defineGate(chess, () => ({ listen, login: () => ({ user: '', agent: ref }), keepSeconds: 7 }))
  defineGate(chess, async (_skynet, isOpen: boolean) => {
    if (!isOpen) throw new Error('It is closed')
    return {
      listen,
      login: (_, { name }, { signal }) => ({ user: name.trim(), agent: signal && ref }),
    }
  })
  // @ts-expect-error Who are they?
  defineGate(chess, { listen })
}

export function wrongAgents(): void {
  const move = (): boolean => true
  const resign = (): void => {}
  // @ts-expect-error A call is missing.
  defineAgent(chess, () => ({ calls: { move } }))
  // @ts-expect-error A call has another response.
  defineAgent(chess, () => ({ calls: { move: () => 7, resign } }))
  // @ts-expect-error A call has another request.
  defineAgent(chess, () => ({ calls: { move: (_: unknown, n: number) => n > 1, resign } }))
  // @ts-expect-error A response is missing.
  defineAgent(chess, () => ({ calls: { move() {}, resign } }))
  // @ts-expect-error There is no such call.
  defineAgent(chess, () => ({ calls: { move, resign, castle() {} } }))
  // @ts-expect-error There is no such call, whenever the answer comes.
  defineAgent(chess, async () => ({ calls: { move, resign, castle() {} } }))
  // @ts-expect-error There is no such hook.
  defineAgent(chess, () => ({ calls: { move, resign }, joind: () => {} }))
  // @ts-expect-error There is no such hook, whenever the answer comes.
  defineAgent(chess, async () => ({ calls: { move, resign }, joind: () => {} }))
  defineAgent(chess, async () => ({ calls: { move: async () => move(), resign } }))
}

/** What is inferred of handlers, whichever way the setup goes. */
export async function rightAgents(skynet: Skynet): Promise<void> {
  const either = defineAgent(chess, (_skynet, isFast: boolean) => {
    const calls = { move: () => true, resign() {} }
    if (isFast) return { calls }
    return { calls, left: (session, code) => session.push('moved', code.trim()) }
  })
  await skynet.newService<typeof either>('./either.ts', { args: [true] })
  type Of = AgentDefinition<typeof chess, { size(): number }>
  const made: Of = { calls: { move: () => true, resign() {} }, methods: { size: () => 8 } }
  const named = defineAgent(chess, () => made)
  const size: number = await (await skynet.newService<typeof named>('./named.ts')).call.size()
  const none = defineAgent(chess, () => ({ calls: { move: () => size > 0, resign() {} } }))
  const ref = await skynet.newService<typeof none>('./none.ts')
  // @ts-expect-error It has no methods.
  await ref.call.size()
}

interface Seat {
  readonly table: number
}

/** What a login, or a hand-over, gives along is what `joined` of that agent takes. */
export async function joining(skynet: Skynet, session: Session<typeof chess>): Promise<void> {
  const calls = { move: () => true, resign() {} }
  const seated = defineAgent(chess, async () => ({
    calls,
    joined: (session, { table }: Seat) => void session.push('moved', table.toFixed()),
  }))
  const seat = await skynet.newService<typeof seated>('./seated.ts')
  const maybe = defineAgent(chess, () => ({ calls, joined(_session, _seat?: Seat) {} }))
  const standing = await skynet.newService<typeof maybe>('./maybe.ts')
  const any = defineAgent(chess, () => ({ calls, joined: (_session, data) => data }))
  const anyRef = await skynet.newService<typeof any>('./any.ts')
  const user = 'bob'

  defineGate(chess, { listen, login: () => ({ user, agent: seat, data: { table: 7 } }) })
  defineGate(chess, { listen, login: async () => ({ user, agent: standing }) })
  defineGate(chess, { listen, login: () => ({ user, agent: anyRef, data: 'seven' }) })
  // @ts-expect-error Its table is a number.
  defineGate(chess, { listen, login: () => ({ user, agent: seat, data: { table: '7' } }) })
  // @ts-expect-error Which seat?
  defineGate(chess, { listen, login: async () => ({ user, agent: seat }) })
  // @ts-expect-error Its table is a number, if there is one.
  defineGate(chess, { listen, login: () => ({ user, agent: standing, data: { table: '7' } }) })
  const login = () => ({ user, agent: user === 'bob' ? seat : standing, data: { table: 7 } })
  defineGate(chess, { listen, login })
  defineGate(chess, async (_skynet, table: number) => ({
    listen,
    login: (_, { name }) => ({ user: name.trim(), agent: seat, data: { table } }),
  }))
  // @ts-expect-error Its table is a number, when a function makes the options as well.
  defineGate(chess, () => ({ listen, login: () => ({ user, agent: seat, data: { table: '7' } }) }))
  // @ts-expect-error Which seat? when a function makes the options as well.
  defineGate(chess, async () => ({ listen, login: async () => ({ user, agent: seat }) }))

  // @ts-expect-error It takes no such thing.
  defineGate(chess, { listen, login: () => ({ user, agent: seat, data: { table: 7, row: 1 } }) })
  const misspelt = { listen, login: () => ({ user, agent: standing, data: { table: 7, rwo: 1 } }) }
  // @ts-expect-error It takes no such thing, when a function makes the options as well.
  defineGate(chess, () => misspelt)
  const some = (row?: number) => (row === undefined ? undefined : { table: 7, rwo: row })
  // @ts-expect-error It takes no such thing, nor when there may be nothing.
  defineGate(chess, () => ({ listen, login: () => ({ user, agent: standing, data: some() }) }))
  const none = (table?: number) => (table === undefined ? undefined : { table })
  defineGate(chess, () => ({ listen, login: () => ({ user, agent: standing, data: none() }) }))
  defineGate(chess, { listen, login: () => ({ user, agent: anyRef, data: { table: 7, row: 1 } }) })

  // @ts-expect-error There is no such thing in an answer.
  defineGate(chess, { listen, login: () => ({ user, agent: anyRef, unusd: () => {} }) })

  await session.attach(seat, { table: 7 })
  await session.attach(standing)
  await session.attach(anyRef, 7)
  // @ts-expect-error Which seat?
  await session.attach(seat)
  // @ts-expect-error Its table is a number.
  await session.attach(seat, { table: '7' })
  const typed: AgentRef<typeof chess, Seat> = seat
  await session.attach(typed, { table: 8 })
  const takesAll: AgentRef<typeof chess, Seat> = anyRef
  // @ts-expect-error It does not take anything: whoever has it must know what it takes.
  const untyped: AgentRef<typeof chess> = typed ?? takesAll
  await session.attach(untyped)
}

type Move =
  | { kind: 'turn'; by: 1 | -1 }
  | { kind: 'to'; at: [number, number]; cards: ('J' | 'Q')[] }
type Chess = typeof chess

/** A lobby for who is new, a match for who was in it: each answer fits the agent that it names. */
export function eitherAgent(
  lobby: AgentRef<Chess>,
  match: AgentRef<Chess, Seat>,
  count: AgentRef<Chess, number>,
  maybe: AgentRef<Chess, Seat | undefined>,
  any: AgentRef<Chess, unknown>,
): void {
  const data = { table: 7 }
  const wrong = { table: '7' }
  defineGate(chess, {
    listen,
    async login(_skynet, { name: user }) {
      if (user === 'bob') return { user, agent: match, data: { table: 7 } }
      return user === 'eve' ? { user, agent: count, data: 7 } : { user, agent: lobby }
    },
  })
  defineGate(chess, (_skynet, table: number) => ({
    listen,
    login: (_, { name: user }) =>
      user ? { user, agent: lobby, unused: () => 7 } : { user, agent: match, data: { table } },
  }))
  defineGate(chess, {
    listen,
    login: async (_, { name: user }): Promise<LoginAnswer<Chess, Seat> | LoginAnswer<Chess>> =>
      user ? { user, agent: match, data } : { user, agent: lobby },
  })
  defineGate(chess, {
    listen,
    login: (_, { name: user }) => ({ user, agent: user ? match : maybe, data }),
  })
  defineGate(chess, {
    listen,
    login: (_, { name: user }) =>
      // @ts-expect-error Each has what the other one takes.
      user ? { user, agent: match, data: 7 } : { user, agent: count, data },
  })
  defineGate(chess, {
    listen,
    // @ts-expect-error Neither takes what the other one does.
    login: (_, { name: user }) => ({ user, agent: user ? match : count, data: 7 }),
  })
  defineGate(chess, {
    listen,
    // @ts-expect-error Which seat?
    login: (_, { name: user }) => (user ? { user, agent: match } : { user, agent: lobby }),
  })
  defineGate(chess, {
    listen,
    login: (_, { name: user }) =>
      // @ts-expect-error Its table is a number, though it does without as well.
      user ? { user, agent: maybe } : { user, agent: maybe, data: wrong },
  })
  defineGate(chess, {
    listen,
    login: (_, { name: user }) =>
      // @ts-expect-error Its table is a number, whatever the other one takes.
      user ? { user, agent: any, data: 7 } : { user, agent: maybe, data: wrong },
  })
  defineGate(chess, {
    listen,
    // @ts-expect-error Nobody is let in by that.
    login: (_, { name: user }) => (user ? undefined : { user, agent: lobby }),
  })
}

/** What is written out as data is taken for what it says: `'turn'` is not just any text. */
export function exactData(agent: AgentRef<Chess, Move>, word: AgentRef<Chess, 'J' | 'Q'>): void {
  const user = 'bob'
  defineGate(chess, { listen, login: (_) => ({ user, agent, data: { kind: 'turn', by: -1 } }) })
  defineGate(chess, { listen, login: () => ({ user, agent, data: { kind: 'turn', by: -1 } }) })
  defineGate(chess, { listen, login: async () => ({ user, agent: word, data: 'J' }) })
  defineGate(chess, () => ({ listen, login: () => ({ user, agent: word, data: 'J' }) }))
  defineGate(chess, async () => ({ listen, login: (_) => ({ user, agent: word, data: 'J' }) }))
  defineGate(chess, {
    listen,
    async login(_skynet, { name }) {
      if (name === 'eve') return { user, agent: word, data: 'Q' }
      if (name === 'bob') return { user, agent, data: { kind: 'turn', by: 1 } }
      return { user, agent, data: { kind: 'to', at: [name.length, 2], cards: ['J', 'Q'] } }
    },
  })
  // @ts-expect-error There is no such word.
  defineGate(chess, { listen, login: () => ({ user, agent: word, data: 'K' }) })
  // @ts-expect-error By how much?
  defineGate(chess, { listen, login: async () => ({ user, agent, data: { kind: 'turn' } }) })
  // @ts-expect-error By how much? when a function makes the options as well.
  defineGate(chess, () => ({ listen, login: () => ({ user, agent, data: { kind: 'turn' } }) }))
}

type Login<Data> = SessionGateOptions<Chess, LoginAnswer<Chess, Data>>['login']

/** Functions around `defineGate` need not know what their logins give along. */
export function anyData<Data>(login: Login<Data>, agent: AgentRef<Chess, Data>, data: Data): void {
  const user = 'bob'
  defineGate(chess, { listen, login })
  defineGate(chess, { listen, login: (...asked) => login(...asked) })
  defineGate(chess, async (_skynet, keepMs: number) => ({ listen, login, keepMs }))
  defineGate(chess, { listen, login: (): LoginAnswer<Chess, Data> => ({ user, agent, data }) })
  defineGate<Chess, Data>(chess, { listen, login: () => ({ user, agent, data }) })
  // @ts-expect-error It takes what they do not know.
  defineGate<Chess, Data>(chess, { listen, login: () => ({ user, agent, data: 7 }) })
  // @ts-expect-error There is no such option.
  defineGate(chess, { listen, login, keepSeconds: 7 })
  // @ts-expect-error There is no such option, when a function makes them neither.
  defineGate(chess, () => ({ listen, login, keepSeconds: 7 }))
}

/** Nor need they know the protocol. */
export const anyGate = <P extends ClientProtocol, Data>(
  protocol: P,
  options: SessionGateOptions<P, LoginAnswer<P, Data>>,
) => defineGate(protocol, options)

/** What has more than fields, or any fields at all, is taken as it is. */
export function wholeData(
  list: AgentRef<Chess, number[]>,
  record: AgentRef<Chess, Record<string, number>>,
  map: AgentRef<Chess, Map<string, Seat>>,
): void {
  const user = 'bob'
  defineGate(chess, { listen, login: () => ({ user, agent: list, data: [1, 2] }) })
  defineGate(chess, { listen, login: (_) => ({ user, agent: list, data: [1, 2] }) })
  defineGate(chess, { listen, login: () => ({ user, agent: record, data: { a: 1, b: 2 } }) })
  defineGate(chess, { listen, login: () => ({ user, agent: map, data: new Map<string, Seat>() }) })
}

type Chat = typeof chat
const more = clientProtocol({
  calls: { say: { request: unchecked<string>() }, shout: {} },
  events: { said: unchecked<string>() },
})

/** An agent that can do more serves clients that ask for less, if it says nothing else. */
export function wider(able: AgentRef<typeof more>, session: Session<Chat>): void {
  // @ts-expect-error It tells them what they have not heard of.
  void session.attach(able)
}

export async function wrongPushes(
  session: Session<typeof chess>,
  other: Session<typeof chat>,
  talk: AgentRef<typeof chat>,
): Promise<void> {
  session.push('moved', 'e4', { latest: 'white' })
  session.push('over')
  // @ts-expect-error There is no such event.
  session.push('none', 1)
  // @ts-expect-error Its value is text.
  session.push('moved', 4)
  // @ts-expect-error Its value is missing.
  session.push('moved')
  // @ts-expect-error There is no such option.
  session.push('moved', 'e4', { newest: true })
  // @ts-expect-error There is no such code.
  session.kick('tired')
  // @ts-expect-error An agent of another protocol.
  await session.attach(talk)
  pushAll([session], 'moved', 'e4')
  // @ts-expect-error Its value is text.
  pushAll(new Set([session]), 'moved', 4)
  // @ts-expect-error A session of another protocol.
  pushAll([other], 'moved', 'e4')
}

test('methods of an agent may be those of a class, beside the one that gates call', async () => {
  class Table {
    readonly #size: number
    constructor(size: number) {
      this.#size = size
    }
    size(): number {
      return this.#size
    }
  }
  await using node = await testNode()
  const agent = defineAgent(chat, (_skynet, size: number) => ({
    calls: { say() {} },
    methods: new Table(size),
  }))
  const ref = await node.launch(agent, { args: [8] })
  assert.equal(await ref.call.size(), 8)
  const asker = defineService((_skynet, table: typeof ref) => ({ ask: () => table.call.size() }))
  const askerRef = await node.launch(asker, { args: [ref] })
  assert.equal(await askerRef.call.ask(), 8)
})

// Proves: docs/session.md#join-data
test('joined() gets what the login gives along, and what attach() does', async () => {
  await using node = await testNode()
  const seats: Seat[] = []
  const agent = defineAgent(chat, () => ({
    calls: { say() {} },
    joined: (_session, seat: Seat) => void seats.push(seat),
  }))
  const next = await node.launch(agent)
  const first = await node.launch(
    defineAgent(chat, () => ({
      calls: { say: (session) => session.attach(next, { table: 8 }) },
      joined: (_session, { table }: Seat) => void seats.push({ table }),
    })),
  )
  const gate = await node.launch(
    defineGate(chat, {
      listen: tcp({ host: '127.0.0.1', port: 0 }),
      login: () => ({ user: 'bob', agent: first, data: { table: 7 } }),
    }),
  )
  const [place] = await gate.call.places()
  const bob = new TestUser(node, place!.port)
  await bob.call('say', 'move on')
  assert.deepEqual(seats, [{ table: 7 }, { table: 8 }])
  bob.core.close()
})
