/** Whom a gate lets in, whom it keeps, whom it sends away; and what each is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE_CODES } from '../client/close-codes.ts'
import { decodeWire, encodeWire, FROM_CLIENT, FROM_SERVER } from '../client/wire.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import { ClientFault } from './client-fault.ts'
import { defineGate } from './define-gate.ts'
import { game, gateOf, recorder, type TestOptions, TestUser, type Told } from './session.kit.ts'
import type { Session } from './session.ts'
import { tcp } from './tcp.ts'

const HELLO = encodeWire(FROM_CLIENT, {
  ...{ kind: 'hello', version: 1, attempt: 1, token: new Uint8Array(0) },
  ...{ pushesUpTo: 0, answersUpTo: 0, login: Buffer.from('{"name":"raw"}') },
})

/** Somebody who sends what he likes, and the code that he is told at the end. */
async function stranger(node: TestNode, port: number, ...messages: Uint8Array[]) {
  const client = await node.connect({ host: '127.0.0.1', port })
  const stream = client.frames({ header: 'u16be' })
  for (const message of messages) stream.send(message)
  return {
    stream,
    /** Undefined: he hears nothing, and sees the end. */
    async closed(): Promise<string | undefined> {
      let code: string | undefined
      for await (const bytes of stream) {
        const message = decodeWire(FROM_SERVER, bytes)
        if (message.kind === 'close') code = message.code
      }
      return code
    },
  }
}

/** A gate, its agent and a clock. */
async function open(node: TestNode, options: TestOptions = {}) {
  const told: Told = []
  const sessions: Session<typeof game>[] = []
  const agent = await node.launch(recorder(told, sessions))
  return { told, sessions, agent, ...(await gateOf(node, agent, options)) }
}

// Proves: docs/session.md#resume
test('a client that is cut comes back: each call ran once, no push is missing', async () => {
  await using node = await testNode()
  const { told, sessions, gate, port } = await open(node)
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  for (let round = 0; round < 20; round++) {
    const calls = Array.from({ length: 5 }, (_, i) => ann.call('add', round * 5 + i))
    sessions[0]!.push('at', 2 * round)
    ann.cut()
    sessions[0]!.push('at', 2 * round + 1)
    for (const [i, call] of calls.entries())
      assert.deepEqual(await call, { value: round * 5 + i + 1 })
  }
  await ann.until(({ events }) => events.length === 40)
  assert.deepEqual(
    ann.events.map(([, at]) => at),
    Array.from({ length: 40 }, (_, i) => i),
  )
  const added = told.filter(([what]) => what === 'add').map(([, , n]) => n)
  assert.deepEqual(added, [0, ...Array.from({ length: 100 }, (_, i) => i)])
  const drops = told.filter(([what]) => what === 'dropped')
  assert.deepEqual(
    drops,
    Array.from({ length: 20 }, () => ['dropped', 'ann', 'lost']),
  )
  const backs = told.filter(([what]) => what === 'back').map(([, , epoch]) => epoch)
  assert.deepEqual(
    backs,
    Array.from({ length: 20 }, (_, i) => i + 2),
  )
  const { admitted, resumed, sessions: count } = await gate.call.stat()
  assert.deepEqual([admitted, resumed, count], [1, 20, 1])
})

// Proves: docs/session.md#take-over
test('a client comes back while its old connection is half-dead: that one is void', async () => {
  await using node = await testNode()
  const { told, gate, port } = await open(node)
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  const old = ann.detach()
  await ann.state('open')
  assert.deepEqual(await ann.call('add', 1), { value: 2 })
  await old.ended
  // What the old one says and ends comes too late.
  await node.settled()
  assert.deepEqual(await ann.call('add', 2), { value: 3 })
  assert.deepEqual(
    told.filter(([what]) => what !== 'add'),
    [
      ['joined', 'ann', undefined],
      ['dropped', 'ann', 'superseded'],
      ['back', 'ann', 2],
    ],
  )
  assert.equal((await gate.call.stat()).connections, 1)
})

// Proves: docs/session.md#keep
test('a session whose client does not come back within keepMs ends', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { told, gate, port } = await open(node, { keepMs: 1000 })
  const raw = await stranger(node, port, HELLO)
  await node.settled()
  void raw.stream.close()
  await node.settled()
  await clock.advance(900)
  assert.equal((await gate.call.stat()).sessions, 1)
  await clock.advance(250)
  const { sessions, expired } = await gate.call.stat()
  assert.deepEqual([sessions, expired], [0, 1])
  assert.deepEqual(told, [
    ['joined', 'raw', undefined],
    ['dropped', 'raw', 'lost'],
    ['left', 'raw', 'silent'],
  ])
})

// Proves: docs/session.md#silence
test('a client that says nothing is given up; what is sent to it does not count', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { told, sessions, port } = await open(node, { heartbeatMs: 1000, missed: 3 })
  const raw = await stranger(node, port, HELLO)
  await node.settled()
  for (let i = 0; i < 29; i++) {
    sessions[0]!.push('at', i)
    await clock.advance(100)
  }
  assert.deepEqual(told, [['joined', 'raw', undefined]])
  await clock.advance(500)
  assert.deepEqual(told[1], ['dropped', 'raw', 'silent'])
  assert.equal(await raw.closed(), 'silent')
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  await clock.advance(60_000)
  assert.equal(
    told.some(([what, user]) => what === 'dropped' && user === 'ann'),
    false,
  )
})

// Proves: docs/session.md#login
test('a login that throws refuses: a ClientFault with its text, all else without', async () => {
  await using node = await testNode()
  const agent = await node.launch(recorder([]))
  const { port, gate } = await gateOf(node, agent, {
    async login(_skynet, { name }) {
      await Promise.resolve()
      if (name === 'fault') throw new ClientFault('banned', 'Not you')
      if (name === 'throw') throw new Error('secret')
      if (name === 'odd') return { user: name } as never
      if (name === 'more') return { user: name, agent, dta: 1 } as never
      return { user: name, agent }
    },
  })
  const rows = [
    ['fault', 'login', 'Not you'],
    ['throw', 'error', CLOSE_CODES.error.text],
    ['odd', 'error', CLOSE_CODES.error.text],
    ['more', 'error', CLOSE_CODES.error.text],
    ['', 'error', CLOSE_CODES.error.text],
  ] as const
  for (const [name, code, text] of rows) {
    const user = new TestUser(node, port, { name })
    await user.until(({ reason }) => reason !== undefined)
    assert.deepEqual(user.reason, { code, text })
    user.core.close()
  }
  assert.match(node.log.all.map(({ text }) => text).join(), /login of a client: .*secret/s)
  await node.settled()
  const { sessions, strangers, closed } = await gate.call.stat()
  assert.deepEqual([sessions, strangers, closed.login, closed.error], [0, 0, 1, 4])
})

test('credentials are looked at: what is none is refused, and names what is wrong', async () => {
  await using node = await testNode()
  const { port } = await open(node)
  const hello = (login: string): Uint8Array =>
    encodeWire(FROM_CLIENT, {
      ...{ kind: 'hello', version: 1, attempt: 1, token: new Uint8Array(0) },
      ...{ pushesUpTo: 0, answersUpTo: 0, login: Buffer.from(login) },
    })
  for (const login of ['{', '\xff', '['.repeat(1000)]) {
    const raw = await stranger(node, port, hello(login))
    assert.equal(await raw.closed(), 'login')
  }
})

// Proves: docs/session.md#login-timeout
test('who does not log in is closed in time, and so is one whose login hangs', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const agent = await node.launch(recorder([]))
  let letIn!: () => void
  const { gate, port } = await gateOf(node, agent, {
    loginTimeoutMs: 1000,
    login: (_skynet, { name }) =>
      new Promise((resolve) => {
        letIn = () => resolve({ user: name, agent })
      }),
  })
  const silent = await stranger(node, port)
  const hanging = await stranger(node, port, HELLO)
  await node.settled()
  assert.equal((await gate.call.stat()).strangers, 2)
  await clock.advance(1150)
  assert.equal(await silent.closed(), 'login-timeout')
  assert.equal(await hanging.closed(), 'login-timeout')
  assert.equal((await gate.call.stat()).strangers, 1, 'a login that runs counts')
  letIn()
  await node.settled()
  const { sessions, strangers } = await gate.call.stat()
  assert.deepEqual([sessions, strangers], [0, 0])
})

// Proves: docs/session.md#same-user
test('a user who logs in again replaces himself, or is refused, or is there twice', async () => {
  await using node = await testNode()
  const rows = [
    ['replace', 'replaced', undefined, 1],
    ['refuse', undefined, 'login', 1],
    ['allow', undefined, undefined, 2],
  ] as const
  for (const [sameUser, first, second, count] of rows) {
    const { gate, port } = await open(node, { sameUser })
    const one = new TestUser(node, port)
    assert.deepEqual(await one.call('add', 1), { value: 2 })
    const two = new TestUser(node, port)
    await two.until(({ core, reason }) => core.state === 'open' || reason !== undefined)
    await node.settled()
    assert.equal(one.reason?.code, first, sameUser)
    assert.equal(two.reason?.code, second, sameUser)
    assert.equal((await gate.call.stat()).sessions, count)
    assert.equal(await gate.call.kick({ user: 'ann' }), count)
  }
})

// Proves: docs/session.md#same-user
test('a user whose welcome was lost is not in his own way', async () => {
  await using node = await testNode()
  for (const sameUser of ['replace', 'refuse'] as const) {
    const { told, gate, port } = await open(node, { sameUser })
    const raw = await stranger(node, port, HELLO)
    await raw.stream.receive()
    await raw.stream.close()
    const user = new TestUser(node, port, { name: 'raw' })
    assert.deepEqual(await user.call('add', 1), { value: 2 }, sameUser)
    await node.settled()
    assert.ok(told.some(([what, , code]) => what === 'left' && code === 'replaced'))
    // He has said something by now: nobody else is let in.
    const other = new TestUser(node, port, { name: 'raw' })
    await other.until(({ core, reason }) => core.state === 'open' || reason !== undefined)
    assert.equal(other.reason?.code, sameUser === 'refuse' ? 'login' : undefined)
    assert.equal((await gate.call.stat()).sessions, 1)
  }
})

// Proves: docs/session.md#limits
test('maxSessions: one more is told full; who has a session comes back to it', async () => {
  await using node = await testNode()
  const { gate, port } = await open(node, { maxSessions: 2 })
  const users = ['ann', 'bob'].map((name) => new TestUser(node, port, { name }))
  for (const user of users) assert.deepEqual(await user.call('add', 1), { value: 2 })
  const raw = await stranger(node, port, HELLO)
  assert.equal(await raw.closed(), 'full')
  users[0]!.cut()
  assert.deepEqual(await users[0]!.call('add', 2), { value: 3 })
  users[1]!.core.close()
  await node.settled()
  const carl = new TestUser(node, port, { name: 'carl' })
  assert.deepEqual(await carl.call('add', 1), { value: 2 })
  const { sessions, closed } = await gate.call.stat()
  assert.deepEqual([sessions, closed.full], [2, 1])
})

// Proves: docs/session.md#per-address
test('perAddress: one more connection is told address, or opens', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { gate, port } = await open(node, { perAddress: { connections: 2, opensPerSecond: 3 } })
  const ann = new TestUser(node, port)
  await ann.call('add', 1)
  const raw = await stranger(node, port)
  await node.settled()
  assert.equal(await (await stranger(node, port)).closed(), 'address')
  void raw.stream.close()
  await node.settled()
  const bob = new TestUser(node, port, { name: 'bob' })
  assert.deepEqual(await bob.call('add', 1), { value: 2 })
  bob.core.close()
  await node.settled()
  assert.equal(await (await stranger(node, port)).closed(), 'opens')
  await clock.advance(400)
  const carl = new TestUser(node, port, { name: 'carl' })
  assert.deepEqual(await carl.call('add', 1), { value: 2 })
  const { closed } = await gate.call.stat()
  assert.deepEqual([closed.address, closed.opens], [1, 1])
})

// Proves: docs/session.md#limits
// Proves: docs/limits.md#session-message
test('what a client sends too much of ends it: size, rate, protocol', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { told, gate, port } = await open(node, {
    ...{ messageBytesMax: 1000, messagesPerSecond: 10, window: 4 },
  })
  const request = (number: number, length = 1): Uint8Array => {
    const body = Buffer.from(JSON.stringify('x'.repeat(length - 2)))
    return encodeWire(FROM_CLIENT, { kind: 'request', number, flags: 0, name: 'wait', body })
  }
  const exact = request(1, 1000 - (request(1, 100).length - 100))
  assert.equal(exact.length, 1000)
  const long = await stranger(node, port, HELLO)
  await node.settled()
  long.stream.send(exact)
  long.stream.send(Buffer.alloc(1001))
  assert.equal(await long.closed(), 'size')
  const beyond = await stranger(node, port, HELLO)
  await node.settled()
  for (const n of [1, 2, 3, 4, 5]) beyond.stream.send(request(n, 3))
  assert.equal(await beyond.closed(), 'protocol')
  const ping = encodeWire(FROM_CLIENT, { kind: 'ping', value: 1 })
  const calm = await stranger(node, port, HELLO)
  await node.settled()
  // Heartbeats of 15 s, two of which may be missing: 2 of 2 of them, 2 a second, 16, and a window.
  for (let i = 0; i < 16 + 4 + 4 + 60; i++) calm.stream.send(ping)
  await node.settled()
  assert.equal(calm.stream.isOpen, true)
  calm.stream.send(ping)
  assert.equal(await calm.closed(), 'rate')
  for (const garbage of [Buffer.alloc(0), Buffer.from('GET / HTTP/1.1'), Buffer.alloc(900, 0xff)]) {
    assert.equal(await (await stranger(node, port, garbage)).closed(), 'protocol')
    const inside = await stranger(node, port, HELLO)
    await node.settled()
    inside.stream.send(garbage)
    assert.equal(await inside.closed(), 'protocol')
  }
  const waits = told.filter(([what]) => what === 'wait')
  assert.equal(waits.length, 1 + 4)
  await node.settled()
  const { sessions, strangers, closed } = await gate.call.stat()
  assert.deepEqual([sessions, strangers], [0, 0])
  assert.deepEqual([closed.size, closed.rate, closed.protocol], [1, 1, 7])
})

// Proves: docs/session.md#back-pressure
test('a client that is read no further may be gone: it is not kept for ever', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { told, gate, port } = await open(node, { heartbeatMs: 1000, missed: 2, keepMs: 5000 })
  const raw = await stranger(node, port, HELLO)
  await node.settled()
  const body = Buffer.from(JSON.stringify('x'.repeat(10_000)))
  for (let number = 1; number <= 20; number++) {
    const request = { kind: 'request', number, flags: 0, name: 'wait', body } as const
    raw.stream.send(encodeWire(FROM_CLIENT, request))
  }
  await node.settled()
  void raw.stream.close()
  await node.settled()
  await clock.advance(5000)
  assert.equal((await gate.call.stat()).connections, 1)
  await clock.advance(2500)
  assert.deepEqual(told.at(-1), ['dropped', 'raw', 'silent'])
  await clock.advance(6000)
  const { sessions, connections, strangers } = await gate.call.stat()
  assert.deepEqual([sessions, connections, strangers], [0, 0, 0])
  assert.deepEqual(told.at(-1), ['left', 'raw', 'silent'])
})

// Proves: docs/session.md#slow-clients
test('a client that reads nothing: the newest of a key counts, and a limit ends it', async () => {
  await using node = await testNode()
  const { sessions, told, gate, port } = await open(node, { pushesMax: 500 })
  const raw = await stranger(node, port, HELLO)
  await node.settled()
  const [session] = sessions
  const long = 'x'.repeat(1000)
  for (let i = 0; i < 400; i++) session!.push('said', long)
  await node.settled()
  for (let i = 0; i < 1000; i++) {
    session!.push('at', i, { latest: 'me' })
    if (i % 2 === 0) session!.push('at', i, { latest: true })
  }
  await node.settled()
  assert.equal(session!.isOver, false)
  assert.ok((await gate.call.stat()).pushesReplaced > 1400)
  for (let i = 0; i < 100; i++) session!.push('said', long)
  await node.settled()
  assert.equal(session!.isOver, true)
  assert.equal(session!.push('at', 1), false)
  assert.deepEqual(told.at(-1), ['left', 'raw', 'overflow'])
  assert.equal((await gate.call.stat()).closed.overflow, 1)
  assert.equal(await raw.closed(), 'overflow')
})

// Proves: docs/session.md#kick
test('kick() ends sessions by user, by id, and by their agent, with code and text', async () => {
  await using node = await testNode()
  const { gate, port, sessions } = await open(node, { sameUser: 'allow' })
  const one = new TestUser(node, port)
  const two = new TestUser(node, port)
  for (const user of [one, two]) await user.call('add', 1)
  const [ann] = sessions
  // Somebody else may call himself as her session is called: he does not stand for it.
  assert.equal(await gate.call.kick({ user: ann!.id }), 0)
  assert.equal(await gate.call.kick({ session: 'ann' }), 0)
  assert.equal(await gate.call.kick({ session: sessions[1]!.id }, 'kicked', 'You are two'), 1)
  await two.state('closed')
  assert.deepEqual(two.reason, { code: 'kicked', text: 'You are two' })
  sessions[0]!.push('said', 'last words')
  sessions[0]!.kick()
  await one.state('closed')
  assert.deepEqual(one.events, [['said', 'last words']])
  assert.deepEqual(one.reason, { code: 'kicked', text: CLOSE_CODES.kicked.text })
  await node.settled()
  assert.equal((await gate.call.stat()).sessions, 0)
  for (const who of ['ann', {}, { user: 'ann', session: '1' }, { usr: 'ann' }, { user: 7 }]) {
    await assert.rejects(gate.call.kick(who as never), TypeError, JSON.stringify(who))
  }
})

// Proves: docs/session.md#kick
test('kick() takes the codes that end a session, and no others', async () => {
  await using node = await testNode()
  const { gate, port, sessions } = await open(node)
  const user = new TestUser(node, port)
  await user.call('add', 1)
  for (const [code, { ends }] of Object.entries(CLOSE_CODES)) {
    if (ends) continue
    assert.throws(() => sessions[0]!.kick(code as 'kicked'), /'code' must be one of/, code)
    const kicked = gate.call.kick({ user: 'ann' }, code as 'kicked')
    await assert.rejects(kicked, /'code' must be one of/, code)
  }
  assert.deepEqual(await user.call('add', 1), { value: 2 })
})

// Proves: docs/session.md#drain-gate
test('drain(): nobody new comes, who is here goes in batches when his agent lets him', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { told, gate, port, agent } = await open(node)
  const users = ['ann', 'bob', 'hold'].map((name) => new TestUser(node, port, { name }))
  for (const user of users) await user.call('add', 1)
  assert.equal(await gate.call.isReady(), true)
  let isDone = false
  const done = gate.call.drain({ batch: 2, everyMs: 500, jitterMs: 9000 }).then(() => {
    isDone = true
  })
  await node.settled()
  assert.equal(await gate.call.isReady(), false)
  assert.equal(await (await stranger(node, port, HELLO)).closed(), 'drain')
  assert.deepEqual(
    users.map(({ reason }) => reason?.code),
    ['drain', 'drain', undefined],
  )
  await clock.advance(500)
  // He plays on, and may come back.
  users[2]!.cut()
  assert.deepEqual(await users[2]!.call('add', 5), { value: 6 })
  assert.equal(isDone, false)
  agent.send.letGo()
  await done
  assert.equal(users[2]!.reason?.code, 'drain')
  assert.equal(told.filter(([what, , code]) => what === 'left' && code === 'drain').length, 3)
  await gate.call.drain()
  for (const user of users) user.core.close()
})

// Proves: docs/session.md#drain-gate
test('drain() is done when nobody is here any more, whatever time batches have', async () => {
  await using node = await testNode({ clock: new FakeClock() })
  const { gate, port } = await open(node)
  const users = ['ann', 'bob'].map((name) => new TestUser(node, port, { name }))
  for (const user of users) await user.call('add', 1)
  const done = gate.call.drain({ batch: 1, everyMs: 3_600_000 })
  for (const user of users) user.core.close()
  await done
})

// Proves: docs/session.md#unused
test('what a login has made for a client that has no session is told to be unused', async () => {
  await using node = await testNode({ clock: new FakeClock() })
  const agent = await node.launch(recorder([]))
  const unused: string[] = []
  let letIn!: () => void
  const isOpen = new Promise<void>((resolve) => {
    letIn = resolve
  })
  const { port } = await gateOf(node, agent, {
    sameUser: 'refuse',
    async login(_skynet, { name }) {
      await isOpen
      return { user: 'one', agent, unused: () => void unused.push(name) }
    },
  })
  const gone = new TestUser(node, port, { name: 'gone' })
  await gone.state('greeting')
  await node.settled()
  gone.core.close()
  await node.settled()
  letIn()
  await node.settled()
  assert.deepEqual(unused, ['gone'])
  const first = new TestUser(node, port, { name: 'first' })
  assert.deepEqual(await first.call('add', 1), { value: 2 })
  const second = new TestUser(node, port, { name: 'second' })
  await second.state('closed')
  await node.settled()
  assert.deepEqual(unused, ['gone', 'second'])
  first.core.close()
})

test('a gate refuses options that are wrong, and names them', async () => {
  const good = { listen: tcp({ port: 0 }), login: () => ({}) as never }
  const wrong = (options: object, message: RegExp): void =>
    assert.throws(() => defineGate(game, { ...good, ...options } as never), message)
  wrong({ listen: undefined }, /'listen\[0\]' must be a transport/)
  wrong({ listen: [] }, /'listen' must be at least one transport/)
  wrong({ listen: [{ port: 7 }] }, /'listen\[0\]' must be a transport/)
  wrong({ login: 7 }, /'login' must be a function/)
  wrong({ keepMS: 7 }, /option 'keepMS'.*did you mean 'keepMs'/)
  wrong({ keepMs: -1 }, /'keepMs' must be a number in 0\.\./)
  wrong({ window: 1.5 }, /'window' must be a whole number in 1\.\./)
  wrong({ window: 4097 }, /'window' must be a whole number in 1\.\.4096/)
  wrong({ messageBytesMax: 1023 }, /'messageBytesMax' must be at least 1024, for a window of 64/)
  wrong({ messageBytesMax: 1024, window: 65 }, /at least 1032, for a window of 65/)
  wrong({ missed: '2' }, TypeError as never)
  wrong({ sameUser: 'both' }, /'sameUser' must be one of replace, refuse, allow/)
  wrong({ perAddress: { opens: 1 } }, /option 'opens'/)
  wrong({ drain: { batch: 0 } }, /'drain.batch' must be/)
  wrong({ drain: { batchs: 1 } }, /with 'drain' with option 'batchs'.*did you mean 'batch'/)
  wrong({ drain: 5 }, /'drain' must be a plain object/)
  wrong({ drain: null }, /'drain' must be a plain object/)
  wrong({ keepMs: null }, /'keepMs' must be a number/)
  wrong({ perAddress: { strangers: -1 } }, /'perAddress.strangers' must be/)
  wrong({ sendLimitBytes: 65_535 }, /'sendLimitBytes' must be at least 65536.*65535.*65535$/)
  wrong({ pushBytesMax: 65_534 }, /'pushBytesMax' must be at least 65535.*65535.*65534$/)
  const long = { messageBytesMax: 8_388_608 }
  wrong({ ...long, sendLimitBytes: 8_388_608 }, /'sendLimitBytes'.* messageBytesMax of 8388608:/)
  wrong({ listenWhileStopping: 1 }, /'listenWhileStopping' must be true or false/)
  assert.throws(() => defineGate({} as never, good), /made by clientProtocol/)
  await using node = await testNode()
  const framed = defineGate(game, () => ({ ...good, messageBytesMax: 65_536 }))
  await assert.rejects(node.launch(framed), /'max' must be/)
})
