/** What the border of a node reads of the bytes of a peer. */
import { isAdmitted } from '../../src/cluster/admission.ts'
import { readControl } from '../../src/cluster/control.ts'
import { FENCED, Fencing, fenced } from '../../src/cluster/fencing.ts'
import { PackedSlot } from '../../src/cluster/packed.ts'
import { BorderPeer, type RemoteKey } from '../../src/cluster/peer.ts'
import { References } from '../../src/cluster/references.ts'
import { Packer } from '../../src/wire/pack.ts'
import { ServiceId } from '../../src/wire/service-id.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const packer = new Packer()

function packed(value: unknown): Buffer {
  const length = packer.pack(value)
  return Buffer.from(packer.bytes.subarray(0, length))
}

const peer = new BorderPeer({ node: 'b', epoch: 2 }, 0)
const references = new References(
  {
    self: { node: 'a', epoch: 1 },
    proxyOf: () => undefined,
    named: () => {},
    proxyFor: (of, key: RemoteKey) => ({
      handle: 7,
      peer: of,
      key,
      asked: undefined,
      watchers: undefined,
    }),
    peerAt: () => peer,
    handleOf: (id) => id,
  },
  new Packer(),
)
const fencing = new Fencing({ accepts: () => true, current: () => undefined })

/** As they stand on the way: of the sender, of the receiver, of a third node, and names. */
const TARGETS = [9, 0x1000009, '.lobby', '/.lobby', 'c/7/1a', 'c/7/.lobby', 'a/1/2']

const reference = (random: Random): ServiceId =>
  new ServiceId(TARGETS[below(random, TARGETS.length)]!)

const CONTROLS: readonly ((random: Random) => unknown)[] = [
  (random) => ['watch', 1 + below(random, 99)],
  () => ['unwatch', '.lobby'],
  (random) => ['ended', 1 + below(random, 99), { handle: 1, reason: 'exit' }],
  (random) => ['gone', [1, 2, 1 + below(random, 99)]],
  () => ['known', []],
]

export const BORDER_PARSERS: readonly Parser[] = [
  {
    name: 'messages of a peer',
    bytesOf: (random) => packed(['method', below(random, 99), [reference(random), { x: 1 }]]),
    parse: ([bytes]) => [
      isAdmitted(10, bytes!, 0, bytes!.length),
      isAdmitted(12, bytes!, 0, bytes!.length),
      references.inward(peer, bytes!, 0, bytes!.length),
    ],
  },
  {
    name: 'words of the border of a peer',
    bytesOf: (random) => packed(CONTROLS[below(random, CONTROLS.length)]!(random)),
    parse: ([bytes]) => readControl(bytes!, 0, bytes!.length),
  },
  {
    name: 'messages of who is one in the cluster',
    bytesOf: (random) => {
      const message = packed(['method', below(random, 99)])
      return fenced({ name: 'lobby', token: [1, 2] }, message, 0, message.length)
    },
    parse: ([bytes]) => {
      const slot = new PackedSlot()
      slot.set(FENCED | 10, 1, 2, 3, 4, bytes!, 0, bytes!.length)
      const { at, length } = fencing.open(slot)
      return [at, length]
    },
  },
]
