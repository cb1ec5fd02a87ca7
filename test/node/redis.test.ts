/** The Redis example against a real redis-server: commands, pipelines, subscriptions. */
import assert from 'node:assert/strict'
import { test as nodeTest } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import { Redis } from '../../examples/redis/redis.ts'
import { RedisError } from '../../examples/redis/resp.ts'
import { Watch } from '../../examples/redis/watch.ts'
import { startTestNode } from '../support/node.ts'
import { isRedisInstalled, REDIS_LEFT_OUT, RedisServer } from '../support/redis-server.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const isInstalled = isRedisInstalled()

const redisTest = (title: string, body: Body): void => {
  if (isInstalled) serviceTest(import.meta.url, title, body)
}

if (!isInstalled && isMainThread) {
  nodeTest('the Redis example', (t) => t.diagnostic(REDIS_LEFT_OUT))
}

// Proves: docs/skynet.md#testredis
redisTest('values come back as Redis has them', async (skynet) => {
  await using server = await RedisServer.start()
  await using redis = new Redis(skynet, { port: server.port })
  assert.equal(await redis.call('PING'), 'PONG')
  await redis.set('key', 'väl\r\nue')
  assert.equal(await redis.get('key'), 'väl\r\nue')
  assert.equal(await redis.get('nobody'), null)
  assert.deepEqual([await redis.exists('key'), await redis.exists('nobody')], [true, false])
  assert.equal(await redis.call('INCRBYFLOAT', 'float', 1.5), '1.5')
  assert.equal(await redis.call('INCR', 'count'), 1)
  await redis.set('large', 2n ** 62n)
  assert.equal(await redis.call('INCR', 'large'), 2n ** 62n + 1n)
  await redis.set('bytes', Buffer.from('a\0b'))
  assert.equal(await redis.call('STRLEN', 'bytes'), 3)
  await redis.call('HSET', 'hash', 'a', 1, 'b', 2)
  assert.deepEqual(await redis.call('HMGET', 'hash', 'a', 'c', 'b'), ['1', null, '2'])
  assert.deepEqual(await redis.call('LRANGE', 'nothing', 0, -1), [])
  await assert.rejects(redis.call('LPUSH', 'key', 1), (error) => {
    assert.ok(error instanceof RedisError)
    return error.kind === 'WRONGTYPE'
  })
  await assert.rejects(redis.call('NOSUCH'), RedisError)
  const long = 'x'.repeat(3_000_000)
  await redis.set('long', long)
  assert.equal(await redis.get('long'), long)
})

if (isInstalled && isMainThread) {
  nodeTest('the example tells who scored', async (t) => {
    await using server = await RedisServer.start()
    const config = new URL('../../examples/redis/skynet.config.ts', import.meta.url)
    const node = await startTestNode(t, config, [`env.REDIS_PORT=${server.port}`, 'thread=2'])
    // What is published comes on a connection of its own, and bob may have scored by then.
    await node.logged(/ada scored; the best: (bob,5,)?ada,3\n/)
    await node.logged(/bob scored; the best: bob,5,ada,3\n/)
    node.assertNoFault()
    await node.node.stop()
  })
}

redisTest('a transaction has errors inside of its list', async (skynet) => {
  await using server = await RedisServer.start()
  await using redis = new Redis(skynet, { port: server.port })
  const outcomes = await redis.pipeline([
    ['MULTI'],
    ['SET', 'a', 'text'],
    ['INCR', 'a'],
    ['EXEC'],
    ['NOSUCH'],
    ['GET', 'a'],
  ])
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    [true, true, true, true, false, true],
  )
  const [set, incr] = outcomes[3]!.out as [string, RedisError]
  assert.equal(set, 'OK')
  assert.ok(incr instanceof RedisError)
  assert.equal(outcomes[5]!.out, 'text')
})

// Proves: docs/channel.md#order
// Proves: docs/skynet.md#testpipeline
redisTest('ten thousand commands under way have their own answers', async (skynet) => {
  await using server = await RedisServer.start()
  await using redis = new Redis(skynet, { port: server.port })
  const commands = Array.from({ length: 10_000 }, (_, i) => ['ECHO', `${i}`.repeat(i % 7)])
  const outcomes = await redis.pipeline(commands)
  assert.deepEqual(
    outcomes.map(({ out }) => out),
    commands.map(([, text]) => text),
  )
})

// Proves: docs/channel.md#auth
redisTest('AUTH and SELECT come first on each connection', async (skynet) => {
  await using server = await RedisServer.start('--requirepass', 'secret')
  const options = { port: server.port, password: 'secret', db: 3 }
  await using redis = new Redis(skynet, options)
  await redis.set('key', 'in 3')
  const id = await redis.call('CLIENT', 'ID')
  await redis.call('CLIENT', 'KILL', 'ID', id as number, 'SKIPME', 'no').catch(() => {})
  await until('another connection', async () => {
    const now = await redis.call('CLIENT', 'ID').catch(() => id)
    return now !== id
  })
  assert.equal(await redis.get('key'), 'in 3')
  await using wrong = new Redis(skynet, { ...options, password: 'guess' })
  await assert.rejects(wrong.get('key'), (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_SOCKETCHANNEL_AUTH')
    assert.equal((error.cause as RedisError).kind, 'WRONGPASS')
    return true
  })
  await using none = new Redis(skynet, { port: server.port })
  await assert.rejects(none.get('key'), (error: RedisError) => error.kind === 'NOAUTH')
})

// Proves: docs/channel.md#response
// Proves: docs/skynet.md#testredis2
redisTest(
  'subscriptions hear what is published, also after the connection was lost',
  async (skynet) => {
    await using server = await RedisServer.start()
    const { port } = server
    await using redis = new Redis(skynet, { port })
    await using watch = new Watch(skynet, { port })
    await watch.subscribe('news')
    await watch.psubscribe('room.*')
    const heard: string[] = []
    const listening = (async () => {
      for await (const { channel, pattern = '', data } of watch) {
        heard.push([channel, pattern, data].join(' '))
      }
    })()
    const subscribers = (count: number) =>
      until(`${count} subscribers`, async () => {
        const [, news] = (await redis.call('PUBSUB', 'NUMSUB', 'news')) as [string, number]
        return news === count && (await redis.call('PUBSUB', 'NUMPAT')) === count
      })
    const hear = (text: string) => until(text, () => heard.includes(text))
    await subscribers(1)
    await redis.call('PUBLISH', 'news', 'one')
    await redis.call('PUBLISH', 'room.7', 'two')
    await hear('room.7 room.* two')
    assert.deepEqual(heard, ['news  one', 'room.7 room.* two'])
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await subscribers(1)
    await redis.call('PUBLISH', 'news', 'three')
    await hear('news  three')
    await watch.punsubscribe('room.*')
    await watch.unsubscribe('news')
    await subscribers(0)
    await assert.rejects(watch.message({ timeoutMs: 10 }), { code: 'ERR_SOCKETCHANNEL_TIMEOUT' })
    await watch.close()
    await listening
  },
)
