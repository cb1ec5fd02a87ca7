/** How a channel comes to a connection, and what it does when there is none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnswerSink } from './answers.ts'
import { LineParser, outcome, type Scene, scene } from './channel.kit.ts'
import { FakeStream } from './fake-peer.kit.ts'
import { socketChannel } from './make.ts'

const parser = (answers: AnswerSink<string>): LineParser => new LineParser(answers)
const make = (
  { skynet, to }: Scene,
  options: Omit<Parameters<typeof socketChannel<string>>[1], 'parser' | 'open'> = {},
) => socketChannel(skynet, { ...to, ...options, parser })

// Proves: docs/channel.md#refused
test('a request tries once, and is refused with the reason of the last address', async (t) => {
  const at = await scene(t)
  at.peer.off.add('main:1').add('second:1').add('third:3')
  const channel = make(at, { backup: ['second', { host: 'third', port: 3 }] })
  const refused = [channel.request('a\n'), channel.request('b\n'), channel.send('c')].map(outcome)
  assert.deepEqual(await Promise.all(refused), ['ERR_CONNECT', 'ERR_CONNECT', 'ERR_CONNECT'])
  assert.deepEqual(at.peer.tried, ['main:1', 'second:1', 'third:3'])
  assert.deepEqual([channel.pending, channel.bufferedAmount], [0, 0])
  await assert.rejects(channel.connect({ once: true }), { code: 'ERR_CONNECT' })
  assert.equal(at.peer.tried.length, 6)
})

// Proves: docs/channel.md#backup
test('the backup that lets us in is where the channel is, and tried first then', async (t) => {
  const at = await scene(t)
  const { peer, node } = at
  peer.off.add('main:1').add('second:1')
  const channel = make(at, { backup: ['second', 'third', 'third', 'main'] })
  const answer = channel.request('a\n')
  await at.settled()
  assert.deepEqual(peer.tried.splice(0), ['main:1', 'second:1', 'third:1'])
  assert.equal(channel.address, 'third:1')
  assert.deepEqual(
    node.log.all.map(({ text }) => text),
    ['socketchannel: connect to backup host second:1'],
  )
  peer.last.finish()
  assert.equal(await outcome(answer), 'ERR_SOCKETCHANNEL_LOST')
  peer.off.add('third:1')
  assert.equal(await outcome(channel.request('b\n')), 'ERR_CONNECT')
  assert.deepEqual(peer.tried.splice(0), ['third:1', 'second:1', 'main:1'])
  channel.changeBackup([])
  assert.equal(await outcome(channel.request('b\n')), 'ERR_CONNECT')
  assert.deepEqual(peer.tried, ['third:1', 'main:1'])
})

// Proves: docs/channel.md#connect
test('connect() tries until it works, at once and then with pauses up to the most', async (t) => {
  const at = await scene(t)
  const { peer, clock } = at
  peer.off.add('main:1')
  const channel = make(at, { retryMs: 1000, retryMsMax: 3000 })
  const connected = channel.connect()
  const times: number[] = []
  for (let ms = 0; ms <= 12_000; ms += 500) {
    await clock.advance(ms === 0 ? 0 : 500)
    for (; peer.tried.length > 0; peer.tried.pop()) times.push(ms)
  }
  assert.deepEqual(times, [0, 0, 1000, 3000, 6000, 9000, 12_000])
  peer.off.clear()
  await clock.advance(3000)
  await connected
  assert.equal(channel.isOpen, true)
  await channel.connect()
  assert.deepEqual(peer.tried, ['main:1'])
})

test('connect() ends with its limits, and with close()', async (t) => {
  const at = await scene(t)
  const { peer, clock } = at
  peer.off.add('main:1')
  const channel = make(at)
  const controller = new AbortController()
  const waits = [
    channel.connect({ timeoutMs: 1500 }),
    channel.connect({ signal: controller.signal }),
    channel.connect(),
    channel.response(),
  ].map(outcome)
  await clock.advance(1600)
  assert.equal(await waits[0], 'ERR_SOCKETCHANNEL_TIMEOUT')
  controller.abort()
  assert.equal(await waits[1], 'ABORT_ERR')
  await channel.close()
  const closed = 'ERR_SOCKETCHANNEL_CLOSED'
  assert.deepEqual(await Promise.all(waits.slice(2)), [closed, closed])
  const tries = peer.tried.length
  await clock.advance(60_000)
  assert.equal(peer.tried.length, tries)
})

test('close() and changeHost() end a connection that is being made', async (t) => {
  const at = await scene(t)
  const { peer } = at
  peer.isSilent = true
  const channel = make(at)
  const first = outcome(channel.request('a\n'))
  await at.settled()
  await channel.close()
  assert.equal(await first, 'ERR_SOCKETCHANNEL_CLOSED')
  const connected = channel.connect()
  const second = channel.request('b\n')
  await at.settled()
  peer.isSilent = false
  channel.changeHost('other', 2)
  await connected
  assert.deepEqual(peer.tried, ['main:1', 'main:1', 'other:2'])
  peer.last.say('+B\n')
  assert.equal(await second, 'B')
})

test('changeHost() and then close() in one turn leave no connection', async (t) => {
  const at = await scene(t)
  const channel = make(at)
  const first = outcome(channel.request('a\n'))
  channel.changeHost('other', 2)
  await channel.close()
  assert.equal(await first, 'ERR_SOCKETCHANNEL_CLOSED')
  await at.settled()
  assert.deepEqual([channel.isOpen, at.peer.streams.some(({ isOpen }) => isOpen)], [false, false])
  // The same, and open again: there is one connection.
  const second = outcome(channel.connect())
  channel.changeHost('third', 3)
  void channel.close()
  await channel.connect()
  await at.settled()
  assert.equal(await second, 'ERR_SOCKETCHANNEL_CLOSED')
  assert.equal(at.peer.streams.filter(({ isOpen }) => isOpen).length, 1)
  assert.equal(channel.address, 'third:3')
})

test('close() by whoever hears first that nothing lets us in ends connect(), too', async (t) => {
  const at = await scene(t)
  at.peer.off.add('main:1')
  const channel = make(at)
  const closed = channel.request('a\n').catch(() => channel.close())
  const waits = [channel.connect(), channel.response()].map(outcome)
  await closed
  at.peer.off.clear()
  await at.clock.advance(60_000)
  const code = 'ERR_SOCKETCHANNEL_CLOSED'
  assert.deepEqual(await Promise.all(waits), [code, code])
  assert.deepEqual([channel.isOpen, at.peer.streams.length], [false, 0])
})

// Proves: docs/channel.md#auth
test('auth asks on each new connection before anything else', async (t) => {
  const at = await scene(t)
  const { peer } = at
  let round = 0
  const channel = make(at, {
    auth: async (to) => {
      await to.send('hello\n')
      assert.equal(await to.request(`secret ${++round}\n`), 'welcome')
    },
  })
  const answers = [channel.request('a\n'), channel.request('b\n')]
  await at.settled()
  assert.equal(peer.last.heard, 'hello\nsecret 1\n')
  assert.equal(channel.isOpen, false)
  peer.last.say('+welcome\n')
  await at.settled()
  assert.equal(peer.last.heard, 'hello\nsecret 1\na\nb\n')
  peer.last.say('+A\n')
  peer.last.finish()
  assert.deepEqual(await Promise.all(answers.map(outcome)), ['A', 'ERR_SOCKETCHANNEL_LOST'])
  const next = channel.request('c\n')
  await at.settled()
  assert.equal(peer.last.heard, 'hello\nsecret 2\n')
  peer.last.say('+welcome\n')
  await at.settled()
  peer.last.say('+C\n')
  assert.equal(await next, 'C')
})

// Proves: docs/channel.md#auth
test('auth asks also when the channel is full of who waits for it', async (t) => {
  const at = await scene(t)
  const channel = make(at, {
    maxRequests: 2,
    maxBytes: 4,
    auth: (to) => Promise.all([to.request('a'), to.request('b')]),
  })
  const answers = [channel.request('cc'), channel.request('dd')]
  await at.settled()
  assert.equal(at.peer.last.heard, 'ab')
  at.peer.last.say('+A\n+B\n')
  await at.settled()
  assert.equal(at.peer.last.heard, 'abccdd')
  at.peer.last.say('+C\n+D\n')
  assert.deepEqual(await Promise.all(answers), ['C', 'D'])
})

// Proves: docs/channel.md#auth
test('an auth that is refused goes on to the next address; none left: its error', async (t) => {
  const at = await scene(t)
  const { peer } = at
  peer.onOpen = (stream) => stream.say('-wrong password\n')
  const channel = make(at, { backup: ['second'], auth: (to) => to.request('secret\n') })
  await assert.rejects(channel.request('a\n'), (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_SOCKETCHANNEL_AUTH')
    assert.match(error.message, /second:1 as auth failed: .*wrong password$/)
    assert.equal((error.cause as { code: string }).code, 'ERR_SOCKETCHANNEL_ANSWER')
    return true
  })
  assert.deepEqual(
    peer.streams.map(({ heard, isOpen }) => [heard, isOpen]),
    [
      ['secret\n', false],
      ['secret\n', false],
    ],
  )
})

test('an auth that throws at once, or whose server ends, is refused alike', async (t) => {
  const at = await scene(t)
  const throwing = make(at, {
    auth: () => {
      throw new Error('no secret')
    },
  })
  assert.equal(await outcome(throwing.request('a\n')), 'ERR_SOCKETCHANNEL_AUTH')
  at.peer.onOpen = (stream) => stream.finish()
  const ended = make(at, { auth: (to) => to.request('secret\n') })
  assert.equal(await outcome(ended.request('a\n')), 'ERR_SOCKETCHANNEL_AUTH')
})

test('one address may take so long to connect and to let in', async (t) => {
  const at = await scene(t)
  const { peer, clock } = at
  const channel = make(at, { connectTimeoutMs: 100, auth: (to) => to.request('secret\n') })
  const late = outcome(channel.request('a\n'))
  await clock.advance(99)
  assert.equal(peer.last.isOpen, true)
  await clock.advance(1)
  assert.equal(await late, 'ERR_SOCKETCHANNEL_AUTH')
  assert.equal(peer.last.isOpen, false)
  peer.isSilent = true
  const silent = outcome(channel.request('a\n'))
  await at.settled()
  peer.passTime!()
  assert.equal(await silent, 'ERR_CONNECT')
})

test('a server that lets in and ends at once is not asked without pause', async (t) => {
  const at = await scene(t)
  const { peer, clock } = at
  peer.onOpen = (stream) => stream.finish()
  const channel = make(at, { retryMs: 100 })
  let lost = 0
  const listen = async (): Promise<void> => {
    while ((await outcome(channel.response())) === 'ERR_SOCKETCHANNEL_LOST') lost++
  }
  const listening = listen()
  await clock.advance(1000)
  // At 0, 100, 300, 600 and 1000.
  assert.equal(peer.tried.length, 5)
  assert.equal(lost, 5)
  await channel.close()
  await listening
})

// Proves: docs/channel.md#response
test('each connection that is made and ended at once is told to who waits there', async (t) => {
  const { skynet, clock, settled } = await scene(t)
  const listener = await skynet.socket.listen({ port: 0 })
  let made = 0
  skynet.fork(async () => {
    for await (const connection of listener) {
      made++
      void connection.close()
    }
  })
  const channel = socketChannel(skynet, {
    port: listener.port,
    parser,
    retryMs: 10,
    retryMsMax: 20,
  })
  for (let i = 1; i <= 5; i++) {
    const ended = outcome(channel.response())
    await settled()
    await clock.advance(20)
    await settled()
    assert.equal(await ended, 'ERR_SOCKETCHANNEL_LOST')
    assert.equal(made, i)
  }
})

// Proves: docs/channel.md#silence
test('a server that is silent while it owes an answer is given up', async (t) => {
  const at = await scene(t)
  const { peer, clock } = at
  const channel = make(at, { silenceMs: 100 })
  const waiting = [channel.request('a\n'), channel.request('b\n')].map(outcome)
  await clock.advance(60)
  peer.last.say('+A\n')
  await clock.advance(99)
  assert.equal(channel.isOpen, true)
  await clock.advance(1)
  assert.deepEqual(await Promise.all(waiting), ['A', 'ERR_SOCKETCHANNEL_LOST'])
  // Nobody waits for anything: it may be silent.
  await channel.connect()
  await clock.advance(1000)
  assert.equal(channel.isOpen, true)
  const pushed = outcome(channel.response())
  await clock.advance(1000)
  peer.last.say('+message\n')
  assert.equal(await pushed, 'message')
  const late = outcome(channel.request('c\n'))
  await clock.advance(99)
  assert.equal(channel.isOpen, true)
  await clock.advance(1)
  assert.equal(await late, 'ERR_SOCKETCHANNEL_LOST')
})

test('what open does not give in its time, or throws, is no connection', async (t) => {
  const { skynet, to, clock, settled } = await scene(t)
  const stream = new FakeStream()
  let give!: (stream: FakeStream) => void
  const opened = new Promise<FakeStream>((resolve) => {
    give = resolve
  })
  const late = socketChannel(skynet, { ...to, open: () => opened, connectTimeoutMs: 10, parser })
  const ended = outcome(late.request('a\n'))
  await clock.advance(10)
  assert.equal(await ended, 'ERR_CONNECT')
  give(stream)
  await settled()
  assert.equal(stream.isOpen, false)
  const throwing = socketChannel(skynet, {
    ...to,
    open: () => {
      throw new Error('no way')
    },
    parser,
  })
  assert.equal(await outcome(throwing.request('a\n')), 'ERR_CONNECT')
})

test('what makes a parser may throw: the connection is closed', async (t) => {
  const { skynet, to, peer } = await scene(t)
  const broken = (): never => {
    throw new Error('it broke')
  }
  const nothing = (): never => 5 as never
  for (const [make, pattern] of [
    [broken, /it broke/],
    [nothing, /'parser' must .* take\(\)/],
  ]) {
    const channel = socketChannel(skynet, { ...to, parser: make as never })
    await assert.rejects(channel.request('a\n'), pattern as RegExp)
    assert.equal(peer.last.isOpen, false)
  }
})

test('a response function that throws at once closes the connection', async (t) => {
  const { skynet, to, peer, settled } = await scene(t)
  const channel = socketChannel(skynet, {
    ...to,
    response: (): { session: number; ok: true; data: number } => {
      throw new Error('it broke')
    },
  })
  const answer = outcome(channel.request('a\n', 1))
  await settled()
  assert.match(String(await answer), /^ERR_SOCKETCHANNEL_(PROTOCOL|LOST)$/)
  assert.equal(peer.last.isOpen, false)
})

test('what came and nobody has waited for is told when the connection ends', async (t) => {
  const { skynet, to, peer, settled, node, clock } = await scene(t)
  for (const channel of [socketChannel(skynet, { ...to, parser }), socketChannel(skynet, to)]) {
    await channel.connect()
    peer.last.say('+one\n+two\n')
    await settled()
    peer.last.finish()
    await settled()
    await clock.advance(1000)
  }
  const lines = node.log.all.map(({ text }) => text).filter((text) => text.includes('waited for'))
  assert.deepEqual(lines, [
    'socketchannel: main:1 has sent 2 answers that nobody has waited for',
    'socketchannel: main:1 has sent 10 bytes that nobody has waited for',
  ])
})

test('connect() says why it tries again', async (t) => {
  const at = await scene(t)
  at.peer.off.add('main:1')
  const connected = outcome(make(at).connect({ timeoutMs: 500 }))
  await at.clock.advance(500)
  assert.equal(await connected, 'ERR_SOCKETCHANNEL_TIMEOUT')
  assert.deepEqual(
    at.node.log.all.map(({ text }) => text),
    ['socketchannel: tries again: Cannot connect to main:1: ECONNREFUSED'],
  )
})
