/** A board of scores in Redis: tells the best whenever somebody scores. */
import { defineService } from 'skynet-ts'
import { Redis } from './redis.ts'
import { Watch } from './watch.ts'

export default defineService(async (skynet) => {
  const port = Number(skynet.getenv('REDIS_PORT') ?? 6379)
  const redis = new Redis(skynet, { port, timeoutMs: 2000 })
  const watch = new Watch(skynet, { port })
  await watch.subscribe('scored')

  skynet.fork(async () => {
    for await (const { data } of watch) {
      const best = await redis.call('ZREVRANGE', 'board', 0, 2, 'WITHSCORES')
      skynet.log(`${data} scored; the best: ${best}`)
    }
  })

  return {
    async score(name: string, points: number): Promise<void> {
      await redis.pipeline([
        ['ZINCRBY', 'board', points, name],
        ['PUBLISH', 'scored', name],
      ])
    },
  }
})
