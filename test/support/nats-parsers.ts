/** Subjects of messages of NATS: rows of `PARSERS`. */
import { refusedOf, Subjects } from '../../src/cluster/nats/subjects.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const subjects = new Subjects('game', 'a b')
const peer = (random: Random) => ({ node: `n.${below(random, 99)}`, epoch: 1 + below(random, 1e6) })
const frameOf = ({ node }: { node: string }, epoch: number): string =>
  new Subjects('game', node).frame({ node: 'a b', epoch: 1 }, epoch)

export const NATS_PARSERS: readonly Parser[] = [
  {
    name: 'a sender in a subject of NATS',
    bytesOf: (random) => Buffer.from(frameOf(peer(random), 1 + below(random, 1e9))),
    parse: ([bytes]) => subjects.senderOf(bytes!.toString()),
  },
  {
    name: 'a refusal in a subject of NATS',
    bytesOf: (random) => Buffer.from(`${subjects.refusal(peer(random))}${below(random, 1e9)}`),
    parse: ([bytes]) => refusedOf(bytes!.toString()),
  },
]
