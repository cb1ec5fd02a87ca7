/** The service `gate` with watchdog and agents, on a real node and real sockets. */
import assert from 'node:assert/strict'
import { isSkynetError } from 'skynet-ts'
import { type GateService, watchdog } from 'skynet-ts/gate'
import type guard from '../../examples/gate/watchdog.ts'
import type agentService from '../fixtures/gate-agent.ts'
import type mortal from '../fixtures/mortal.ts'
import { FramedClient } from '../support/framed-client.ts'
import { startGate } from '../support/gate-scene.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body): void => serviceTest(import.meta.url, title, body)
const alone = (title: string, body: Body): void => serviceTest(import.meta.url, title, body, {})

// Proves: docs/gate.md#events
check(
  'the watchdog is told open, data, close; kick closes, and is told as close',
  async (skynet, handlers) => {
    const { gate, event, join } = await startGate(skynet, handlers)
    const [client, fd] = await join()
    client.send('early', '')
    await gate.call.accept(fd)
    assert.deepEqual(await event('data'), ['data', fd, Buffer.from('early')])
    assert.deepEqual(await event('data'), ['data', fd, Buffer.alloc(0)])
    client.close()
    assert.deepEqual(await event('close'), ['close', fd])
    const [other, next] = await join()
    assert.equal(await gate.call.kick(next), true)
    await other.ended()
    assert.deepEqual(await event('close'), ['close', next])
    assert.equal(await gate.call.kick(next), false)
    const [third, last] = await join()
    await gate.call.accept(last)
    third.reset()
    assert.deepEqual(await event('error'), ['error', last, 'ECONNRESET (connection reset by peer)'])
    assert.deepEqual(await event('close'), ['close', last])
    assert.deepEqual(await gate.call.stat(), { clients: 0, maxClient: 1024, refused: 0, lost: 0 })
  },
)

// Proves: docs/gate.md#forward
check(
  'forward sends messages to the agent, whose session is the fd, and answers nobody',
  async (skynet, handlers) => {
    const { gate, join } = await startGate(skynet, handlers)
    const got: unknown[] = []
    skynet.registerProtocol({
      name: 'client',
      id: 3,
      dispatch(value, { source, session }) {
        got.push([value, source, session])
        // Would be the answer of a call.
        return 'nobody waits for this'
      },
    })
    const [client, fd] = await join()
    // What would take it for the answer of a call of its own.
    const other = await skynet.newService('../fixtures/echo.ts', { args: [0] })
    await gate.call.forward(fd, other)
    client.send('one')
    await until('the packet', () => got.length === 1)
    assert.deepEqual(got, [[Buffer.from('one'), other.handle, fd]])
    await gate.call.forward(fd)
    client.send('two')
    await until('the packet', () => got.length === 2)
    assert.deepEqual(got[1], [Buffer.from('two'), 0, fd])
    // A call of that type is answered, as ever.
    assert.equal(await skynet.rawCall(skynet.self, 'client', 'x'), 'nobody waits for this')
    client.close()
  },
)

// Proves: docs/gate.md#agent, #forward
check(
  'agents on any worker answer, and broadcast; what they throw ends no client',
  async (skynet, handlers) => {
    const scene = await startGate(skynet, handlers)
    const clients: FramedClient[] = []
    const fds: number[] = []
    const agents = [await scene.agent(0), await scene.agent(1)]
    for (const agent of [...agents, agents[1]!]) {
      const [client, fd] = await scene.join()
      clients.push(client)
      fds.push(fd)
      // It is sent, though nothing is read yet.
      assert.equal(await agent.call.send(fd, 'early'), true)
      assert.equal((await client.message()).toString(), 'early')
      await agent.call.forward(fd)
    }
    for (const client of clients) client.send('throw', 'hello', '')
    for (const client of clients) {
      assert.equal((await client.message(2)).toString(), 'HELLO')
      assert.equal((await client.message(3)).length, 0)
    }
    await agents[0]!.call.broadcast(fds, 'to all')
    for (const client of clients) assert.equal((await client.message(4)).toString(), 'to all')
    for (const client of clients) client.close()
    for (let n = 0; n < clients.length; n++) await scene.event('close')
    // None of them is watched any more.
    assert.deepEqual(scene.gate && (await scene.gate.call.stat()).clients, 0)
  },
)

// Proves: docs/gate.md#agent-gone
check(
  'an agent that is killed: its clients are closed, the watchdog is told, others stay',
  async (skynet, handlers) => {
    const scene = await startGate(skynet, handlers)
    const { gate, event } = scene
    const [agent, other] = [await scene.agent(1), await scene.agent(1)]
    const [client, fd] = await scene.join()
    const [stays, fdStays] = await scene.join()
    await agent!.call.forward(fd)
    await other!.call.forward(fdStays)
    client.send('hello')
    await client.message()
    await skynet.kill(agent!)
    await client.ended()
    const [, , reason] = await event('error')
    assert.match(reason, /^agent :[0-9a-f]{8} has ended: kill$/)
    assert.deepEqual(await event('close'), ['close', fd])
    stays.send('still here')
    assert.equal((await stays.message()).toString(), 'STILL HERE')
    const dead = gate.call.forward(fdStays, 0, agent!)
    await assert.rejects(dead, (error) => isSkynetError(error, 'ERR_NAME_UNKNOWN'))
    const gone = gate.call.forward(fd)
    await assert.rejects(gone, (error) => isSkynetError(error, 'ERR_CLIENT_UNKNOWN'))
    // It stays with whom it was forwarded to.
    stays.send('again')
    assert.equal((await stays.message(2)).toString(), 'AGAIN')
    assert.equal((await gate.call.stat()).clients, 1)
    stays.close()
    await event('close')
  },
)

// Proves: docs/gate.md#watchdog-gone
alone(
  'a watchdog that is killed: clients are closed, nobody is let in, the gate opens again',
  async (skynet, handlers) => {
    const { gate, port } = await startGate(skynet, handlers)
    await gate.call.close()
    const agent = await skynet.newService<typeof agentService>('../fixtures/gate-agent.ts', {
      args: [gate],
    })
    // A service that is told, and says nothing.
    const watcher = await skynet.newService('../fixtures/echo.ts', { args: [0] })
    const options = { host: '127.0.0.1', port, watchdog: watcher }
    await gate.call.open(options)
    const clients: FramedClient[] = []
    while (clients.length < 3) clients.push(await FramedClient.connect(port))
    await until('all are in', async () => (await gate.call.stat()).clients === 3)
    const fds = skynet.socket.netstat().filter(({ owner }) => owner === gate.handle)
    const [first] = fds.filter(({ state }) => state === 'PACCEPT')
    await agent.call.forward(first!.id)
    await skynet.kill(watcher)
    for (const client of clients) await client.ended()
    await assert.rejects(FramedClient.connect(port), { code: 'ECONNREFUSED' })
    await until('nobody is in', async () => (await gate.call.stat()).clients === 0)
    await gate.call.open({ host: '127.0.0.1', port })
    const next = await FramedClient.connect(port)
    await until('it is in', async () => (await gate.call.stat()).clients === 1)
    next.close()
    const other = await skynet.newService<GateService>('gate')
    const dead = other.call.open({ ...options, port: 0 })
    await assert.rejects(dead, (error) => isSkynetError(error, 'ERR_NAME_UNKNOWN'))
  },
)

// Proves: docs/gate.md#gate-gone
alone('a gate whose worker dies: the watchdog is told of each client', async (skynet, handlers) => {
  const told: string[] = []
  const fds = new Set<number>()
  const { socket } = watchdog(skynet, {
    open: (fd) => void fds.add(fd),
    error: (fd, reason) => void told.push(`error ${fd} ${reason}`),
    close: (fd) => void told.push(`close ${fd}`),
  })
  handlers.socket = socket
  const gate = await skynet.newService<GateService>('gate', { on: 1 })
  const { port } = await gate.call.open({ host: '127.0.0.1', port: 0 })
  const clients = await Promise.all([1, 2, 3].map(() => FramedClient.connect(port)))
  await until('all are in', () => fds.size === 3)
  const killer = await skynet.newService<typeof mortal>('../fixtures/mortal.ts', { on: 1 })
  await assert.rejects(killer.call.exitThread(), { code: 'ERR_CALL_DEAD' })
  await until('their end', () => told.length === 6)
  const why = `gate ${gate.address} has ended: worker died`
  const ends = [...fds].flatMap((fd) => [`error ${fd} ${why}`, `close ${fd}`])
  assert.deepEqual(told.sort(), ends.sort())
  for (const client of clients) await client.ended()
})

// Proves: docs/gate.md#gate-gone
alone('the example of a watchdog ends with its gate, and leaves no agent', async (skynet) => {
  await skynet.uniqueService('../../examples/gate/simpledb.ts')
  const before = (await skynet.debug.services()).length
  const dog = await skynet.newService<typeof guard>('../../examples/gate/watchdog.ts')
  const { port } = await dog.call.start({ host: '127.0.0.1', port: 0 })
  const clients = await Promise.all([1, 2, 3].map(() => FramedClient.connect(port)))
  const services = async (): Promise<number> => (await skynet.debug.services()).length - before
  await until('each has an agent', async () => (await services()) === 2 + clients.length)
  const listener = skynet.socket.netstat().find(({ state }) => state === 'LISTEN')
  await skynet.kill(listener!.owner)
  for (const client of clients) await client.ended()
  await until('nothing is left', async () => (await services()) === 0)
})

// Proves: docs/gate.md#half-close
check('a client that says FIN is answered still, and closed by kick', async (skynet, handlers) => {
  const scene = await startGate(skynet, handlers)
  const agent = await scene.agent(1)
  const [client, fd] = await scene.join()
  await agent.call.forward(fd)
  client.send('wait')
  client.end()
  assert.deepEqual(await scene.event('close'), ['close', fd])
  assert.equal((await scene.gate.call.stat()).clients, 0)
  await agent.call.letGo()
  assert.equal((await client.message()).toString(), 'WAIT')
  assert.equal(client.hasEnded, false)
  assert.equal(await scene.gate.call.kick(fd), true)
  await client.ended()
  await until('its socket is gone', () => skynet.socket.netstat().every(({ id }) => id !== fd))
  assert.equal(await scene.gate.call.kick(fd), false)
})

// Proves: docs/gate.md#silence
check(
  'half a header for ever, and a client that nobody opens, end by messageTimeoutMs',
  async (skynet, handlers) => {
    const scene = await startGate(skynet, handlers, { messageTimeoutMs: 400 })
    const agent = await scene.agent(1)
    const [client, fd] = await scene.join()
    await agent.call.forward(fd)
    client.socket.write(Buffer.from([0]))
    // Not a byte of it is a message.
    await agent.call.send(fd, 'heartbeat')
    await client.ended()
    assert.deepEqual(await scene.event('error'), ['error', fd, 'no message within 400 ms'])
    assert.deepEqual(await scene.event('close'), ['close', fd])
    const [forgotten, never] = await scene.join()
    await forgotten.ended()
    assert.deepEqual(await scene.event('error'), ['error', never, 'no message within 400 ms'])
    assert.deepEqual(await scene.event('close'), ['close', never])
  },
)

// Proves: docs/gate.md#message-rate
check('a flood of empty messages of one who has left is dropped', async (skynet, handlers) => {
  const scene = await startGate(skynet, handlers, { maxMessagesPerSecond: 100 })
  const agent = await scene.agent(1)
  const [client, fd] = await scene.join()
  // Nothing is read before all is there.
  client.socket.end(Buffer.alloc(512 * 1024))
  await agent.call.forward(fd)
  const why = 'more than 100 messages within a second'
  assert.deepEqual(await scene.event('error'), ['error', fd, why])
  assert.deepEqual(await scene.event('close'), ['close', fd])
  client.close()
})

// Proves: docs/gate.md#never-reads
check(
  'a client that never reads is warned of, fails at sendLimitBytes, and is closed',
  async (skynet, handlers) => {
    const limits = { sendLimitBytes: 256 * 1024, sendWarningBytes: 64 * 1024 }
    const scene = await startGate(skynet, handlers, limits)
    const agent = await scene.agent(1)
    const [client, fd] = await scene.join()
    client.socket.pause()
    await agent.call.forward(fd)
    await agent.call.flood(fd, 16 * 1024)
    await until('its end', () => scene.events.at(-1)![0] === 'close')
    const warnings = scene.events.filter(([kind]) => kind === 'warning')
    assert.ok(warnings.length > 0 && (warnings[0]![2] as number) >= 64)
    const rest = scene.events.filter(([kind]) => kind !== 'warning').slice(1)
    assert.deepEqual(rest, [
      ['error', fd, `more than ${limits.sendLimitBytes} bytes wait to be sent`],
      ['close', fd],
    ])
    assert.equal(await agent.call.send(fd, 'too late'), false)
    client.close()
  },
)

// Proves: docs/gate.md#pace
alone(
  'a flood waits in the kernel while its agent is busy, and nothing of it is lost',
  async (skynet, handlers) => {
    const scene = await startGate(skynet, handlers)
    const agent = await scene.agent(1)
    const [client, fd] = await scene.join()
    await agent.call.forward(fd)
    agent.send.hold('done')
    const frames = 5000
    const length = 8 * 1024
    const message = Buffer.alloc(length, 'f')
    for (let n = 0; n < frames; n++) client.send(message)
    const received = (): number => skynet.socket.totals().received
    await until('the client waits', async () => {
      const before = received()
      await skynet.sleep(100)
      return before > 0 && received() === before
    })
    // The ring of its worker may have been full when the gate said that it has enough, and again.
    assert.ok(received() < 16 * 1024 * 1024, `${received()} bytes were read`)
    skynet.setenv('done', true)
    await until('all has come', async () => (await agent.call.bytes()) === frames * length)
    client.close()
    await scene.event('close')
  },
)

// Proves: docs/gate.md#pace
alone('a flood whose handlers wait for others waits, too', async (skynet, handlers) => {
  const scene = await startGate(skynet, handlers)
  const agent = await scene.agent(1)
  const [client, fd] = await scene.join()
  await agent.call.forward(fd)
  const frames = 5000
  client.socket.write(
    Buffer.concat(Array.from({ length: frames }, () => Buffer.from('\0\x04wait'))),
  )
  await until('many wait', async () => (await agent.call.unfinished()) > 256)
  let most = 0
  for (let round = 0; round < 20; round++) {
    await skynet.sleep(10)
    most = Math.max(most, await agent.call.unfinished())
  }
  assert.ok(most <= 256 + 2 * 64, `${most} handlers are under way`)
  await until('all are answered', async () => {
    await agent.call.letGo()
    return client.messages.length === frames
  })
  client.close()
  await scene.event('close')
})

// Proves: docs/gate.md#gate-max
check(
  'maxClient is exact in a storm: each connect is in, or sees the end',
  async (skynet, handlers) => {
    const scene = await startGate(skynet, handlers, { maxClient: 64 })
    const storm = async (count: number): Promise<FramedClient[]> =>
      Promise.all(Array.from({ length: count }, () => FramedClient.connect(scene.port)))
    const clients = await storm(300)
    const refused = (): FramedClient[] => clients.filter(({ isOver }) => isOver)
    await until('the others have ended', () => refused().length === 300 - 64)
    assert.deepEqual(await scene.gate.call.stat(), {
      clients: 64,
      maxClient: 64,
      refused: 236,
      lost: 0,
    })
    // What the gate has told came before its answer; clients may hear of their end before that.
    const opened = scene.events.filter(([kind]) => kind === 'open')
    assert.equal(opened.length, 64)
    // One leaves, one comes.
    for (let round = 0; round < 5; round++) {
      await scene.gate.call.kick(opened[round]![1])
      await until('one is gone', async () => (await scene.gate.call.stat()).clients === 63)
      const [one, other] = await storm(2)
      await until('one of two is refused', () => one!.hasEnded !== other!.hasEnded)
      clients.push(one!, other!)
    }
    for (const client of clients) client.close()
    const ended = scene.events.filter(([kind]) => kind === 'close')
    assert.equal(ended.length, 5)
  },
)
