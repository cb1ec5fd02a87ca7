/** What may happen to UDP sockets. */
import { DatagramWriter } from '../../net/client/datagram-writer.ts'
import { compactAddress } from '../../os/compact.ts'
import type { KeptMailbox } from './network.ts'
import type { Owner } from './owner.ts'
import { SettingsModel } from './settings-model.ts'
import { aliveOwner, type Run, row, type Step } from './step.ts'
import { UdpModel } from './udp-model.ts'
import type { World } from './world.ts'

/** Several batches of the server's. */
const DATAGRAMS_MAX = 80
const MANY_DATAGRAMS = 6

function open(world: World): unknown {
  const owner = aliveOwner(world)
  if (owner === undefined) return undefined
  const fd = world.os.datagram(4)
  if (fd < 0) return undefined
  const mailbox = world.os.mailboxOf(fd) as KeptMailbox
  const { client } = owner.worker
  const id = client.slots.reserve()
  const udp = new UdpModel(id, mailbox, new SettingsModel(world.settings, true))
  owner.udps.set(id, udp)
  world.knowUdp(udp)
  client.order('udp', id, fd, owner.handle)
  client.order('peer', id, 0, 0, compactAddress(world.random.pick(world.hosts)))
  return `owner ${owner.handle & 15} socket ${id}`
}

/** `use` with some UDP socket that is open. */
const held = (use: (world: World, owner: Owner, udp: UdpModel) => unknown): Run => {
  return (world) => {
    const owner = aliveOwner(world)
    if (owner === undefined) return undefined
    const open = [...owner.udps.values()].filter((udp) => udp.phase === 'open' && !udp.isClosing)
    if (open.length === 0) return undefined
    const udp = world.random.pick(open)
    return `owner ${owner.handle & 15} socket ${udp.id} ${use(world, owner, udp) ?? ''}`
  }
}

function sends(world: World, owner: Owner, udp: UdpModel): unknown {
  const { random } = world
  const { client, index } = owner.worker
  // What the system refuses it counts itself.
  const writer = new DatagramWriter(client, udp.id, () => {})
  const count = random.size(random.oneIn(8) ? DATAGRAMS_MAX : MANY_DATAGRAMS)
  for (let i = 0; i < count; i++) {
    const bytes = udp.make(index, world.datagramLength())
    if (!writer.send(bytes, compactAddress(random.pick(world.hosts)))) udp.unmake(index)
  }
  client.flush()
  return count
}

/** As to a stream: it goes to the usual peer. */
function writes(world: World, owner: Owner, udp: UdpModel): void {
  const { client, index } = owner.worker
  const bytes = udp.make(index, world.datagramLength())
  if (!client.send(udp.id, bytes, bytes.length)) udp.unmake(index)
}

function hostSends(world: World): unknown {
  if (world.udps.length === 0) return undefined
  const { mailbox, id } = world.random.pick(world.udps)
  const count = world.random.size(MANY_DATAGRAMS)
  for (let i = 0; i < count; i++) {
    const bytes = world.random.bytes(world.datagramLength())
    world.os.network.sendToUs(mailbox.local, { from: world.random.pick(world.hosts), bytes })
  }
  return `${count} to socket ${id}`
}

const order =
  (name: 'pause' | 'start', isPaused: boolean) =>
  (_world: World, owner: Owner, udp: UdpModel): void => {
    udp.isPaused = isPaused
    if (!isPaused) udp.resumed++
    owner.worker.client.order(name, udp.id, owner.handle)
  }

export const UDP_STEPS: readonly Step[] = [
  row(12, 'open udp', open),
  row(40, 'udp sends', held(sends)),
  row(10, 'udp writes', held(writes)),
  row(40, 'host sends', hostSends),
  row(4, 'udp pause', held(order('pause', true))),
  row(8, 'udp resume', held(order('start', false))),
  row(
    6,
    'udp drain',
    held((_, owner, udp) => {
      udp.drains.ordered(0)
      owner.worker.client.order('drain', udp.id, owner.handle)
    }),
  ),
  row(
    3,
    'udp close',
    held((_, owner, udp) => owner.closeUdp(udp)),
  ),
]
