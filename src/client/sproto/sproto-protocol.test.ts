import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadSproto, sproto } from '../../codec/sproto/sproto.ts'
import type { CallsOf, EventsOf, HeardOf, LoginOf, ValidLoginOf } from '../client-protocol.ts'
import { startClient } from '../connect.ts'
import { FakeGate, FakeSurroundings } from '../fake-gate.kit.ts'
import { sprotoProtocol } from './sproto-protocol.ts'

const c2s = sproto(`
.Login { name 0 : string }
.Item { id 0 : integer tag 1 : string }
give 1 { request { items 0 : *Item(id) } response { count 0 : integer } }
clear 2 {}
`)
const s2c = sproto(`
line 1 { request { at 0 : *integer } }
over 2 {}
`)
const game = sprotoProtocol({ calls: c2s, events: s2c, login: 'Login' })
type Game = typeof game

function setup() {
  const gate = new FakeGate()
  const around = new FakeSurroundings()
  const client = startClient(game, { transport: gate, login: { name: 'bob' } }, around)
  return { client, gate }
}

// Proves: docs/client.md#sproto
test('sprotoProtocol() has the types of its schemas', () => {
  const login: LoginOf<Game> = { name: 'bob' }
  const valid = {} as ValidLoginOf<Game>
  const name: string | undefined = valid.name
  const given: CallsOf<Game>['give']['request'] = { items: [{ id: 1, tag: 'a' }] }
  const taken = {} as CallsOf<Game>['give']['validRequest']
  const tag: string | undefined = taken.items?.get(1)?.tag
  const answer = {} as CallsOf<Game>['give']['answer']
  const count: number | undefined = answer.count
  const none: CallsOf<Game>['clear']['request'] = undefined
  const event: EventsOf<Game>['line'] = { at: [1, 2] }
  const heard = {} as HeardOf<Game>['line']
  const at: readonly number[] | undefined = heard.at
  const over: HeardOf<Game>['over'] = undefined
  assert.ok([login, name, given, tag, count, none, event, at, over].length === 9)
  const { client } = setup()
  const never = (_use: () => unknown): void => {}
  // @ts-expect-error there is no such protocol
  never(() => client.call.take())
  // @ts-expect-error ids are integers
  never(() => client.call.give({ items: [{ id: 'x' }] }))
  // @ts-expect-error it has no request
  never(() => client.call.clear({}))
  // @ts-expect-error there is no such event
  never(() => client.on('lines', () => {}))
  // @ts-expect-error there is no such type
  never(() => sprotoProtocol({ calls: c2s, login: 'Nobody' }))
})

// Proves: docs/client.md#sproto
test('a client of a sproto protocol sends and takes its bytes', async () => {
  const { client, gate } = setup()
  gate.link.opened()
  assert.deepEqual(
    gate.link.of('hello')[0]!.login,
    new Uint8Array(c2s.encode('Login', { name: 'bob' })),
  )
  gate.link.welcome()
  const items = [{ id: 7, tag: 'sword' }]
  const given = client.call.give({ items })
  const [request] = gate.link.of('request')
  const server = game.bodies!
  const taken = server.decode(
    'request',
    'give',
    request!.body,
  ) as CallsOf<Game>['give']['validRequest']
  assert.equal(taken.items?.get(7)?.tag, 'sword')
  const body = server.encode('response', 'give', { count: 1 })
  gate.link.say({ kind: 'answer', number: 1, body })
  assert.equal((await given).count, 1)
  const cleared = client.call.clear()
  assert.equal(gate.link.of('request')[1]!.body.length, 0)
  gate.link.answer(2)
  assert.equal(await cleared, undefined)
  const lines: (readonly number[] | undefined)[] = []
  client.on('line', ({ at }) => lines.push(at))
  client.on('over', (nothing) => assert.equal(nothing, undefined))
  const line = server.encode('event', 'line', { at: [1, 2] })
  gate.link.say({ kind: 'push', number: 1, name: 'line', body: line })
  gate.link.push(2, 'over')
  assert.deepEqual(lines, [[1, 2]])
})

test('what a server validates of a sproto protocol is whether there is a body', () => {
  const { calls, login } = game
  const issues = [{ message: 'it has no body' }]
  assert.deepEqual(calls.give.request['~standard'].validate(undefined), { issues })
  assert.deepEqual(login['~standard'].validate(undefined), { issues })
  assert.deepEqual(calls.clear.request['~standard'].validate(undefined), { value: undefined })
  assert.throws(() => game.bodies!.decode('request', 'give', Uint8Array.of(9)), {
    code: 'ERR_CODEC',
  })
  assert.equal((calls as Record<string, unknown>)['constructor'], undefined)
})

test('a sproto protocol of schemas that the compiler does not know has any name', async () => {
  const loose = sprotoProtocol({
    calls: loadSproto(c2s.bundle()),
    events: loadSproto(s2c.bundle()),
  })
  const gate = new FakeGate()
  const client = startClient(loose, { transport: gate }, new FakeSurroundings())
  gate.enter()
  client.call['give']!({ items: [] })
  assert.equal(gate.link.of('request')[0]!.name, 'give')
  assert.deepEqual(Object.keys(loose.events), ['line', 'over'])
})

test('sprotoProtocol() refuses what is wrong, and names the field', () => {
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /'calls' must be a schema/],
    [{ calls: {} }, /'calls' must be a schema that sproto\(\) or loadSproto\(\) has made/],
    [{ calls: c2s, events: 1 }, /'events' must be a schema/],
    [{ calls: c2s, login: 'Nobody' }, /'type' must be one of the schema/],
    [{ calls: c2s, event: s2c }, /option 'event'/],
  ]
  for (const [options, message] of rows) {
    const define = () => sprotoProtocol(options as { calls: typeof c2s })
    assert.throws(define, (error) => error instanceof TypeError && message.test(error.message))
  }
})
