/** Clients of a gate that mean no good, agents and watchdogs that die: the others do not notice. */
import assert from 'node:assert/strict'
import type { Skynet } from 'skynet-ts'
import { FramedClient, framed } from '../support/framed-client.ts'
import { type Agent, startGate } from '../support/gate-scene.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const alone = (title: string, body: Body): void => serviceTest(import.meta.url, title, body, {})
const MIB = 1024 * 1024

/** Says its number again and again, and checks that each answer is the next one. */
class Talker {
  readonly #client: FramedClient
  #isOver = false
  readonly done: Promise<number>

  constructor(client: FramedClient) {
    this.#client = client
    this.done = this.#talk()
  }

  stop(): Promise<number> {
    this.#isOver = true
    return this.done
  }

  async #talk(): Promise<number> {
    const client = this.#client
    let count = 0
    for (; !this.#isOver; count++) {
      client.send(`word ${count}`)
      assert.equal((await client.message()).toString(), `WORD ${count}`)
      client.received = client.received.subarray(2 + `word ${count}`.length)
    }
    return count
  }
}

/** How many sockets there are, listeners included. */
function socketsOf(skynet: Skynet): number {
  return Object.values(skynet.socket.totals().states).reduce((sum, count) => sum + count, 0)
}

// Proves: docs/gate.md#pace, #never-reads, #silence, #agent-gone
alone(
  'floods, deaf clients, half headers and dead agents do not reach the others',
  async (skynet, handlers) => {
    const limits = { messageTimeoutMs: 2000, sendLimitBytes: MIB, maxClient: 200 }
    const scene = await startGate(skynet, handlers, limits)
    const before = socketsOf(skynet)
    // Each its own, the flooders on the other worker.
    const joins: [FramedClient, number][] = []
    const join = async (agent: Agent): Promise<readonly [FramedClient, number]> => {
      const client = await FramedClient.connect(scene.port)
      const address = `127.0.0.1:${client.socket.localPort}`
      const found = await until('the open of it', () =>
        scene.events.find(([kind, , where]) => kind === 'open' && where === address),
      )
      const joined: [FramedClient, number] = [client, found[1]]
      joins.push(joined)
      await agent.call.forward(found[1])
      return joined
    }
    const talkers: Talker[] = []
    for (let n = 0; n < 8; n++) talkers.push(new Talker((await join(await scene.agent(0)))[0]))

    const flooders: [Agent, FramedClient][] = []
    const hostile = async (round: number): Promise<void> => {
      const agent = await scene.agent(1)
      const [flooder] = await join(agent)
      flooders.push([agent, flooder])
      for (let n = 0; n < 2000; n++) flooder.send(Buffer.alloc(2000, 'f'))
      const deafAgent = await scene.agent(1)
      const [deaf, fd] = await join(deafAgent)
      deaf.socket.pause()
      await deafAgent.call.flood(fd, 16 * 1024)
      const [half] = await join(await scene.agent(1))
      half.socket.write(Buffer.from([round]))
      const mortal = await scene.agent(1)
      const [orphan] = await join(mortal)
      orphan.send('hello')
      await orphan.message()
      await skynet.kill(mortal)
      await orphan.ended()
    }
    for (let round = 0; round < 10; round++) await hostile(round)
    for (const [agent] of flooders) {
      await until('a flood is handled', async () => (await agent.call.bytes()) === 2000 * 2000)
    }
    const reasons = (): string[] =>
      scene.events.filter(([kind]) => kind === 'error').map(([, , reason]) => String(reason))
    const count = (pattern: RegExp): number => reasons().filter((it) => pattern.test(it)).length
    await until('half headers are ended', () => count(/no message within/) >= 10)
    assert.equal(count(/bytes wait to be sent/), 10)
    assert.equal(count(/has ended: kill/), 10)
    for (const talker of talkers) assert.ok((await talker.stop()) > 50)
    for (const [client] of joins) client.close()
    await until('all are told as closed', () => {
      const closes = scene.events.filter(([kind]) => kind === 'close')
      return closes.length === joins.length
    })
    const ends = new Set(scene.events.filter(([kind]) => kind === 'close').map(([, fd]) => fd))
    assert.equal(ends.size, joins.length, 'each once')
    assert.equal((await scene.gate.call.stat()).clients, 0)
    await until('all sockets are gone', () => socketsOf(skynet) === before)
  },
)

// Proves: docs/gate.md#watchdog-gone
alone(
  'a watchdog that is killed with 300 clients leaves a gate that works',
  async (skynet, handlers) => {
    const scene = await startGate(skynet, handlers)
    await scene.gate.call.close()
    const before = socketsOf(skynet)
    for (let round = 0; round < 3; round++) {
      const watcher = await skynet.newService('../fixtures/echo.ts', { args: [0] })
      const options = { host: '127.0.0.1', port: scene.port, watchdog: watcher }
      await scene.gate.call.open(options)
      const agent = await scene.agent(1)
      const connects = Array.from({ length: 300 }, () => FramedClient.connect(scene.port))
      const clients = await Promise.all(connects)
      await until('all are in', async () => (await scene.gate.call.stat()).clients === 300)
      const fds = skynet.socket.netstat().filter(({ owner }) => owner === scene.gate.handle)
      const waiting = fds.filter(({ state }) => state === 'PACCEPT')
      assert.equal(waiting.length, 300)
      for (const { id } of waiting.slice(0, 100)) await agent.call.forward(id)
      for (const client of clients) client.socket.write(framed('hello'))
      await until(
        'some are answered',
        () => clients.filter((it) => it.received.length > 0).length > 50,
      )
      await skynet.kill(watcher)
      for (const client of clients) await client.ended()
      for (const client of clients) client.close()
      await until('nobody is in', async () => (await scene.gate.call.stat()).clients === 0)
      await skynet.kill(agent)
      await skynet.kill(watcher)
      // Those of echo.ts close with it.
      await until('all sockets are gone', () => socketsOf(skynet) === before)
    }
  },
)
