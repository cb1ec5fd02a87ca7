/** Asks a redis-server by a channel, in either way to read answers, and checks each. */
import { defineService } from 'skynet-ts'
import { type AnswerReader, type OrderChannel, socketChannel } from 'skynet-ts/channel'
import { Redis } from '../../examples/redis/redis.ts'
import { encode } from '../../examples/redis/resp.ts'
import { type Pace, paceCalls } from '../support/pace.ts'
import { serveFromService } from '../support/serve.ts'

interface Params extends Pace {
  readonly port: number
  readonly concurrent: number
}

/** A bulk string, as a function reads it that comes with each request. */
const bulk: AnswerReader<{ readonly ok: true; readonly data: string }> = async (input) => {
  const length = Number((await input.readLine()).slice(1))
  const bytes = await input.read(length + 2)
  return { ok: true, data: bytes.toString('utf8', 0, length) }
}

export default defineService((skynet) => {
  let redis: Redis | undefined
  let channel: OrderChannel | undefined
  serveFromService({
    ask({ port, ...pace }: Params) {
      redis ??= new Redis(skynet, { port })
      return paceCalls(async (value) => Number(await redis!.call('ECHO', value)), pace)
    },
    read({ port, ...pace }: Params) {
      channel ??= socketChannel(skynet, { port })
      const ask = (value: number) => channel!.request(encode(['ECHO', value]), bulk)
      return paceCalls(async (value) => Number(await ask(value)), pace)
    },
  })
})
