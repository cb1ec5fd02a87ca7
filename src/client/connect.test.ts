import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { ClientError } from './client-error.ts'
import type { ClientLinkEvents } from './client-link.ts'
import { clientProtocol, unchecked } from './client-protocol.ts'
import { startClient } from './connect.ts'
import type { ClientConnectOptions } from './connect-options.ts'
import { FakeGate, FakeSurroundings, readValue } from './fake-gate.kit.ts'
import { FULL } from './full.ts'

const canvas = clientProtocol({
  login: unchecked<{ name: string }>(),
  calls: {
    draw: { request: unchecked<number>(), response: unchecked<{ at: number }>() },
    clear: {},
  },
  events: { line: unchecked<string>(), cursor: unchecked<number>() },
})

function setup(options: ClientConnectOptions = {}) {
  const gate = new FakeGate()
  const around = new FakeSurroundings()
  const all = { transport: gate, login: { name: 'bob' }, ...options }
  const client = startClient(canvas, all, around)
  return { client, gate, around }
}

/** What a promise that is rejected says. */
async function failure(promise: Promise<unknown>): Promise<ClientError> {
  const error = await promise.then(
    () => assert.fail('it was not rejected'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ClientError, String(error))
  return error
}

// Proves: docs/client.md#own-transport
test('connect() logs in, is ready with the welcome, and tells its states', async () => {
  const { client, gate } = setup()
  const states: unknown[] = []
  client.onState((...state) => states.push(state))
  assert.equal(client.state, 'connecting')
  gate.link.opened()
  const [hello] = gate.link.of('hello')
  assert.deepEqual(readValue(hello!.login), { name: 'bob' })
  assert.equal(client.state, 'connecting')
  gate.link.welcome()
  await client.ready
  assert.deepEqual([client.state, client.id, client.reason], ['open', 's1', undefined])
  gate.link.cut('reset')
  const reason = { code: 'lost', text: 'reset' }
  assert.deepEqual(client.reason, reason)
  assert.deepEqual(states, [
    ['open', { isResumed: false, reason: undefined }],
    ['waiting', { isResumed: false, reason }],
  ])
})

test('call sends a request, and resolves with its answer', async () => {
  const { client, gate } = setup()
  const early = client.call.draw(1)
  const link = gate.enter()
  const done = client.call.clear()
  const requests = link.of('request').map(({ number, flags, name, body }) => {
    return [number, flags, name, readValue(body)]
  })
  assert.deepEqual(requests, [
    [1, 0, 'draw', 1],
    [2, 0, 'clear', undefined],
  ])
  link.answer(2)
  link.answer(1, { at: 7 })
  assert.deepEqual(await early, { at: 7 })
  assert.equal(await done, undefined)
})

test('call rejects with what the server says, and with what nobody can read', async () => {
  const { client, gate } = setup()
  const link = gate.enter()
  const refused = failure(client.call.draw(1))
  const broken = failure(client.call.draw(2))
  link.say({ kind: 'failed', number: 1, code: 'full', text: 'No room' })
  link.say({ kind: 'answer', number: 2, body: Uint8Array.of(255) })
  const { code, text, message, closeCode } = await refused
  assert.deepEqual([code, text, closeCode], ['full', 'No room', undefined])
  assert.equal(message, 'Cannot call draw: No room')
  const unreadable = await broken
  assert.equal(unreadable.code, 'ERR_CLIENT_UNREADABLE')
  assert.ok(unreadable.cause instanceof TypeError)
})

test('send asks without waiting, and nobody is told of its end', () => {
  const { client, gate } = setup()
  client.send.draw(5)
  const link = gate.enter()
  assert.equal(client.send.clear(), undefined)
  assert.deepEqual(
    link.of('request').map(({ flags, name }) => [flags, name]),
    [
      [1, 'draw'],
      [1, 'clear'],
    ],
  )
  link.answer(1)
})

// Proves: docs/client.md#once
test('a cut is waited out, and what was not answered is sent again on the next one', async () => {
  const { client, gate, around } = setup()
  const states: string[] = []
  client.onState((state, { isResumed }) => states.push(isResumed ? `${state} again` : state))
  const first = gate.enter()
  const answered = client.call.draw(1)
  const open = client.call.draw(2)
  first.answer(1, { at: 1 })
  await answered
  first.cut()
  const queued = client.call.draw(3)
  around.advance(249)
  assert.equal(gate.links.length, 1, 'half of 500 ms is waited')
  around.advance(1)
  const next = gate.enter({ isResumed: 1, epoch: 2, requestsUpTo: 1 })
  assert.deepEqual(next.of('hello')[0]!.token, Uint8Array.of(1, 2, 254))
  assert.equal(next.of('hello')[0]!.login.length, 0)
  assert.deepEqual(
    next.of('request').map(({ number, body }) => [number, readValue(body)]),
    [
      [2, 2],
      [3, 3],
    ],
  )
  assert.equal(client.reason, undefined)
  next.answer(3, { at: 3 })
  next.answer(2, { at: 2 })
  assert.deepEqual(await Promise.all([open, queued]), [{ at: 2 }, { at: 3 }])
  assert.deepEqual(states, ['open', 'waiting', 'connecting', 'open again'])
})

// Proves: docs/client.md#given-up
test('a call given up after it was sent may run, and its answer is dropped', async () => {
  const { client, gate, around } = setup()
  const link = gate.enter()
  const late = failure(client.call.draw(1, { timeoutMs: 100 }))
  around.advance(99)
  const controller = new AbortController()
  const aborted = failure(client.call.draw(2, { signal: controller.signal }))
  around.advance(1)
  controller.abort('enough')
  assert.deepEqual((await late).code, 'ERR_CLIENT_TIMEOUT')
  assert.equal((await late).text, `${FULL ? 'no answer in 100 ms, ' : ''}it may run nevertheless`)
  const { name, code, text, cause } = await aborted
  assert.deepEqual([name, code, cause], ['AbortError', 'ABORT_ERR', 'enough'])
  assert.equal(text, `${FULL ? 'aborted, ' : ''}it may run nevertheless`)
  link.answer(1, { at: 1 })
  link.answer(2, { at: 2 })
  const next = client.call.draw(3)
  link.answer(3, { at: 3 })
  assert.deepEqual(await next, { at: 3 }, 'the answer of another call is not taken for it')
})

// Proves: docs/client.md#given-up
test('a call given up before it was sent never runs', async () => {
  const { client, gate, around } = setup()
  const late = failure(client.call.draw(1, { timeoutMs: 100 }))
  const before = failure(client.call.draw(1, { signal: AbortSignal.abort('no') }))
  around.advance(100)
  assert.match((await late).text, /it was not sent$/)
  assert.match((await before).text, /it was not sent$/)
  assert.deepEqual(gate.enter().of('request'), [])
})

test('a call that is over leaves no timer and no listener', async () => {
  const { client, gate, around } = setup()
  const link = gate.enter()
  const timers = around.timers.size
  const { signal } = new AbortController()
  const counts = { add: 0, remove: 0 }
  const counted = Object.create(signal, {
    aborted: { value: false },
    addEventListener: { value: () => counts.add++ },
    removeEventListener: { value: () => counts.remove++ },
  }) as AbortSignal
  const done = client.call.draw(1, { timeoutMs: 5000, signal: counted })
  link.answer(1, { at: 1 })
  await done
  assert.deepEqual(counts, { add: 1, remove: 1 })
  around.advance(0)
  assert.ok(around.timers.size <= timers + 1, 'the one for the ACK')
})

// Proves: docs/client.md#limits
test('calls are refused beyond their count and their bytes', async () => {
  const { client } = setup({ callsMax: 2, callBytesMax: 8 })
  client.send.draw(1)
  client.call.draw(2).catch(() => {})
  assert.equal((await failure(client.call.draw(3))).code, 'ERR_CLIENT_FULL')
  assert.throws(() => client.send.clear(), { code: 'ERR_CLIENT_FULL' })
  const other = setup({ callBytesMax: 8 }).client
  other.send.draw(12_345_678)
  assert.throws(() => other.send.draw(1), { code: 'ERR_CLIENT_FULL' })
})

test('what is longer than the server takes fails when that is known', async () => {
  const { client, gate } = setup()
  const lost: string[] = []
  client.onLost((call, { code }) => lost.push(`${call} ${code}`))
  client.send.draw(1e20)
  const before = failure(client.call.draw(1e20))
  const link = gate.enter({ messageBytesMax: 50 })
  assert.equal((await before).code, 'ERR_CLIENT_TOO_LONG')
  const now = failure(client.call.draw(123_456_789_012_345_680_000))
  assert.equal((await now).code, 'ERR_CLIENT_TOO_LONG')
  const tooLong = { code: 'ERR_CLIENT_TOO_LONG' }
  assert.throws(() => client.send.draw(123_456_789_012_345_680_000), tooLong)
  assert.deepEqual(lost, ['draw ERR_CLIENT_TOO_LONG'])
  assert.deepEqual(link.of('request'), [])
  client.send.draw(1)
  assert.equal(link.of('request').length, 1)
})

// Proves: docs/client.md#never-silent
test('a call that others who are lost end, while it is asked, is told so', async () => {
  const { client, gate, around } = setup()
  const codes: string[] = []
  client.onLost((_call, { code }) => {
    codes.push(code)
    void client.close()
  })
  client.call.draw(1).catch(() => {})
  // It waits for its turn, and is found to be too long when the next one is asked.
  client.send.draw(1e20)
  gate.enter({ messagesPerSecond: 1, messageBytesMax: 50 })
  around.hold(1200)
  const { signal } = new AbortController()
  const error = await failure(client.call.draw(2, { timeoutMs: 1000, signal }))
  assert.deepEqual([error.code, codes], ['ERR_CLIENT_CLOSED', ['ERR_CLIENT_TOO_LONG']])
  assert.deepEqual([client.state, getEventListeners(signal, 'abort').length], ['closed', 0])
  assert.equal(around.timers.size, 0)
})

// Proves: docs/client.md#never-silent
test('a login that is refused ends the client, and says why everywhere', async () => {
  const { client, gate } = setup()
  const ready = failure(client.ready)
  const call = failure(client.call.draw(1))
  gate.link.opened()
  gate.link.say({ kind: 'close', code: 'login', text: 'No such user', retryMs: 0, isOver: 1 })
  for (const error of [await ready, await call, await failure(client.call.clear())]) {
    assert.deepEqual([error.code, error.closeCode], ['ERR_CLIENT_CLOSED', 'login'])
  }
  assert.equal((await ready).text, 'No such user')
  assert.deepEqual(client.reason, { code: 'login', text: 'No such user' })
  assert.equal(client.state, 'closed')
  assert.ok(gate.link.isClosed)
  assert.throws(() => client.send.clear(), { code: 'ERR_CLIENT_CLOSED' })
})

// Proves: docs/client.md#back-off
test('a server that is full says how long to wait, and the client comes back', () => {
  const { client, gate, around } = setup()
  gate.link.opened()
  gate.link.say({ kind: 'close', code: 'full', text: 'No more', retryMs: 8000, isOver: 0 })
  assert.equal(client.state, 'waiting')
  around.advance(3999)
  assert.equal(gate.links.length, 1)
  around.advance(1)
  assert.equal(gate.links.length, 2)
  gate.link.opened()
  assert.deepEqual(readValue(gate.link.of('hello')[0]!.login), { name: 'bob' })
})

// Proves: docs/client.md#back-off
test('each failed connection doubles the wait, up to the most', () => {
  const rows = [
    { options: { retryMsMin: 100, retryMsMax: 300 }, expected: [50, 100, 150, 150] },
    { options: { retryMsMax: 300 }, expected: [150, 150] },
  ]
  for (const { options, expected } of rows) {
    const { gate, around } = setup(options)
    const waits = expected.map(() => {
      gate.link.cut()
      const before = around.now()
      const { length } = gate.links
      while (gate.links.length === length) around.advance(1)
      return around.now() - before
    })
    assert.deepEqual(waits, expected)
  }
})

test('a connection that never opens is given up', () => {
  const { client, gate, around } = setup({ openTimeoutMs: 2000 })
  const first = gate.link
  around.advance(2000)
  assert.ok(first.isClosed)
  assert.deepEqual([client.state, client.reason?.code], ['waiting', 'timeout'])
})

test('heartbeats are as the server wants them, and silence ends the connection', () => {
  const { client, gate, around } = setup()
  const link = gate.enter({ heartbeatMs: 1000, missed: 3 })
  for (let i = 1; i <= 5; i++) {
    around.advance(1000)
    assert.equal(link.of('ping').length, i)
    link.say({ kind: 'pong', value: link.of('ping').at(-1)!.value })
  }
  around.advance(2999)
  assert.equal(client.state, 'open')
  around.advance(1)
  assert.deepEqual([client.state, client.reason?.code], ['waiting', 'silent'])
  assert.ok(link.isClosed)
})

// Proves: docs/client.md#never-silent
test('a session that the server has ended is followed by a new one, calls told apart', async () => {
  const { client, gate, around } = setup()
  const lost: string[] = []
  client.onLost((call, { code, closeCode }) => lost.push(`${call} ${code} ${closeCode}`))
  const states: string[] = []
  client.onState((state, { isResumed }) => states.push(`${state} ${isResumed}`))
  const first = gate.enter()
  const sent = failure(client.call.draw(1))
  client.send.draw(2)
  first.say({ kind: 'close', code: 'agent', text: 'It has ended', retryMs: 1000, isOver: 1 })
  const { code, closeCode } = await sent
  assert.deepEqual([code, closeCode], ['ERR_CLIENT_LOST', 'agent'])
  assert.deepEqual(lost, ['draw ERR_CLIENT_LOST agent'])
  const queued = client.call.draw(3)
  around.advance(500)
  const next = gate.enter({ session: 's2', token: Uint8Array.of(9) })
  assert.equal(next.of('hello')[0]!.token.length, 0)
  next.answer(1, { at: 3 })
  assert.deepEqual(await queued, { at: 3 })
  assert.deepEqual(states, ['open false', 'waiting false', 'connecting false', 'open false'])
  assert.equal(client.id, 's2')
})

test('close() ends the session, and leaves nothing behind', async () => {
  const { client, gate, around } = setup()
  const link = gate.enter()
  const sent = failure(client.call.draw(1))
  const events = client.events('line')
  const next = events.next()
  await client.close()
  await client.close()
  assert.equal(link.of('bye').length, 1)
  assert.ok(link.isClosed)
  assert.equal((await sent).code, 'ERR_CLIENT_LOST')
  assert.deepEqual(await next, { done: true, value: undefined })
  assert.equal(around.timers.size, 0)
  assert.equal(around.window.listeners.length, 0)
  assert.deepEqual(client.reason?.code, 'bye')
})

test('close() before the welcome rejects ready and what waits', async () => {
  const { client, gate } = setup()
  const queued = failure(client.call.draw(1))
  await client.close()
  assert.equal((await failure(client.ready)).code, 'ERR_CLIENT_CLOSED')
  assert.equal((await queued).code, 'ERR_CLIENT_CLOSED')
  gate.link.opened()
  assert.deepEqual(gate.link.heard, [])
})

// Proves: docs/client.md#events
test('on() hears of each event, in order, until it is ended', () => {
  const { client, gate } = setup()
  const heard: string[] = []
  const off = client.on('line', (text) => heard.push(`a ${text}`))
  client.on('line', (text) => heard.push(`b ${text}`))
  const link = gate.enter()
  link.push(1, 'line', 'x')
  link.push(2, 'cursor', 1)
  link.push(3, 'of a newer server', 1)
  off()
  link.push(4, 'line', 'y')
  assert.deepEqual(heard, ['a x', 'b x', 'b y'])
  assert.equal(client.state, 'open')
})

test('an event that cannot be read closes the client', async () => {
  const { client, gate } = setup()
  client.on('line', () => assert.fail('it cannot be read'))
  const events = client.events('cursor')
  const link = gate.enter()
  link.say({ kind: 'push', number: 1, name: 'line', body: Uint8Array.of(255) })
  assert.deepEqual([client.state, client.reason?.code], ['closed', 'unreadable'])
  const error = await failure(events.next())
  assert.deepEqual([error.code, error.closeCode], ['ERR_CLIENT_CLOSED', 'unreadable'])
})

// Proves: docs/client.md#limits
test('events() keeps what comes for a loop, up to its limit', async () => {
  const { client, gate } = setup()
  const fast = client.events('line', { limit: 3 })
  const slow = client.events('line', { limit: 2 })
  const link = gate.enter()
  const first = fast.next()
  for (const [i, text] of ['a', 'b', 'c'].entries()) link.push(i + 1, 'line', text)
  assert.deepEqual(await first, { done: false, value: 'a' })
  const got: string[] = []
  for await (const text of fast) {
    got.push(text)
    if (text === 'c') break
  }
  assert.deepEqual(got, ['b', 'c'])
  assert.deepEqual([(await slow.next()).value, (await slow.next()).value], ['a', 'b'])
  assert.equal((await failure(slow.next())).code, 'ERR_CLIENT_LAG')
  assert.deepEqual(await slow.next(), { done: true, value: undefined }, 'it is told once')
  link.push(4, 'line', 'd')
  assert.deepEqual(await fast.next(), { done: true, value: undefined }, 'the loop was left')
})

test('events() of a client that the server has ended end with the reason', async () => {
  const { client, gate } = setup()
  const events = client.events('line')
  const link = gate.enter()
  link.push(1, 'line', 'last')
  link.say({ kind: 'close', code: 'kicked', text: 'Go', retryMs: 0, isOver: 1 })
  assert.equal((await events.next()).value, 'last')
  assert.equal((await failure(events.next())).closeCode, 'kicked')
  assert.equal((await failure(client.events('line').next())).closeCode, 'kicked')
})

// Proves: docs/client.md#awake
test('a page that comes back looks at its connection, and does not wait longer', () => {
  const { client, gate, around } = setup()
  const link = gate.enter()
  around.window.document.visibilityState = 'hidden'
  around.window.tell('visibilitychange')
  assert.equal(link.of('ping').length, 0)
  around.window.document.visibilityState = 'visible'
  around.window.tell('visibilitychange')
  assert.equal(link.of('ping').length, 1)
  around.advance(3000)
  assert.deepEqual([client.state, client.reason?.code], ['waiting', 'silent'])
  around.window.tell('online')
  assert.equal(gate.links.length, 2, 'it does not wait for its time')
  gate.link.cut()
  around.window.tell('pageshow')
  assert.equal(gate.links.length, 3)
})

// Proves: docs/client.md#leaving
test('a page that goes away for good ends its session, unless it has a storage', () => {
  const gone = setup()
  const link = gone.gate.enter()
  gone.around.window.tell('pagehide', { persisted: true })
  assert.equal(gone.client.state, 'open', 'it may come back as it was')
  gone.around.window.tell('pagehide', { persisted: false })
  assert.equal(link.of('bye').length, 1)
  const storage = { getItem: () => null, setItem: () => {}, removeItem: () => {} }
  const kept = setup({ storage })
  kept.gate.enter()
  kept.around.window.tell('pagehide', { persisted: false })
  assert.equal(kept.client.state, 'open')
})

// Proves: docs/client.md#reload
test('a page that is loaded again goes on with its session', async () => {
  const kept = new Map<string, string>()
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
  setup({ storage }).gate.enter()
  const { client, gate, around } = setup({ storage })
  const lines: string[] = []
  client.on('line', (line) => lines.push(line))
  gate.link.opened()
  const [hello] = gate.link.of('hello')
  assert.deepEqual(hello!.token, Uint8Array.of(1, 2, 254))
  const token = Uint8Array.of(7)
  gate.link.welcome({ isResumed: 1, epoch: 2, requestsUpTo: 4, pushesUpTo: 9, open: [4], token })
  gate.link.push(10, 'line', 'kept')
  assert.deepEqual(lines, ['kept'])
  const next = client.call.draw(5)
  // What the page before has just said counts.
  around.advance(11)
  assert.equal(gate.link.of('request')[0]!.number, 5, 'numbers go on')
  gate.link.answer(4, { at: 4 })
  gate.link.answer(5, { at: 5 })
  assert.deepEqual(await next, { at: 5 })

  const other = startClient(
    canvas,
    { transport: new FakeGate(), login: { name: 'eve' }, storage },
    new FakeSurroundings(),
  )
  assert.equal(other.state, 'connecting')
  await client.close()
  assert.equal(kept.size, 0, 'what has ended is not resumed')
})

// Proves: docs/session-protocol.md#attempt
test('a clock set back between two loads of a page makes no attempt late', () => {
  const kept = new Map<string, string>()
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
  const hello = (backMs: number) => {
    const { gate, around, client } = setup({ storage })
    around.advance(-backMs)
    gate.link.opened()
    return { gate, client, ...gate.link.of('hello')[0]! }
  }
  hello(0).gate.link.welcome()
  // Each shows the same token, as no WELCOME comes: the later load must be the later attempt.
  const before = hello(0)
  const after = hello(3_600_000)
  assert.deepEqual(after.token, before.token)
  assert.ok(after.attempt > before.attempt, `${after.attempt} follows ${before.attempt}`)
  assert.ok(hello(7_200_000).attempt > after.attempt)
})

// Proves: docs/client.md#reload
test('somebody else who logs in gets no session of before', () => {
  const kept = new Map([['skynet-ts ', '[0,1,1,2,254]']])
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
  const { gate } = setup({ storage })
  gate.link.opened()
  assert.equal(gate.link.of('hello')[0]!.token.length, 0)
  assert.equal(kept.size, 0)
})

test('a storage that fails costs the session after the next load, and no more', () => {
  const fail = (): never => {
    throw new Error('QuotaExceededError')
  }
  const { client, gate } = setup({ storage: { getItem: fail, setItem: fail, removeItem: fail } })
  gate.enter()
  assert.equal(client.state, 'open')
})

test('login may be a function, asked for each new session', async () => {
  const gate = new FakeGate()
  const around = new FakeSurroundings()
  const names = ['first', 'second']
  const login = async () => {
    const name = names.shift()
    if (name === undefined) throw new Error('no more names')
    return { name }
  }
  const client = startClient(canvas, { transport: gate, login }, around)
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  assert.equal(gate.links.length, 0)
  await settled()
  gate.link.opened()
  assert.deepEqual(readValue(gate.link.of('hello')[0]!.login), { name: 'first' })
  gate.link.welcome()
  gate.link.cut()
  around.advance(500)
  assert.equal(gate.links.length, 2, 'a session that goes on needs none')
  gate.link.opened()
  gate.link.say({ kind: 'close', code: 'unknown', text: 'Forgotten', retryMs: 10, isOver: 1 })
  around.advance(10)
  await settled()
  gate.link.opened()
  assert.deepEqual(readValue(gate.link.of('hello')[0]!.login), { name: 'second' })
  gate.link.say({ kind: 'close', code: 'node', text: 'It stops', retryMs: 10, isOver: 1 })
  around.advance(10)
  await settled()
  assert.deepEqual(client.reason, { code: 'no-login', text: 'Error: no more names' })
  assert.equal(client.state, 'waiting', 'it is asked again')
})

test('what a listener throws is an uncaught error, and keeps nothing from the others', () => {
  const { client, gate, around } = setup()
  const heard: string[] = []
  const error = new Error('mine')
  const fail = (): never => {
    throw error
  }
  client.on('line', fail)
  client.on('line', (text) => heard.push(text))
  client.onState(fail)
  gate.enter().push(1, 'line', 'x')
  assert.deepEqual(heard, ['x'])
  assert.deepEqual(around.errors, [error, error])
  assert.equal(client.state, 'open')
})

test('onState() tells all of one change before the next, which a listener may have caused', () => {
  const { client, gate } = setup()
  const heard: string[] = []
  client.onState((state) => state === 'open' && void client.close())
  client.onState((state) => heard.push(state))
  gate.enter()
  assert.deepEqual(heard, ['open', 'closed'])
})

test('connect() refuses what is wrong, and names it', { skip: !FULL }, () => {
  const cycle: { name: string; self?: object } = { name: 'bob' }
  cycle.self = cycle
  const transport = new FakeGate()
  const good = { transport, login: { name: 'bob' } }
  const rows: readonly (readonly [object | undefined, RegExp])[] = [
    [undefined, /'options' must be a plain object/],
    [{}, /'url' must be given, or else transport/],
    [{ ...good, url: 'ws://x' }, /'url' must be given, or else transport, not both/],
    [{ url: 'ftp://x', WebSocket: Object }, /'url' must be an address of 'ws:' or 'wss:'.*ftp/],
    [{ url: '/canvas', WebSocket: Object }, /'url' must be an address/],
    [{ url: 'ws://x/#1', WebSocket: Object }, /'url' must be an address of .*, without '#'/],
    [{ url: 5, WebSocket: Object }, /'url' must be a string or a URL: current value is 5/],
    [{ url: 'http://x', WebSocket: 5 }, /'WebSocket' must be a class: current value is 5/],
    [{ url: 'http://x', WebSocket: () => {} }, /'WebSocket' must be a class: .* of type function/],
    [{ ...good, subprotocols: 'a b' }, /'subprotocols' must be tokens.*: current value is "a b"/],
    [{ ...good, subprotocols: ['a', ''] }, /'subprotocols' must be tokens/],
    [{ ...good, subprotocols: ['a', 'a'] }, /'subprotocols' must be tokens, none of them twice/],
    [{ ...good, subprotocols: {} }, /'subprotocols' must be tokens.*: .* of type object/],
    [{ transport, login: cycle }, /send login as 'value' must be what JSON has: TypeError: Conv/],
    [{ transport, login: 1n }, /send login as 'value' must be what JSON has: .* BigInt: .* 1$/],
    [{ transport: {} }, /'transport\.open' must be a function/],
    [{ ...good, storage: {} }, /'storage\.getItem' must be a function/],
    [{ ...good, callsMax: 0 }, /'callsMax' must be a whole number in 1\.\.\d+: current value is 0/],
    [{ ...good, callBytesMax: 1.5 }, /'callBytesMax'/],
    [{ ...good, openTimeoutMs: '1' }, /'openTimeoutMs'/],
    [{ ...good, retryMsMin: Number.NaN }, /'retryMsMin'/],
    [{ ...good, retryMsMax: 2 ** 31 }, /'retryMsMax'/],
    [{ ...good, retryMsMin: 6, retryMsMax: 5 }, /'retryMsMin' must be .* in 1\.\.5: .* is 6/],
    [{ ...good, retryMsMin: 30_001 }, /'retryMsMin' must be .* in 1\.\.30000:/],
    [{ ...good, storageKey: 7 }, /'storageKey' must be a string: current value is 7/],
    [{ ...good, retryMs: 1 }, /with option 'retryMs': there are url, transport, /],
  ]
  for (const [options, message] of rows) {
    const start = () => startClient(canvas, options as typeof good, new FakeSurroundings())
    assert.throws(start, (error) => {
      assert.match((error as Error).message, message)
      return error instanceof TypeError || error instanceof RangeError
    })
  }
  assert.equal(transport.links.length, 0)
  for (const protocol of [{}, undefined, { events: {} }, 'canvas']) {
    const start = () => startClient(protocol as never, good as never, new FakeSurroundings())
    assert.throws(start, /'protocol' must be of clientProtocol\(\): current value is/)
  }
  // A class that was bound, or stands behind a Proxy, is one; a list of tokens is fine.
  for (const WebSocket of [Function.prototype.bind.call(Date, null), new Proxy(Date, {})]) {
    const options = { ...good, WebSocket, subprotocols: ['chat', 'v1.chat'] }
    void startClient(canvas, options as never, new FakeSurroundings()).close()
  }
})

test('connect() throws what its transport throws, and leaves nothing behind', () => {
  const around = new FakeSurroundings()
  const transport = {
    open() {
      throw new RangeError('no such place')
    },
  }
  const start = () => startClient(canvas, { transport, login: { name: 'bob' } }, around)
  assert.throws(start, { name: 'RangeError', message: 'no such place' })
  assert.equal(around.timers.size, 0)
  assert.equal(around.window.listeners.length, 0)
})

test('a transport that throws later is tried again', () => {
  const gate = new FakeGate()
  const around = new FakeSurroundings()
  let isBroken = false
  const transport = {
    open(events: ClientLinkEvents) {
      if (isBroken) throw new RangeError('no such place')
      return gate.open(events)
    },
  }
  const client = startClient(canvas, { transport, login: { name: 'bob' } }, around)
  gate.enter()
  isBroken = true
  gate.link.cut()
  around.advance(250)
  assert.deepEqual(client.reason, { code: 'lost', text: 'RangeError: no such place' })
  isBroken = false
  around.advance(1000)
  assert.equal(gate.links.length, 2)
})

test('calls and events refuse what is wrong, and name it', { skip: !FULL }, async () => {
  const { client } = setup()
  const options = { timeoutMs: -1 }
  await assert.rejects(client.call.draw(1, options), /'timeoutMs' must be a number in 0\.\./)
  await assert.rejects(client.call.draw(1, { timeOut: 1 } as object), /option 'timeOut': there are/)
  await assert.rejects(client.call.draw(1, { signal: 1 } as object), /'signal' must be an Abort/)
  await assert.rejects(
    client.call.draw((() => {}) as never),
    /send draw as 'value' must be what JSON has/,
  )
  assert.throws(() => client.events('line', { limit: 0 }), /'limit' must be a whole number/)
  assert.throws(() => client.on('none' as 'line', () => {}), /'event' must be one of line, cursor/)
  assert.throws(() => client.on('line', 1 as never), /'listener' must be a function/)
  assert.throws(() => client.onState(5 as never), /'listener' must be a function/)
  assert.throws(() => client.onLost(undefined as never), /'listener' must be a function/)
})

test('wrong uses of a client do not compile', () => {
  const { client } = setup()
  const never = (_use: () => unknown): void => {}
  // @ts-expect-error there is no such call
  never(() => client.call.paint(1))
  // @ts-expect-error it has a value
  never(() => client.call.draw())
  // @ts-expect-error a number
  never(() => client.call.draw('x'))
  // @ts-expect-error there is no value to give
  never(() => client.call.clear(1))
  // @ts-expect-error nobody waits
  never(() => client.send.draw(1, { timeoutMs: 1 }))
  // @ts-expect-error there is no such event
  never(() => client.on('none', () => {}))
  // @ts-expect-error it is text
  never(() => client.on('line', (_value: number) => {}))
  // @ts-expect-error it has a login
  never(() => startClient(canvas, { url: 'ws://x' }, new FakeSurroundings()))
  // @ts-expect-error of that login
  never(() => startClient(canvas, { url: 'ws://x', login: 'bob' }, new FakeSurroundings()))
  never(async () => (await client.call.draw(1)).at.toFixed())
  // @ts-expect-error it says nothing but that it is done
  never(async () => (await client.call.clear()).at)
})
