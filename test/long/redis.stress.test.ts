/** Channels to a redis-server that is killed, started again, held, slow and full. */
import assert from 'node:assert/strict'
import { test as nodeTest } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import { isSkynetError, type Skynet } from 'skynet-ts'
import { type AnswerSink, socketChannel } from 'skynet-ts/channel'
import { Redis } from '../../examples/redis/redis.ts'
import { encode, RedisError, type Reply, RespParser } from '../../examples/redis/resp.ts'
import { isRedisInstalled, REDIS_LEFT_OUT, RedisServer } from '../support/redis-server.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'

const isInstalled = isRedisInstalled()

const redisTest = (title: string, body: Body): void => {
  if (isInstalled) serviceTest(import.meta.url, title, body)
}

if (!isInstalled && isMainThread) {
  nodeTest('channels to redis-server', (t) => t.diagnostic(REDIS_LEFT_OUT))
}

const LOST = 'ERR_SOCKETCHANNEL_LOST'
const TIMEOUT = 'ERR_SOCKETCHANNEL_TIMEOUT'
const FULL = 'ERR_SOCKETCHANNEL_FULL'

/** Counts how requests end, by the code of their errors; `ok`: with their own answer. */
class Tally {
  readonly ends: Record<string, number> = {}
  asked = 0
  ended = 0

  /** @returns How it ended. */
  async ask(redis: Redis, timeoutMs: number): Promise<string> {
    const text = `answer ${this.asked++}`
    let end = 'ok'
    try {
      const reply = await redis.within({ timeoutMs }, 'ECHO', text)
      if (reply !== text) end = `the answer of another: ${String(reply)}`
    } catch (error) {
      if (isSkynetError(error)) end = error.code
      else end = error instanceof RedisError ? error.kind : String(error)
    }
    this.ended++
    this.ends[end] = (this.ends[end] ?? 0) + 1
    return end
  }

  /** All have ended, in one of these ways. */
  assertEnded(...ways: readonly string[]): void {
    assert.equal(this.ended, this.asked)
    for (const end of Object.keys(this.ends)) assert.ok(ways.includes(end), `${end} is no end`)
  }
}

/** Keep so many requests under way until `stop` is called. */
function load(redis: Redis, count: number, timeoutMs: () => number) {
  const tally = new Tally()
  let isOver = false
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const end = await tally.ask(redis, timeoutMs())
      // It was refused at once: others have their turns.
      if (end === FULL) await new Promise(setImmediate)
    }
  }
  const all = Promise.all(Array.from({ length: count }, ask))
  const stop = async (): Promise<Tally> => {
    isOver = true
    await all
    return tally
  }
  return { tally, stop }
}

const works = (redis: Redis): Promise<boolean> =>
  until('it works', async () => (await redis.call('PING').catch(() => '')) === 'PONG')

// Proves: docs/channel.md#lost, #connects, #refused
redisTest('a server that is killed and started again: each request ends once', async (skynet) => {
  await using server = await RedisServer.start()
  await using redis = new Redis(skynet, { port: server.port })
  const { tally, stop } = load(redis, 200, () => 0)
  for (let round = 0; round < 5; round++) {
    await until('it answers', () => tally.ends.ok)
    await server.signal('SIGKILL')
    const refused = tally.ends.ERR_CONNECT ?? 0
    await until('it is refused', () => (tally.ends.ERR_CONNECT ?? 0) > refused)
    tally.ends.ok = 0
    await server.start()
  }
  await until('it answers', () => tally.ends.ok)
  const { ends } = await stop()
  tally.assertEnded('ok', LOST, 'ERR_CONNECT')
  assert.ok(ends[LOST]! > 0)
  assert.equal(redis.pending, 0)
})

// Proves: docs/channel.md#given-up
redisTest(
  'a server that is slow: deadlines end, and nobody gets the answer of another',
  async (skynet) => {
    await using server = await RedisServer.start()
    const { port } = server
    await using redis = new Redis(skynet, { port })
    await using other = new Redis(skynet, { port })
    await works(redis)
    for (const slow of [
      ['DEBUG', 'SLEEP', '0.3'],
      ['CLIENT', 'PAUSE', '300', 'ALL'],
    ]) {
      const [command, ...words] = slow
      const pause = other.call(command!, ...words)
      if (command === 'CLIENT') await pause
      const tally = new Tally()
      await Promise.all(
        Array.from({ length: 500 }, (_, i) => tally.ask(redis, i % 2 === 0 ? 20 : 0)),
      )
      tally.assertEnded('ok', TIMEOUT)
      assert.ok(tally.ends.ok! >= 250, JSON.stringify(tally.ends))
      await pause
      await works(redis)
      assert.equal(redis.pending, 0)
    }
  },
)

// Proves: docs/channel.md#silence
redisTest('a server that is held: silence ends the connection, not the channel', async (skynet) => {
  await using server = await RedisServer.start()
  const { port } = server
  await using redis = new Redis(skynet, { port, silenceMs: 100, connectTimeoutMs: 200 })
  await works(redis)
  await server.signal('SIGSTOP')
  const tally = new Tally()
  await Promise.all(Array.from({ length: 100 }, () => tally.ask(redis, 0)))
  tally.assertEnded(LOST)
  await server.signal('SIGCONT')
  await works(redis)
})

redisTest('a server that is full says so, and the connection goes on', async (skynet) => {
  await using server = await RedisServer.start(
    ...['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'],
  )
  await using redis = new Redis(skynet, { port: server.port })
  const value = 'x'.repeat(100_000)
  const outcomes = await redis.pipeline(
    Array.from({ length: 100 }, (_, i) => ['SET', `key ${i}`, value]),
  )
  const refused = outcomes.filter(({ ok }) => !ok)
  assert.ok(refused.length > 0 && refused.length < 100, `${refused.length} refused`)
  for (const { out } of refused) assert.equal((out as RedisError).kind, 'OOM')
  assert.equal(await redis.get('key 0'), value)
  await redis.call('FLUSHALL')
  await redis.set('key', value)
})

redisTest('a server that takes no more clients: each request ends', async (skynet) => {
  await using server = await RedisServer.start('--maxclients', '1')
  const { port } = server
  await using first = new Redis(skynet, { port })
  await works(first)
  await using second = new Redis(skynet, { port })
  const tally = new Tally()
  await Promise.all(Array.from({ length: 100 }, () => tally.ask(second, 0)))
  tally.assertEnded('ERR', LOST)
  await first.close()
  await works(second)
})

/** What may happen to a server, at random. */
const EVENTS: readonly ((server: RedisServer, admin: Redis, skynet: Skynet) => Promise<unknown>)[] =
  [
    async (server, _, skynet) => {
      await server.signal('SIGKILL')
      await skynet.sleep(20)
      await server.start()
    },
    async (server, _, skynet) => {
      await server.signal('SIGSTOP')
      await skynet.sleep(150)
      await server.signal('SIGCONT')
    },
    (_, admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    (_, admin) => admin.call('CLIENT', 'PAUSE', 50, 'ALL'),
    (_, admin) => admin.call('DEBUG', 'SLEEP', 0.05),
    (_server, _admin, skynet) => skynet.sleep(100),
  ]

// Proves: docs/channel.md#lost, #given-up, #full
redisTest(
  'whatever happens at random, each request ends once, with its own answer',
  async (skynet) => {
    const seed = seedOf()
    skynet.log(`SEED=${seed}`)
    const random = seeded(seed)
    await using server = await RedisServer.start()
    const { port } = server
    await using redis = new Redis(skynet, { port, silenceMs: 100, maxRequests: 150 })
    await using admin = new Redis(skynet, { port, timeoutMs: 2000 })
    const { tally, stop } = load(redis, 200, () =>
      random() < 0.5 ? 0 : 1 + Math.floor(random() * 60),
    )
    for (let round = 0; round < 40; round++) {
      const event = EVENTS[Math.floor(random() * EVENTS.length)]!
      await event(server, admin, skynet).catch((error: unknown) => {
        if (!isSkynetError(error)) throw error
      })
    }
    const { ok } = tally.ends
    // Whoever asks besides them may be refused for ever: 200 always want its 150 places.
    await until('it answers', () => tally.ends.ok !== ok)
    await stop()
    tally.assertEnded('ok', LOST, TIMEOUT, 'ERR_CONNECT', FULL)
    assert.ok(tally.ends.ok! > 1000, JSON.stringify(tally.ends))
    await until('all answers have come', () => redis.pending === 0)
  },
)

// Proves: docs/channel.md#auth, #change-host
redisTest('a backup stands in while the server is down', async (skynet) => {
  const pair = ['--requirepass', 'secret']
  await using main = await RedisServer.start(...pair)
  await using backup = await RedisServer.start(...pair)
  await using channel = socketChannel(skynet, {
    host: '127.0.0.1',
    port: main.port,
    backup: [{ host: '127.0.0.1', port: backup.port }],
    parser: (answers: AnswerSink<Reply>) => new RespParser(answers),
    auth: (to) => to.request(encode(['AUTH', 'secret'])),
  })
  const ask = (...words: string[]): Promise<Reply> => channel.request(encode(words))
  await ask('SET', 'who', 'main')
  await main.signal('SIGKILL')
  await until('the end is noticed', () => !channel.isOpen)
  assert.equal(await ask('GET', 'who'), null)
  assert.equal(channel.address, `127.0.0.1:${backup.port}`)
  await main.start()
  await backup.signal('SIGKILL')
  await until('the end is noticed', () => !channel.isOpen)
  await ask('SET', 'who', 'main')
  assert.equal(channel.address, `127.0.0.1:${main.port}`)
  await backup.start()
  channel.changeHost('127.0.0.1', backup.port)
  assert.equal(await ask('GET', 'who'), null)
})
