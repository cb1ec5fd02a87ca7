/** Entry: one codec in a process of its own, so that no other one spoils what V8 knows of it. */
import { deepEqual } from 'node:assert/strict'
import { type Codec, json, seri, sproto } from 'skynet-ts/codec'
import { msgpack } from 'skynet-ts/msgpack'
import type { Measure } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { serve } from '../support/serve.ts'

/** Ten fields, a list of three, as a message of a game has them. */
const MESSAGE = {
  id: 12_345,
  name: 'player one',
  level: 7,
  speed: 0.5,
  alive: true,
  guild: 'dragons',
  x: 100,
  y: -20,
  token: 'abcdef0123456789',
  items: [
    { id: 1, count: 3, name: 'sword' },
    { id: 2, count: 1, name: 'shield' },
    { id: 3, count: 9, name: 'potion' },
  ],
}
type Message = typeof MESSAGE

const game = sproto(`
  .Item { id 0 : integer count 1 : integer name 2 : string }
  .Message {
    id 0 : integer name 1 : string level 2 : integer speed 3 : double alive 4 : boolean
    guild 5 : string x 6 : integer y 7 : integer token 8 : string items 9 : *Item
  }
`)
const list = seri<[Message], [Message]>()

const CODECS: Readonly<Record<string, Codec<Message>>> = {
  JSON: {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse((bytes as Buffer).toString()) as Message,
  },
  json: json<Message>(),
  msgpack: msgpack<Message>(),
  seri: {
    encode: (value) => list.encode([value]),
    decode: (bytes) => list.decode(bytes)[0],
  },
  sproto: {
    encode: (value) => game.encode('Message', value),
    decode: (bytes) => game.decode('Message', bytes) as Message,
  },
}

const TIMES_PER_LOOK = 256

/** @param work Gives the same number each time, and all of them are counted. */
function pace(work: () => number, { seconds, warmSeconds }: Pace): Measure {
  const expected = work()
  const run = (forSeconds: number): Measure => {
    const startedAt = performance.now()
    const endsAt = startedAt + forSeconds * 1000
    let completed = 0
    let sum = 0
    do {
      for (let i = 0; i < TIMES_PER_LOOK; i++) sum += work()
      completed += TIMES_PER_LOOK
    } while (performance.now() < endsAt)
    if (sum !== completed * expected) throw new Error('what came is not always the same')
    return { completed, value: (completed * 1000) / (performance.now() - startedAt) }
  }
  run(warmSeconds)
  return run(seconds)
}

function codecOf(name: string): Codec<Message> {
  const codec = CODECS[name]
  if (codec === undefined) throw new Error(`there is no codec '${name}'`)
  deepEqual({ ...codec.decode(codec.encode(MESSAGE)) }, MESSAGE)
  return codec
}

type Params = Pace & { readonly codec: string }

serve({
  encode({ codec, ...rest }: Params) {
    const { encode } = codecOf(codec)
    return pace(() => encode(MESSAGE).length, rest)
  },
  decode({ codec, ...rest }: Params) {
    const { encode, decode } = codecOf(codec)
    const bytes = encode(MESSAGE)
    return pace(() => decode(bytes).items.length, rest)
  },
})
