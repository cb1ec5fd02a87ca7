/** Rows of `parsers.ts`: everything of sproto that sees bytes, and the schema. */
import { sproto } from '../../src/codec/sproto/sproto.ts'
import { sprotoPack, sprotoUnpack } from '../../src/codec/sproto/zero-pack.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const TEXT = `
# all that there is
.package { type 0 : integer session 1 : integer ud 2 : string }
.Item { id 0 : integer name 3 : string }
.Pair { key 0 : string value 1 : Item }
.All {
  i 0 : integer b 1 : boolean s 2 : string bin 3 : binary d 4 : double dec 5 : integer(2)
  item 8 : Item all 9 : All
  is 20 : *integer bs 21 : *boolean ss 22 : *string bins 23 : *binary ds 24 : *double
  items 25 : *Item alls 26 : *All byId 27 : *Item(id) pairs 300 : *Pair()
}
all 1 { request All response Item }
ping 2 {}
quit 3 { request { reason 0 : string } response nil }
`
const game = sproto(TEXT)
const host = game.host('package')

const integer = (random: Random): number =>
  Math.trunc((random() - 0.5) * 2 ** [4, 20, 34, 53][below(random, 4)]!)
const text = (random: Random): string => ['', 'a', '__proto__', 'naïve', '龙'][below(random, 5)]!
const list = <T>(random: Random, make: (random: Random) => T): T[] =>
  Array.from({ length: below(random, 4) }, () => make(random))
const item = (random: Random) => ({ id: integer(random), name: text(random) })

type All = Parameters<typeof game.encode<'All'>>[1]

function all(random: Random, depth = 0): All {
  const bytes = (): Buffer => Buffer.from(text(random))
  const half: All = { i: integer(random), s: text(random), d: random(), is: list(random, integer) }
  if (random() < 0.5 || depth > 3) return half
  return {
    ...half,
    b: random() < 0.5,
    bin: bytes(),
    dec: below(random, 1000) / 100,
    item: item(random),
    all: all(random, depth + 1),
    bs: list(random, () => true),
    ss: list(random, text),
    bins: list(random, bytes),
    ds: list(random, random),
    items: list(random, item),
    alls: list(random, () => all(random, depth + 2)),
    byId: list(random, item),
    pairs: new Map(list(random, () => [text(random), item(random)] as const)),
  }
}

function message(random: Random): Buffer {
  const peer = host.attach(game)
  const session = random() < 0.5 ? undefined : integer(random)
  switch (below(random, 3)) {
    case 0:
      return peer.request('ping', undefined, session, text(random))
    case 1:
      return peer.request('quit', { reason: text(random) }, session)
    default:
      return peer.request('all', all(random), session)
  }
}

export const SPROTO_PARSERS: readonly Parser[] = [
  {
    name: 'sproto',
    bytesOf: (random) => game.encode('All', all(random)),
    parse: ([bytes]) => game.withBigInts().decode('All', bytes!),
  },
  {
    name: 'sproto 0-pack',
    bytesOf: (random) => sprotoPack(game.encode('All', all(random))),
    parse: ([bytes]) => sprotoUnpack(bytes!),
  },
  { name: 'sproto host', bytesOf: message, parse: ([bytes]) => host.dispatch(bytes!) },
  {
    name: 'sproto peer',
    bytesOf: (random) => {
      const asked = host.dispatch(host.attach(game).request('all', all(random), 7))
      return asked.name === 'all' ? asked.respond!(item(random)) : Buffer.alloc(0)
    },
    parse: ([bytes]) => {
      const peer = host.attach(game)
      peer.request('all', {}, 7)
      return peer.dispatch(bytes!)
    },
  },
  {
    name: 'sproto schema',
    bytesOf: () => Buffer.from(TEXT),
    parse: ([bytes]) => sproto(bytes!.toString()).types,
  },
]
