/** A channel to a redis-server, by the client of examples/redis, beside ioredis. */
import { withPackages } from '../test/support/installed.ts'
import { isRedisInstalled, REDIS_LEFT_OUT, RedisServer } from '../test/support/redis-server.ts'
import type { Bench, BenchOptions, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest } from './support/contest.ts'
import { otherSide, ourSide, startNode } from './support/sides.ts'

const PEER = 'ioredis@6.0.0'
const KINDS = [
  { what: 'one request at a time', how: 'ask', concurrent: 1 },
  { what: '100 requests under way', how: 'ask', concurrent: 100 },
  { what: 'the same, each with a reader', how: 'read', concurrent: 100 },
]

export const channel: Bench = {
  name: 'channel',
  help: 'requests answered by redis-server, each answer checked, by one connection',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  const folder = isRedisInstalled() ? withPackages('ioredis', [PEER], []) : undefined
  if (folder === undefined) {
    const reason = isRedisInstalled() ? `left out: npm cannot install ${PEER}` : REDIS_LEFT_OUT
    process.stderr.write(`${reason}\n`)
    return []
  }
  await using server = await RedisServer.start()
  const port = String(server.port)
  await using node = await startNode('services/redis-asker.js', 1, options)
  await using ioredis = await Child.start('peers/ioredis.js', [folder, port], options)
  const { seconds, warmSeconds } = options
  const rows: Row[] = []
  for (const { what, how, concurrent } of KINDS) {
    const params = { port: server.port, concurrent, seconds, warmSeconds }
    const ours = ourSide(node, how, params)
    const others = [otherSide('ioredis', ioredis, 'ask', params)]
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  return rows
}
