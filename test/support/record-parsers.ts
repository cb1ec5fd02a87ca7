/** What nodes say in beats and write into the store of a cluster, as rows of `PARSERS`. */
import {
  decodeBeat,
  decodeNode,
  decodeOwner,
  encodeBeat,
  encodeNode,
  encodeOwner,
} from '../../src/cluster/core/records.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const ERA = 1_793_000_000_000

const nameOf = (random: Random): string => `node-ß${below(random, 100)}`
const addressOf = (random: Random) => ({ node: nameOf(random), epoch: below(random, 2 ** 50) })
const entryOf = (key: string, value: Uint8Array) => ({ key, revision: 1, value })

function nodeOf(random: Random): Uint8Array {
  return encodeNode({
    ...addressOf(random),
    addresses: Array.from({ length: below(random, 4) }, () => '127.0.0.1:7001'),
    protocol: { min: 1, max: 1 + below(random, 3) },
    build: nameOf(random),
    isDraining: random() < 0.5,
    instance: below(random, 2 ** 32),
    deadBy: random() < 0.5 ? nameOf(random) : undefined,
  })
}

export const RECORD_PARSERS: readonly Parser[] = [
  {
    name: 'cluster: beats',
    bytesOf: (random) => Buffer.from(encodeBeat({ ...addressOf(random), sentAt: random() * 1e9 })),
    parse: ([bytes]) => decodeBeat(bytes!),
  },
  {
    name: 'cluster: records of nodes',
    bytesOf: (random) => Buffer.from(nodeOf(random)),
    parse: ([bytes]) => decodeNode(entryOf('node.a', bytes!), ERA),
  },
  {
    name: 'cluster: owners of names',
    bytesOf: (random) => {
      const token = random() < 0.5 ? ([ERA, below(random, 100)] as const) : undefined
      return Buffer.from(encodeOwner(addressOf(random), below(random, 100), token))
    },
    parse: ([bytes]) => decodeOwner(entryOf('name.a', bytes!), ERA),
  },
]
