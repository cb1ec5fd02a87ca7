/** The row of `parsers.ts` for the replies of Redis, as the example reads them on a channel. */
import { ProtocolError, RespParser } from '../../examples/redis/resp.ts'
import { SkynetError } from '../../src/base/errors.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const TEXTS = ['', 'a', '10', 'OK', 'naïve', '龙', '\r\n', '$1\r\nx\r\n', '__proto__']

function anyReply(random: Random, depth = 0): string {
  const text = TEXTS[below(random, TEXTS.length)]!.repeat(below(random, 4))
  switch (below(random, depth < 4 ? 7 : 5)) {
    case 0:
      return `+${text.replace(/[\r\n]/g, ' ')}\r\n`
    case 1:
      return `-ERR ${text.replace(/[\r\n]/g, ' ')}\r\n`
    case 2:
      return `:${below(random, 2 ** 31) - 2 ** 30}\r\n`
    case 3:
      return ['$-1\r\n', '*-1\r\n', ':9223372036854775807\r\n'][below(random, 3)]!
    case 4:
      return `$${Buffer.byteLength(text)}\r\n${text}\r\n`
    default: {
      const items = Array.from({ length: below(random, 5) }, () => anyReply(random, depth + 1))
      return `*${items.length}\r\n${items.join('')}`
    }
  }
}

/** As a channel does, which closes the connection for what its parser throws. */
function parse(chunks: readonly Buffer[]): unknown {
  const replies: unknown[] = []
  const parser = new RespParser({
    answer: (reply) => replies.push(reply),
    failure: (reason) => replies.push(`${reason}`),
  })
  try {
    for (const chunk of chunks) parser.take(chunk)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    const info = { address: 'redis', reason: cause.message }
    throw new SkynetError('ERR_SOCKETCHANNEL_PROTOCOL', info, { cause })
  }
  return replies
}

export const REDIS_PARSERS: readonly Parser[] = [
  {
    name: 'redis',
    isStream: true,
    bytesOf: (random) => Buffer.from(anyReply(random) + anyReply(random) + anyReply(random)),
    parse,
  },
]
