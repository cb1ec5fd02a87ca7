/**
 * Every parser that sees the bytes of a peer, a row each. `test/support/fuzz.ts` feeds them what a
 * peer might send by mistake or on purpose: `test/long/fuzz.test.ts`, `npm run soak fuzz`. A little
 * of that is in `test/library/fuzz.test.ts`.
 */
import { json } from '../../src/codec/json.ts'
import { msgpack } from '../../src/codec/msgpack.ts'
import { float } from '../../src/codec/seri/lua-float.ts'
import { LuaPointer } from '../../src/codec/seri/lua-pointer.ts'
import { unpackValues } from '../../src/codec/seri/reader.ts'
import { packValues } from '../../src/codec/seri/writer.ts'
import { BORDER_PARSERS } from './border-parsers.ts'
import { FRAME_PARSERS } from './frame-parsers.ts'
import { HARBOR_PARSERS } from './harbor-parsers.ts'
import { KCP_PARSERS } from './kcp-parsers.ts'
import { LINK_PARSERS } from './link-parsers.ts'
import { LOGIN_PARSERS } from './login-parsers.ts'
import { NATS_PARSERS } from './nats-parsers.ts'
import { RECORD_PARSERS } from './record-parsers.ts'
import { REDIS_PARSERS } from './redis-parsers.ts'
import { below, type Random } from './seed.ts'
import { SESSION_PARSERS } from './session-parsers.ts'
import { SKYNET_CLUSTER_PARSERS } from './skynet-cluster-parsers.ts'
import { SPROTO_PARSERS } from './sproto-parsers.ts'
import { TCP_PARSERS } from './tcp-parsers.ts'
import { TRANSPORT_PARSERS } from './transport-parsers.ts'
import { WEBSOCKET_PARSERS } from './websocket-parsers.ts'

export interface Parser {
  /** What it parses: it is also in the name of the test. */
  readonly name: string

  /** Bytes that a peer sends when all is well, some hundred at most. They get spoiled, or long. */
  readonly bytesOf: (random: Random) => Buffer

  /**
   * Parses them with a parser that is new, or keeps nothing. It may throw a `SkynetError`, and
   * nothing else.
   *
   * @param chunks One, unless `isStream`. The parser may change them.
   * @returns What the bytes have given; of a stream whatever its chunks are.
   */
  readonly parse: (chunks: readonly Buffer[]) => unknown

  /** Bytes may come in any chunks. What they give is compared: all at once, and in pieces. */
  readonly isStream?: true

  /** Bytes of memory that it may take whatever comes, instead of `FIXED_BYTES` of the harness. */
  readonly fixedBytes?: number
}

const packed = msgpack()

export const PARSERS: readonly Parser[] = [
  {
    name: 'json',
    bytesOf: (random) => Buffer.from(JSON.stringify(anyValues(random))),
    parse: ([bytes]) => json().decode(bytes!),
  },
  {
    name: 'seri',
    bytesOf: (random) =>
      packValues([
        anyValue(random),
        anyValues(random),
        new Map([[anyValue(random) ?? 1, float(below(random, 9))]]),
        Buffer.from([0xff, below(random, 256)]),
        new LuaPointer(BigInt(below(random, 2))),
      ]),
    parse: ([bytes]) => unpackValues(bytes!),
  },
  ...SPROTO_PARSERS,
  ...BORDER_PARSERS,
  ...FRAME_PARSERS,
  ...LOGIN_PARSERS,
  ...SKYNET_CLUSTER_PARSERS,
  ...LINK_PARSERS,
  ...KCP_PARSERS,
  ...RECORD_PARSERS,
  ...HARBOR_PARSERS,
  ...REDIS_PARSERS,
  ...TCP_PARSERS,
  ...NATS_PARSERS,
  ...WEBSOCKET_PARSERS,
  ...TRANSPORT_PARSERS,
  ...SESSION_PARSERS,
  {
    name: 'msgpack',
    bytesOf: (random) =>
      Buffer.from(
        packed.encode([anyValues(random), new Date(below(random, 2 ** 40)), 2n ** 63n, undefined]),
      ),
    parse: ([bytes]) => packed.decode(bytes!),
  },
]

const WORDS = ['', 'a', '1023', 'move', 'x', '__proto__', 'naïve', '龙', '🐉', 'a b', '0', 'length']
const NUMBERS = [0, 1, -1, 255, 256, 65_536, 2 ** 31, -(2 ** 31), 2 ** 53, 0.1, -0, 1e300]

/** Now and then something small many times: what each takes of memory shows then. */
function anyValues(random: Random): unknown {
  if (below(random, 50) > 0) return anyValue(random)
  const word = WORDS[below(random, WORDS.length)]!
  return Array(2000).fill([[], {}, word, { [word]: true }][below(random, 4)])
}

/** Plain data, as it is in JSON. */
export function anyValue(random: Random, depth = 0): unknown {
  const pick = <T>(list: readonly T[]): T => list[below(random, list.length)]!
  switch (below(random, depth < 4 ? 8 : 5)) {
    case 0:
      return pick([null, true, false])
    case 1:
      return pick(NUMBERS)
    case 2:
      return below(random, 1000)
    case 3:
      return pick(WORDS)
    case 4:
      return pick(WORDS).repeat(below(random, 40))
    case 5:
      return Array.from({ length: below(random, 6) }, () => anyValue(random, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: below(random, 6) }, () => [pick(WORDS), anyValue(random, depth + 1)]),
      )
  }
}
