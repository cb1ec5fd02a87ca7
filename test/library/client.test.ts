/** Clients in Node.js, over real connections: WebSocket, framed TCP, TLS. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import {
  type ClientConnectOptions,
  type ClientError,
  clientProtocol,
  connect,
  type SessionClient,
  unchecked,
} from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { WebSocket } from 'ws'
import { SessionServer, written } from '../support/session-server.ts'

const certificates = JSON.parse(
  readFileSync(new URL('../../../test/vectors/certificates.json', import.meta.url), 'utf8'),
) as Readonly<Record<'ca' | 'other' | 'local', { readonly cert: string; readonly key: string }>>

const canvas = clientProtocol({
  login: unchecked<{ name: string }>(),
  calls: {
    add: { request: unchecked<number>(), response: unchecked<number>() },
    hold: { response: unchecked<string>() },
    fail: {},
  },
  events: { line: unchecked<number>() },
})

async function start(t: TestContext, limits = {}) {
  const added: number[] = []
  const held: ((text: string) => void)[] = []
  const server = await new SessionServer(
    {
      add: (_session, value) => {
        added.push(value as number)
        return added.length
      },
      hold: () => new Promise((resolve) => held.push(resolve)),
      fail: () => {
        throw new Error('mine')
      },
    },
    limits,
  ).start()
  t.after(() => server.stop())
  return { server, added, held }
}

type OptionsOf = (server: SessionServer) => ClientConnectOptions
const overWebSocket: OptionsOf = ({ url }) => ({ url, WebSocket })
const overTcp: OptionsOf = ({ tcpPort }) => ({ transport: framedTcp({ port: tcpPort }) })
/** The build that pages in use load. */
const page: Pick<typeof import('skynet-ts/client'), 'connect'> = await import(
  import.meta.resolve('skynet-ts/client.js')
)
const WAYS = {
  WebSocket: [overWebSocket, connect],
  TCP: [overTcp, connect],
  'WebSocket of a page': [overWebSocket, page.connect],
} as const

function enter(t: TestContext, options: ClientConnectOptions, name = 'bob', make = connect) {
  const client = make(canvas, { login: { name }, retryMsMin: 1, ...options })
  t.after(() => client.close())
  return client
}

const becomes = (client: SessionClient<typeof canvas>, state: string): Promise<void> =>
  new Promise((resolve) => {
    if (client.state === state) resolve()
    const off = client.onState((now) => {
      if (now !== state) return
      off()
      resolve()
    })
  })

for (const [name, [optionsOf, make]] of Object.entries(WAYS)) {
  const enterBy = (t: TestContext, options: ClientConnectOptions, user?: string) =>
    enter(t, options, user, make)

  // Proves: docs/client.md#framed-tcp
  test(`a client over ${name} calls, hears events, and closes its session`, async (t) => {
    const { server } = await start(t)
    const client = enterBy(t, optionsOf(server))
    await client.ready
    assert.equal(await client.call.add(5), 1)
    const error = (await client.call.fail().catch((reason: unknown) => reason)) as ClientError
    assert.deepEqual([error.code, error.text], ['ERR_HANDLER', 'Error: mine'])
    const events = client.events('line')
    const [session] = server.sessions
    for (let i = 0; i < 50; i++) session!.push('line', written(i))
    for (let i = 0; i < 50; i++) assert.equal((await events.next()).value, i)
    const large = clientProtocol({ calls: { add: { request: unchecked<string>() } } })
    const other = make(large, optionsOf(server))
    t.after(() => other.close())
    await other.ready
    await other.call.add('x'.repeat(60_000))
    await assert.rejects(other.call.add('x'.repeat(66_000)), { code: 'ERR_CLIENT_TOO_LONG' })
    await client.close()
    while (server.table.get(session!.id) !== undefined) await new Promise(setImmediate)
  })

  // Proves: docs/client.md#once, #events
  test(`a session over ${name} outlives its cuts: each call once, no event missing`, async (t) => {
    const { server, added } = await start(t)
    const client = enterBy(t, { ...optionsOf(server), callsMax: 200 })
    const lines: number[] = []
    client.on('line', (line) => lines.push(line))
    await client.ready
    const [session] = server.sessions
    const calls: Promise<number>[] = []
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 10; i++) calls.push(client.call.add(round * 10 + i))
      client.send.add(1000 + round)
      session!.push('line', written(round))
      server.cut()
      await becomes(client, 'waiting')
      session!.push('line', written(100 + round))
      await becomes(client, 'open')
    }
    await Promise.all(calls)
    await client.call.add(-1)
    assert.equal(added.length, 111)
    assert.equal(new Set(added).size, 111, 'each has run once')
    assert.deepEqual(
      lines,
      [0, 100, 1, 101, 2, 102, 3, 103, 4, 104].concat([5, 105, 6, 106, 7, 107, 8, 108, 9, 109]),
    )
    assert.equal(server.sessions.length, 1)
  })

  test(`a login over ${name} that is refused rejects ready, and nobody tries again`, async (t) => {
    const { server } = await start(t)
    const client = enterBy(t, optionsOf(server), 'nobody')
    const error = (await client.ready.catch((reason: unknown) => reason)) as ClientError
    assert.deepEqual([error.code, error.closeCode], ['ERR_CLIENT_CLOSED', 'login'])
    assert.equal(error.message, 'Cannot connect: There is no such user')
    assert.equal(server.sessions.length, 0)
  })

  test(`a server that is not there over ${name} is waited for`, async (t) => {
    const { server } = await start(t)
    const options = optionsOf(server)
    server.stop()
    const client = enterBy(t, options)
    await becomes(client, 'waiting')
    assert.equal(client.reason?.code, 'lost')
    await becomes(client, 'connecting')
    await client.close()
    await assert.rejects(client.ready, { code: 'ERR_CLIENT_CLOSED' })
  })
}

// Proves: docs/client.md#limits
// Proves: docs/session-protocol.md#rate
test('whoever asks more than a gate takes in a second waits, and is not sent away', async (t) => {
  const { server } = await start(t, { messagesPerSecond: 500, window: 64 })
  const client = enter(t, { ...overTcp(server), callsMax: 1000 })
  const calls = Array.from({ length: 1000 }, (_, i) => client.call.add(i))
  await assert.rejects(client.call.add(1000), { code: 'ERR_CLIENT_FULL' })
  assert.equal((await Promise.all(calls)).length, 1000)
  assert.equal(client.state, 'open')
})

test('a client is told by code why it is closed, and when it may come back', async (t) => {
  const { server, held } = await start(t)
  const client = enter(t, overTcp(server))
  await client.ready
  const waiting = client.call.hold()
  while (held.length === 0) await new Promise(setImmediate)
  server.sessions[0]!.end({ code: 'agent', retryMs: 1 })
  await assert.rejects(waiting, { code: 'ERR_CLIENT_LOST', closeCode: 'agent' })
  await becomes(client, 'open')
  assert.equal(server.sessions.length, 2, 'it is a new session')
  server.sessions[1]!.end({ code: 'kicked', text: 'Be nice' })
  await becomes(client, 'closed')
  assert.deepEqual(client.reason, { code: 'kicked', text: 'Be nice' })
  await assert.rejects(client.call.add(1), { code: 'ERR_CLIENT_CLOSED', closeCode: 'kicked' })
})

// Proves: docs/client.md#reload
test('a second client with the storage of the first one has its session', async (t) => {
  const { server, held } = await start(t)
  const kept = new Map<string, string>()
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
  const options = { ...overWebSocket(server), storage }
  const before = enter(t, options)
  await before.ready
  const lost = before.call.hold()
  lost.catch(() => {})
  while (held.length === 0) await new Promise(setImmediate)
  server.sessions[0]!.push('line', written(1))
  const after = enter(t, options)
  const states: boolean[] = []
  after.onState((state, { isResumed }) => states.push(state === 'open' && isResumed))
  await after.ready
  await becomes(before, 'closed')
  assert.equal(before.reason?.code, 'superseded')
  held[0]!('nobody waits')
  assert.equal(await after.call.add(1), 1)
  assert.equal(server.sessions.length, 1)
  assert.deepEqual(states, [true])
})

// Proves: docs/client.md#framed-tcp
test('a client over TLS has the server that its certificate is of, or none', async (t) => {
  const { server } = await start(t)
  const { ca, local } = certificates
  const port = await server.tls({ key: local.key, cert: local.cert })
  const over = (tls: object) => ({ transport: framedTcp({ host: 'localhost', port, tls }) })
  const client = enter(t, over({ ca: ca.cert }))
  assert.equal(await client.call.add(1), 1)
  server.cut()
  assert.equal(await client.call.add(2), 2)
  assert.equal(server.sessions.length, 1)
  const stranger = enter(t, over({ ca: certificates.other.cert }))
  await becomes(stranger, 'waiting')
  assert.deepEqual(stranger.reason?.code, 'lost')
  assert.match(stranger.reason?.text ?? '', /certificate/)
})

test('connect() without a WebSocket says what to do', (t) => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket')
  Object.defineProperty(globalThis, 'WebSocket', { value: undefined, configurable: true })
  t.after(() => {
    if (own === undefined) delete (globalThis as { WebSocket?: unknown }).WebSocket
    else Object.defineProperty(globalThis, 'WebSocket', own)
  })
  const start = () => connect(canvas, { url: 'ws://127.0.0.1:1', login: { name: 'bob' } })
  assert.throws(start, { code: 'ERR_CLIENT_NO_WEBSOCKET' })
  assert.throws(start, /as in Node\.js before 22: give the option 'WebSocket'/)
})
