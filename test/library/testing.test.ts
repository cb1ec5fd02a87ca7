/** The testing kit, as the tests of a user use it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { defineService, isSkynetError, type SocketApi } from 'skynet-ts'
import { FakeClock, type TestNode, testNode, testService } from 'skynet-ts/testing'
import type relayRace from '../fixtures/relay-race.ts'
import subject from '../fixtures/subject.ts'

const shop = defineService((skynet, price: number) => {
  const stock = skynet.ref('.stock')
  return {
    async buy(what: string): Promise<number> {
      if (!(await skynet.call(stock.handle, 'take', what))) throw new RangeError(`no ${what} left`)
      skynet.send('.stock', 'sold', what, price)
      return price
    },
  }
})

test('testService() runs one service: typed calls, stand-ins, what it sent', async () => {
  const sold: unknown[] = []
  const stock = {
    take: (what: string) => what === 'tea',
    sold: (...args: unknown[]) => void sold.push(args),
  }
  await using service = await testService(shop, { args: [3], peers: { '.stock': stock } })
  const price: number = await service.call.buy('tea')
  assert.equal(price, 3)
  await assert.rejects(service.call.buy('gin'), new RangeError('no gin left'))
  await service.node.settled()
  assert.deepEqual(sold, [['tea', 3]])
  const to = service.node.skynet.localName('.stock')!
  const from = service.handle
  assert.deepEqual(service.sent, [
    { from, to, method: 'take', args: ['tea'], isCall: true },
    { from, to, method: 'sold', args: ['tea', 3], isCall: false },
    { from, to, method: 'take', args: ['gin'], isCall: true },
  ])
})

test('peers are methods: written in place, by name, of a class', async () => {
  class Bank {
    #sum = 0
    charge(sum: number): number {
      this.#sum += sum
      return this.#sum
    }
  }
  await using node = await testNode({
    peers: {
      '.bank': new Bank(),
      '.mint': { strike: (count: number) => count * 2, melt: (what, ...more) => [what, ...more] },
      '.none': {},
    },
  })
  const { skynet } = node
  assert.deepEqual(await skynet.call('.mint', 'melt', 1, 2), [1, 2])
  assert.equal(await skynet.call('.mint', 'strike', 2), 4)
  await skynet.call('.bank', 'charge', 1)
  assert.equal(await skynet.call('.bank', 'charge', 2), 3)
  const peers = { '.mint': { strike: (): string => 'in place too' } }
  await using service = await testService(subject, { peers: { '.mint': { strike: () => 'tin' } } })
  assert.equal(await service.node.skynet.call('.mint', 'strike'), 'tin')
  await using other = await testService(subject, { peers })
  assert.equal(await other.node.skynet.call('.mint', 'strike'), 'in place too')
  // @ts-expect-error: no function
  await assert.rejects(testNode({ peers: { '.x': 1 } }), /an object of methods/)
})

test('testService() rejects when setup throws, and leaves nothing', async () => {
  const broken = defineService((): void => {
    throw new Error('broken on purpose')
  })
  await assert.rejects(testService(broken), { code: 'ERR_SERVICE_LAUNCH', message: /on purpose/ })
})

// Proves: docs/semantics.md#launch-methods
test('a launch fails whose setup returns what has no methods, and says what it was', async () => {
  await using node = await testNode()
  for (const [given, told] of [
    [5, '5'],
    [new Map(), 'an object (Map)'],
    [{ a: 5 }, `an object (Object) whose 'a' is 5`],
  ] as const) {
    const at = defineService(() => given as never)
    const later = defineService(async () => given as never)
    for (const each of [at, later]) {
      const error = await node.launch(each).catch((error: unknown) => error)
      assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'))
      assert.ok(error.message.includes(`setup must return an object of methods, or nothing: `))
      assert.ok(error.message.includes(`current value is ${told}`), error.message)
    }
  }
})

// Proves: docs/testing.md#test-node
test('testNode() has the real rules: copies, errors, dead callees, exit hooks', async () => {
  const node = await testNode({ env: { greeting: 'hello' } })
  const peer = await node.launch(subject)
  const value = { list: [1] }
  assert.deepEqual(await peer.call.echo(value), value)
  assert.notEqual(await peer.call.echo(value), value)
  await assert.rejects(peer.call.exitNow(), { code: 'ERR_CALL_DEAD' })
  assert.equal(node.skynet.getenv('greeting'), 'hello')
  const path = new URL('../fixtures/subject.ts', import.meta.url)
  const byPath = await node.skynet.newService<typeof subject>(path)
  assert.equal(await byPath.call.worker(), 0)
  let reason = ''
  const hooked = defineService((skynet) => {
    skynet.onExit((why) => {
      reason = why
    })
  })
  await node.launch(hooked)
  await node.stop()
  assert.equal(reason, 'stop')
})

// Proves: docs/testing.md#fake-clock
test('FakeClock moves timers, sleeps and deadlines, each at its own time', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const seen: string[] = []
  const at = (what: string) => seen.push(`${what} at ${node.skynet.now()}`)
  node.skynet.timeout(500, () => at('timeout'))
  node.skynet.fork(async () => {
    for (let round = 0; round < 3; round++) {
      await node.skynet.sleep(200)
      at('sleep')
    }
  })
  const peer = await node.launch(subject)
  const late = assert.rejects(peer.with({ timeoutMs: 450 }).call.never(), {
    code: 'ERR_CALL_TIMEOUT',
  })
  await clock.advance(0)
  assert.deepEqual(seen, [])
  await clock.advance(399)
  assert.deepEqual(seen, ['sleep at 200'])
  await clock.advance(1)
  await clock.advance(1000)
  await late
  assert.deepEqual(seen, ['sleep at 200', 'sleep at 400', 'timeout at 500', 'sleep at 600'])
  assert.equal(clock.now(), 1400)
  const aYear = 365 * 24 * 3600 * 1000
  await assert.rejects(clock.advance(aYear), RangeError)
})

// Proves: docs/testing.md#unsettled
// Proves: docs/limits.md#test-messages
test('services that send to each other without end hold no test, and are named', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock, messagesMax: 1000 })
  const player = defineService((skynet) => ({
    hit: (peer: number, left: number) => {
      if (left > 0) skynet.send(peer, 'hit', skynet.self, left - 1)
    },
  }))
  const quiet = await node.launch(player)
  const [a, b] = [await node.launch(player), await node.launch(player)]
  const named = (handle: number): RegExp => new RegExp(`:0*${handle.toString(16)} `)
  const unsettled = (what: string) => (error: unknown) => {
    assert.ok(isSkynetError(error, 'ERR_TEST_UNSETTLED'))
    assert.ok(error.message.startsWith(`Cannot ${what}: after `), error.message)
    const { messages, services } = error.info
    assert.ok(messages > 1000)
    for (const { handle } of [a, b]) assert.match(services, named(handle))
    assert.doesNotMatch(services, named(quiet.handle))
    return true
  }
  // What comes to an end is waited for, each time anew.
  for (let round = 0; round < 3; round++) {
    a.send.hit(b.handle, 900)
    await node.settled()
  }
  const [client] = node.connection()
  a.send.hit(b.handle, Number.POSITIVE_INFINITY)
  await assert.rejects(node.settled(), unsettled('settle'))
  await assert.rejects(clock.advance(1), unsettled('advance a clock'))
  await assert.rejects(client.received(), unsettled('take what was received'))
})

// Proves: docs/testing.md#unsettled
test('services that launch the next one and end hold no test either', async () => {
  await using node = await testNode({ base: import.meta.url, messagesMax: 1000 })
  const race = async (left: number): Promise<unknown> => {
    const runner = await node.skynet.newService<typeof relayRace>('../fixtures/relay-race.ts')
    return runner.send.run(left)
  }
  await race(100)
  await node.settled()
  await race(Number.POSITIVE_INFINITY)
  await assert.rejects(node.settled(), (error: unknown) => {
    assert.ok(isSkynetError(error, 'ERR_TEST_UNSETTLED'))
    assert.match(error.info.services, /relay-race|that have ended/)
    return true
  })
})

// Proves: docs/testing.md#unsettled
test('nor do those that launch it in their setup, and the end of the node ends them', async () => {
  await using node = await testNode({ base: import.meta.url, messagesMax: 1000 })
  await node.skynet.newService('../fixtures/launch-chain.ts')
  await assert.rejects(node.settled(), { code: 'ERR_TEST_UNSETTLED' })
  await node.stop()
  await node.settled()
})

// Proves: docs/testing.md#unsettled
test('received() ends also where a service has something to say without end', async () => {
  await using node = await testNode({ messagesMax: 1000 })
  const talker = defineService((skynet) => ({
    talk: async (id: number) => {
      const connection = await skynet.socket.start(id)
      for await (const question of connection) connection.write(question)
    },
  }))
  const echo = await node.launch(talker)
  const [[client, id], [other, otherId]] = [node.connection(), node.connection()]
  const talking = [id, otherId].map((each) => echo.call.talk(each))
  // Whatever comes on the other one is said on again, and what it is told comes to the client.
  other.write('x')
  const passOn = (async () => {
    for await (const answer of other) {
      other.write(answer)
      client.write(answer)
    }
  })()
  await assert.rejects(client.received(), { code: 'ERR_TEST_UNSETTLED' })
  await Promise.all([client.close(), other.close(), passOn, ...talking])
})

// Proves: docs/testing.md#clock-stuck
// Proves: docs/limits.md#clock-rounds
test('FakeClock names services whose timers keep its time from going on', async () => {
  const clock = new FakeClock()
  assert.equal(clock.roundsMax, 100_000)
  clock.roundsMax = 1000
  await using node = await testNode({ clock })
  let isOn = true
  const restless = defineService((skynet) => {
    const again = (): void => void skynet.timeout(0, again)
    again()
    skynet.timeout(1000, () => {})
  })
  const sleepless = defineService((skynet) => {
    skynet.fork(async () => {
      while (isOn) await skynet.sleep(0)
    })
  })
  const peer = await node.launch(sleepless)
  await node.launch(subject)
  const named = (handle: number, at = 0): RegExp =>
    new RegExp(`^Cannot go beyond ${at} ms: .* 1000 times: service-\\d+ :0*${handle.toString(16)}$`)
  await assert.rejects(clock.advance(100), {
    code: 'ERR_TEST_CLOCK',
    message: named(peer.handle),
  })
  isOn = false
  await clock.advance(100)
  assert.equal(clock.now(), 100)
  const other = await node.launch(restless)
  await assert.rejects(clock.advance(100), { message: /beyond 100 ms/ })
  await assert.rejects(node.settled(), { message: named(other.handle, 100) })
  node.skynet.kill(other.handle)
  await clock.advance(100)
  assert.equal(clock.now(), 200)
})

test('stop() of a testNode ends also while timers keep its clock from going on', async () => {
  const clock = new FakeClock()
  clock.roundsMax = 1000
  const node = await testNode({ clock })
  const restless = defineService((skynet) => {
    const again = (): void => void skynet.timeout(0, again)
    again()
    skynet.onStop(() => new Promise(() => {}))
  })
  await node.launch(restless)
  await node.stop({ graceMs: 100 })
})

/** Longer than a worker gives one turn. */
const SPIN_MS = 6

function spin(): void {
  const endsAt = performance.now() + SPIN_MS
  while (performance.now() < endsAt);
}

/**
 * Which of two players takes the last coin: a race by design.
 *
 * @param isBusy The thread gets little of its core.
 */
async function race(seed: number, isBusy = false): Promise<string> {
  await using node = await testNode({ seed })
  let coins = 1
  const isRich = (): boolean => {
    if (isBusy) spin()
    return coins > 0
  }
  const bank = { take: () => coins-- > 0, isRich }
  const player = defineService((skynet) => ({
    async play(): Promise<boolean> {
      for (let look = 0; look < 3; look++) if (!(await skynet.call('.bank', 'isRich'))) return false
      return (await skynet.call('.bank', 'take')) as boolean
    },
  }))
  const keeper = defineService((skynet) => {
    skynet.register('.bank')
    return bank
  })
  await node.launch(keeper)
  const players = [await node.launch(player), await node.launch(player)]
  const won = await Promise.all(players.map((each) => each.call.play()))
  return `${won} ${node.sent.all.map(({ from, method }) => `${from} ${method}`).join()}`
}

// Proves: docs/testing.md#seed
test('a seed makes a race the same each time, another seed another one', async () => {
  const winners = new Set<string>()
  for (let seed = 0; seed < 30; seed++) {
    const outcome = await race(seed)
    assert.equal(await race(seed), outcome, `seed ${seed}`)
    winners.add(outcome.split(' ')[0]!)
  }
  assert.deepEqual([...winners].sort(), ['false,true', 'true,false'])
})

// Proves: docs/testing.md#seed
test('a seed makes the same race, however long each step takes', async () => {
  for (let seed = 0; seed < 5; seed++) {
    assert.equal(await race(seed, true), await race(seed), `seed ${seed}`)
  }
})

// Proves: docs/testing.md#seed
test('with any seed messages from one service to another stay in order', async () => {
  for (let seed = 0; seed < 20; seed++) {
    await using node = await testNode({ seed })
    const seen: number[][] = []
    const sink = defineService(() => ({
      take: (from: number, n: number): void => {
        seen[from] ??= []
        seen[from].push(n)
      },
    }))
    const to = (await node.launch(sink)).handle
    const source = defineService((skynet, from: number) => ({
      go: () => {
        for (let n = 0; n < 10; n++) skynet.send(to, 'take', from, n)
      },
    }))
    for (const from of [0, 1, 2]) (await node.launch(source, { args: [from] })).send.go()
    await node.settled()
    assert.deepEqual(seen, Array(3).fill([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
  }
})

test('probes find what came, and wait for what is to come', async () => {
  await using node = await testNode()
  const talker = defineService((skynet) => ({
    say: async (text: string) => {
      await skynet.sleep(5)
      skynet.log(text)
    },
  }))
  const peer = await node.launch(talker)
  peer.send.say('good day')
  const line = await node.log.find(({ text }) => text === 'good day')
  assert.deepEqual([line.handle, line.level], [peer.handle, 'info'])
  assert.equal(await node.log.find(({ text }) => text === 'good day'), line)
  const sent = await node.sent.find(({ method }) => method === 'say')
  assert.equal(sent.from, node.skynet.self)
})

test('a probe gives up, and says what for', async () => {
  await using node = await testNode()
  const waiting = node.log.find(({ text }) => text === 'never said', { timeoutMs: 5 })
  await assert.rejects(waiting, {
    code: 'ERR_TEST_TIMEOUT',
    message: /^Cannot find what .*never said.* asks for within 5 ms: 0 others came$/,
  })
  assert.throws(() => node.log.find(() => true, { timeout: 5 } as never), /option 'timeout'/)
})

/** Replaces all that goes by time or turns, as mocks do. */
function mockTimers(t: TestContext): void {
  t.mock.timers.enable()
  t.mock.method(performance, 'now', () => 0)
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate'] as const) {
    t.mock.method(globalThis, name, () => {})
  }
  // Node.js itself goes by these two: what it has left to do there is done in the end.
  const held: (() => void)[] = []
  const hold = (task: (...args: unknown[]) => void, ...args: unknown[]): void => {
    held.push(() => task(...args))
  }
  t.mock.method(globalThis, 'queueMicrotask', hold)
  t.mock.method(process, 'nextTick', hold)
  t.after(() => {
    t.mock.restoreAll()
    for (const run of held) run()
  })
}

// Proves: docs/testing.md#test-mocks
test('testService() runs while the test mocks the timers of Node.js', async (t) => {
  mockTimers(t)
  const clock = new FakeClock()
  const ticker = defineService((skynet) => {
    let ticks = 0
    skynet.timeout(1000, () => ticks++)
    return { ticks: () => ticks, fork: () => new Promise<void>((done) => skynet.fork(done)) }
  })
  await using service = await testService(ticker, { clock })
  await clock.advance(999)
  assert.equal(await service.call.ticks(), 0)
  await clock.advance(1)
  assert.equal(await service.call.ticks(), 1)
  await service.call.fork()
  const never = service.node.log.find(() => false, { timeoutMs: 5 })
  await assert.rejects(never, /asks for within 5 ms/)
})

// Proves: docs/testing.md#test-mocks
test('testNode() goes by the real time while the test mocks the timers of Node.js', async (t) => {
  mockTimers(t)
  await using node = await testNode()
  const before = node.skynet.now()
  await node.skynet.sleep(5)
  assert.ok(node.skynet.now() >= before + 5)
})

test('stop() of a testNode runs stop hooks, and waits for hooks by its clock', async () => {
  const clock = new FakeClock()
  const node = await testNode({ clock })
  const stubborn = defineService((skynet) => {
    skynet.onStop(() => new Promise(() => {}))
    skynet.onExit(() => new Promise(() => {}))
  })
  await node.launch(stubborn)
  await node.stop({ graceMs: 60_000 })
  assert.deepEqual(
    node.log.all.map(({ text }) => text),
    ['stop hook: not done within 60000 ms', 'exit hook: not done within 1000 ms'],
  )
})

// Proves: docs/testing.md#test-node
test('sockets of a testNode do all that sockets do, but bind descriptors', async () => {
  await using node: TestNode = await testNode()
  const { socket } = node.skynet
  const listener = await socket.listen({ host: '127.0.0.1', port: 0 })
  const { port } = listener
  const near = await socket.connect({ host: 'game.example', port })
  const far = (await listener.accept())!
  const udp = await socket.udpListen({ port: 7 })
  const uses: Record<keyof SocketApi, () => unknown> = {
    listen: async () => assert.equal((await socket.listen({ port: 8 })).port, 8),
    connect: () => assert.equal(near.remoteAddress, listener.address),
    start: async () => assert.equal(await socket.start(far.id), far),
    bind: () => assert.rejects(socket.bind(0), { code: 'ERR_BIND', message: /EBADF/ }),
    stdin: () => assert.rejects(socket.stdin(), { code: 'ERR_BIND' }),
    udp: async () => assert.equal((await socket.udp()).port, 0),
    udpListen: () => assert.equal(udp.port, 7),
    udpDial: async () => {
      const dialled = await socket.udpDial({ host: 'game.example', port: 7 })
      dialled.send('x')
      assert.equal((await udp.receive())?.data.toString(), 'x')
    },
    netstat: () => assert.ok(socket.netstat().some(({ address }) => address === listener.address)),
    totals: () => assert.equal(socket.totals().accepted, 1),
    broadcast: async () => {
      socket.broadcast([near.id], 'all')
      assert.equal((await far.read(3)).toString(), 'all')
    },
    has: () => assert.deepEqual([socket.has(near.id), socket.has(near.id + 1000)], [true, false]),
    write: async () => {
      assert.ok(socket.write(near.id, 'one'))
      assert.equal((await far.read(3)).toString(), 'one')
    },
  }
  for (const use of Object.values(uses)) await use()
  await node.settled()
  const again = { code: 'ERR_LISTEN' }
  await assert.rejects(socket.listen({ host: '127.0.0.1', port }), again)
})

// Proves: docs/testing.md#test-net-own
test('nodes of tests have the same port, also one that is taken', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const path = new URL('no-such-folder/x.sock', import.meta.url).pathname
  await using one = await testNode()
  await using two = await testNode()
  for (const where of [{ host: '127.0.0.1', port }, { path }]) {
    for (const [name, node] of Object.entries({ one, two })) {
      const listener = await node.skynet.socket.listen(where)
      node.skynet.fork(async () => {
        for await (const connection of listener) connection.write(`${name}\n`)
      })
    }
    for (const [name, node] of Object.entries({ one, two })) {
      await using client = await node.connect(where)
      assert.equal(await client.readLine(), name)
    }
  }
  await using far = await one.connect({ host: 'no.such.host.invalid', port })
  assert.equal(await far.readLine(), 'one')
})

test('testNode() refuses a seed that is none', async () => {
  for (const seed of [-1, 0.5, 2 ** 32]) await assert.rejects(testNode({ seed }), RangeError)
})

test('advance() of a FakeClock waits for the one before, also inside a timer', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const at: [string, number][] = []
  const { skynet } = node
  const note = (what: string) => at.push([what, skynet.now()])
  skynet.timeout(15, () => note('second'))
  skynet.timeout(5, async () => {
    note('first')
    await clock.advance(100)
    note('inner')
  })
  skynet.timeout(50, () => note('third'))
  await Promise.all([clock.advance(10), clock.advance(10)])
  assert.deepEqual(at.slice(0, 2), [
    ['first', 5],
    ['second', 15],
  ])
  await clock.advance(0)
  assert.deepEqual(at.slice(2), [
    ['third', 50],
    ['inner', 120],
  ])
  assert.equal(clock.now(), 120)
  await assert.rejects(clock.advance(-1), RangeError)
  await clock.advance(1)
  assert.equal(clock.now(), 121, 'a refused one holds up nobody')
})

test('testNode() and testService() refuse options that they cannot take, by name', async () => {
  const wrong: [object | null, RegExp][] = [
    [{ sede: 1 }, /with option 'sede': there are .*seed.* \(did you mean 'seed'\?\)$/],
    [{ clok: new FakeClock() }, /with option 'clok': .* \(did you mean 'clock'\?\)$/],
    [{ peer: {} }, /with option 'peer': .* \(did you mean 'peers'\?\)$/],
    [{ seed: 'x' }, /as 'seed' must be a whole number/],
    [{ peers: 5 }, /as 'peers' must be a plain object: current value is 5/],
    [
      { peers: { '.a': 5 } },
      /as 'peers\['\.a'\]' must be an object of methods, or a service: current value is 5/,
    ],
    [{ peers: { '': {} } }, /as 'peers' must be given by names or paths: current value is ""$/],
    [{ peers: { './no.ts': {} } }, /as 'peers\['\.\/no\.ts'\]' must be that of a module: /],
    [{ env: 5 }, /as 'env' must be a plain object: current value is 5/],
    [
      { env: { a: {} } },
      /as 'env.a' must be a string, a number or a boolean: current value is an o/,
    ],
    [{ clock: 5 }, /as 'clock' must be a FakeClock: current value is 5/],
    [{ base: 5 }, /as 'base' must be a string, not empty: current value is 5/],
    [null, /as 'options' must be a plain object: current value is null/],
  ]
  for (const [options, message] of wrong) {
    await assert.rejects(testNode(options as never), { message })
    await assert.rejects(testService(subject, options as never), { message })
  }
  await assert.rejects(testService(subject, { args: 5 } as never), /'args' must be an array/)
  const meant = /with option 'arg': .* \(did you mean 'args'\?\)$/
  await assert.rejects(testService(subject, { arg: [5] } as never), { message: meant })
})

test('a stand-in that cannot be launched is called by its name', async () => {
  const wrong = testNode({ peers: { '.a b': {} } })
  await assert.rejects(wrong, /Cannot launch service \S+\/\.a b: Cannot use '\.a b' as a service/)
})

test('launch() says that the node has stopped', async () => {
  const node = await testNode()
  await node.stop()
  const stopped = { code: 'ERR_SERVICE_LAUNCH', message: /: the node has stopped$/ }
  await assert.rejects(node.launch(subject), stopped)
})

test('a testNode and a FakeClock refuse what they cannot take, by name', async () => {
  await using node = await testNode()
  const launched = node.launch(subject, { timeout: 5 } as never)
  await assert.rejects(launched, { message: /'timeout': .* \(did you mean 'timeoutMs'\?\)$/ })
  for (const wrong of ['./fixtures/subject.ts', undefined, {}, Promise.resolve(subject)]) {
    const message = /^Cannot launch as 'definition' must be made by defineService/
    await assert.rejects(node.launch(wrong as never, {} as never), { name: 'TypeError', message })
  }
  const settling = node.settled({ timeout: 5 } as never)
  await assert.rejects(settling, { message: /did you mean 'timeoutMs'/ })
  assert.throws(() => node.stop({ grace: 5 } as never), { message: /did you mean 'graceMs'/ })
  assert.throws(() => node.stop({ graceMs: -1 }), RangeError)
  const made = () => new FakeClock(...([{ now: 5 }] as unknown as []))
  assert.throws(made, { message: /^Cannot make a fake clock as 'options' must be left out/ })
})

test('a call that fails says in its stack where it was called', async () => {
  await using node = await testNode()
  const bank = await node.launch(
    defineService(() => ({
      take(): never {
        throw new RangeError('no coins left')
      },
    })),
  )
  async function player(): Promise<void> {
    await node.skynet.call(bank.handle, 'take')
  }
  const { stack = '' } = await player().then(
    () => new Error('it was answered'),
    (error: Error) => error,
  )
  const place = RegExp(
    `\\n    at call take of ${bank.address} \\(/.*testing\\.test\\.[jt]s:\\d+:\\d+\\)`,
  )
  assert.match(stack, place)
})
