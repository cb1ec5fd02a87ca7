/**
 * What may happen in a run, as a table: name, how often, and what it does. A step that finds
 * nothing to do does nothing. New abilities of the server are new rows.
 */

import type { Slots } from '../../net/slots.ts'
import { STATE } from '../../net/state.ts'
import type { Owner } from './owner.ts'
import type { SimPeer } from './peer.ts'
import type { Holding, SocketModel, SocketPhase } from './socket-model.ts'
import { aliveOwner, type Run, row, type Step } from './step.ts'
import { broadcastPiece, bytesOfPiece } from './stream.ts'
import { UDP_STEPS } from './udp-steps.ts'
import type { World } from './world.ts'

/** Of so many that fit, each may be the one. */
const SKIP_MAX = 6
const EVENTS_MAX = 32
const PIECES_MAX = 6
/** So often in one go that a ring gets full. */
const MANY = 12
const ORDERS_MAX = 600
const TIMES_MS = [1, 50, 100, 300, 500, 1999, 2000, 10_000] as const
const STOPPED_MS = 10_000
/** More than most turns look at their clock. */
const STOP_LOOKS_MAX = 12
const BROADCASTS_MAX = 3
const BACKLOGS = [1, 2, 128] as const

interface Held {
  readonly owner: Owner
  readonly holding: Holding
}

/** Some view of a socket in one of these phases: the first one from a place by chance. */
function pick({ random, owners }: World, phases: readonly SocketPhase[]): Held | undefined {
  const from = random.below(owners.length)
  let skip = random.below(SKIP_MAX)
  let found: Held | undefined
  for (let i = 0; i < owners.length; i++) {
    const owner = owners[(from + i) % owners.length]!
    for (const holding of owner.holdings.values()) {
      if (!phases.includes(holding.phase)) continue
      found = { owner, holding }
      if (skip-- === 0) return found
    }
  }
  return found
}

/** `use` with some view in one of `phases`. */
const held = (phases: readonly SocketPhase[], use: (world: World, held: Held) => unknown): Run => {
  return (world) => {
    const found = pick(world, phases)
    if (found === undefined) return undefined
    const { owner, holding } = found
    const detail = use(world, found) ?? ''
    return `owner ${owner.handle & 15} socket ${holding.socket.id} ${holding.phase} ${detail}`
  }
}

/** `use` with some peer. */
const peer = (use: (world: World, peer: SimPeer) => unknown): Run => {
  return (world) => {
    if (world.peers.length === 0) return undefined
    const found = world.random.pick(world.peers)
    return `peer ${found.address} of socket ${found.socket?.id} ${use(world, found) ?? ''}`
  }
}

const ASKABLE: readonly SocketPhase[] = ['accepted', 'open', 'ended', 'moved', 'failed']

function listen(world: World): unknown {
  const owner = aliveOwner(world)
  if (owner === undefined) return undefined
  const backlog = world.random.pick(BACKLOGS)
  const fd = world.os.listen({ family: 4, host: '127.0.0.1', port: 0 }, { backlog })
  if (fd < 0) return undefined
  const socket = world.newSocket()
  owner.hold(socket, 'listening')
  socket.port = world.os.portOf(fd)
  world.ports.push(socket.port)
  owner.worker.client.order('listen', socket.id, fd, owner.handle)
  return `owner ${owner.handle & 15} socket ${socket.id}`
}

function startListener(_world: World, { owner, holding }: Held): void {
  // Later ones are for going on after a pause, and have no answer.
  if (holding.hasStarted) holding.resumed++
  else holding.asked++
  holding.hasStarted = true
  owner.worker.client.order('start', holding.socket.id, owner.handle)
}

function connect(world: World): unknown {
  const owner = aliveOwner(world)
  if (owner === undefined) return undefined
  const socket = world.newSocket()
  const holding = owner.hold(socket, 'opening', true)
  const addresses = Array.from({ length: world.random.size(3) }, () => {
    const address = world.os.network.freshAddress()
    world.dialled.set(address.port, socket)
    return address
  })
  if (world.random.oneIn(4)) owner.send(holding, world.pieceLength())
  owner.worker.client.connect(socket.id, owner.handle, addresses)
  return `owner ${owner.handle & 15} socket ${socket.id}`
}

/** The one to whom it came reads it. */
function start(_world: World, { owner, holding }: Held): void {
  holding.phase = 'opening'
  holding.asked++
  owner.worker.client.order('start', holding.socket.id, owner.handle)
}

/** Somebody else wants it, or its owner of before. */
function take(world: World, { holding }: Held): unknown {
  const taker = aliveOwner(world)
  if (taker === undefined) return undefined
  const { socket } = holding
  const known = taker.holdings.get(socket.id)
  // It has it, or has asked for it.
  if (known !== undefined && known.phase !== 'moved' && known.phase !== 'failed') return undefined
  taker.hold(socket, 'opening').mustFail = socket.isHeld
  taker.worker.client.order('start', socket.id, taker.handle)
  return `taken by ${taker.handle & 15}`
}

/** It stays with its owner; that of before can do nothing about it any more. */
function keep(_world: World, { owner, holding }: Held): void {
  if (holding.phase !== 'moved') holding.socket.holders.add(holding)
  owner.worker.client.order('hold', holding.socket.id, owner.handle)
}

function pause(_world: World, { owner, holding }: Held): void {
  holding.isPaused = true
  owner.worker.client.order('pause', holding.socket.id)
}

function resume(_world: World, { owner, holding }: Held): void {
  holding.resumed++
  holding.isPaused = false
  owner.worker.client.order('start', holding.socket.id, owner.handle)
}

function send(world: World, { owner, holding }: Held): unknown {
  if (holding.hasSaidEnd || (holding.isTaken && holding.phase === 'opening')) return undefined
  const length = world.pieceLength()
  owner.send(holding, length)
  return length
}

/** More than the ring of orders holds, with no turn of the server in between. */
function sendMany(world: World, { owner, holding }: Held): void {
  if (holding.hasSaidEnd) return
  for (let i = 0; i < MANY; i++) owner.send(holding, world.random.size(world.profile.pieceMax))
}

/** The ring of orders is full: what this worker orders from here on waits at its own side. */
function blockOrders(_world: World, { owner, holding }: Held): unknown {
  const { client } = owner.worker
  let count = 0
  for (; count < ORDERS_MAX && !client.isBlocked; count++) {
    client.order('noDelay', holding.socket.id, 1)
  }
  return count
}

/** More than the ring of events holds, when its worker is deaf. */
function streamIn(world: World, from: SimPeer): void {
  for (let i = 0; i < MANY; i++) {
    from.write(world.profile.capacityMax)
    world.serve()
  }
}

function write(world: World, { owner, holding }: Held): void {
  if (holding.hasSaidEnd) return
  const writer = owner.worker.client.ownWriter(holding.socket.id)
  owner.write(holding, writer, world.random.between(1, PIECES_MAX), world.profile.pieceMax >> 2)
}

/** A service may write to a socket of another one. */
function writeForeign(world: World, { holding }: Held): unknown {
  const other = aliveOwner(world)
  if (other === undefined) return undefined
  const { client } = other.worker
  other.write(holding, client.writer(holding.socket.id), 1, world.profile.pieceMax)
  return `by ${other.handle & 15}`
}

/** To many sockets at once; those that are gone or full are left out. */
function broadcast(world: World): unknown {
  const owner = aliveOwner(world)
  if (owner === undefined) return undefined
  const { random, profile } = world
  const { client, index } = owner.worker
  const sockets = world.someSockets()
  const reached = sockets.filter((socket) => isReached(socket, client.slots))
  // What is gathered in one turn is taken or refused as one, unless it is very much.
  const count = random.size(BROADCASTS_MAX)
  for (let i = 0; i < count; i++) {
    const length = count === 1 ? world.pieceLength() : random.size(profile.pieceMax >> 2)
    const piece = broadcastPiece(index, random.below(256), length)
    for (const { sent } of reached) sent.expect(index, piece)
    const bytes = bytesOfPiece(piece)
    client.broadcast(
      sockets.map(({ id }) => id),
      bytes,
    )
    // They are ours again.
    bytes.fill(0xff)
  }
  client.flush()
  return `by worker ${index} to ${sockets.map(({ id }) => id).join(', ')}`
}

/** Asked for before: a refusal is checked as that of a write is. */
function isReached(socket: SocketModel, slots: Slots): boolean {
  const { id, unsent } = socket
  // A listener takes nothing, also before its order has come to the server.
  if (slots.stateOf(id) === STATE.INVALID || socket.port !== 0) return false
  const isTaken = !slots.isFull(id)
  socket.written(isTaken, unsent)
  return isTaken
}

function configure(world: World, { owner, holding }: Held): unknown {
  const changes = world.someSettings()
  holding.socket.settings.configure(changes)
  owner.worker.client.orderWith('configure', holding.socket.id, changes)
  return JSON.stringify(changes)
}

function drain(_world: World, { owner, holding }: Held): void {
  const { socket } = holding
  holding.drains.ordered(socket.sent.bytesOf(owner.worker.index))
  owner.worker.client.order('drain', socket.id, owner.handle)
}

function end(world: World, { owner, holding }: Held): void {
  if (holding.hasSaidEnd) return
  holding.hasSaidEnd = true
  holding.socket.closeOrdered(owner.worker.index, world.now, true)
  owner.worker.client.order('end', holding.socket.id, owner.handle)
}

function shutdown(_world: World, { owner, holding }: Held): void {
  holding.socket.cut('shutdown was ordered')
  owner.worker.client.order('shutdown', holding.socket.id, owner.handle)
}

/** The system runs out of descriptors for a while. */
function squeeze(world: World): void {
  world.os.fdsMax = world.os.openFds + world.random.below(2)
}

function dial(world: World): unknown {
  if (world.ports.length === 0) return undefined
  const far = world.os.network.dial(world.random.pick(world.ports))
  return far === undefined ? undefined : world.addPeer(far).address
}

function work(world: World): unknown {
  const worker = world.random.pick(world.workers)
  return `${worker.index}: ${world.work(worker, world.random.size(EVENTS_MAX))}`
}

function passTime(world: World): unknown {
  const ms = world.random.pick(TIMES_MS)
  world.passTime(ms)
  return ms
}

/** Longer than any idle timeout here. */
function stop(world: World): unknown {
  const look = world.random.between(2, STOP_LOOKS_MAX)
  world.serveStopped(look, STOPPED_MS)
  return `before look ${look} at the clock`
}

export const STEPS: readonly Step[] = [
  row(300, 'serve', (world) => (world.serve() ? '' : 'asleep')),
  row(20, 'rest', (world) => world.rest()),
  row(160, 'work', work),
  row(24, 'deaf', (world) => {
    world.random.pick(world.workers).isDeaf = true
  }),
  row(20, 'hear', (world) => {
    for (const worker of world.workers) worker.isDeaf = false
  }),
  row(20, 'time', passTime),
  row(20, 'stop', stop),
  row(40, 'network', (world) => world.os.network.settle(false)),
  row(6, 'squeeze', squeeze),
  row(6, 'recycle', (world) => world.recycle()),
  row(12, 'relax', (world) => {
    world.os.fdsMax = Number.POSITIVE_INFINITY
  }),

  row(10, 'listen', listen),
  row(30, 'start listener', held(['listening'], startListener)),
  row(30, 'connect', connect),
  row(80, 'start', held(['accepted'], start)),
  row(50, 'take', held(ASKABLE, take)),
  row(24, 'hold', held(['open', 'accepted', 'moved'], keep)),
  row(40, 'pause', held(['open'], pause)),
  row(30, 'resume', held(['open'], resume)),
  row(90, 'send', held(['open', 'ended', 'accepted', 'opening'], send)),
  row(12, 'send many', held(['open', 'ended'], sendMany)),
  row(20, 'block orders', held(['open', 'ended'], blockOrders)),
  row(40, 'write', held(['open', 'ended'], write)),
  row(40, 'write foreign', held(['open', 'accepted', 'ended', 'moved'], writeForeign)),
  row(30, 'broadcast', broadcast),
  row(12, 'configure', held(['opening', 'open', 'accepted'], configure)),
  row(20, 'drain', held(['open', 'accepted', 'ended'], drain)),
  row(
    5,
    'no delay',
    held(['open'], (world, { owner, holding }) => {
      owner.worker.client.order('noDelay', holding.socket.id, world.random.below(2))
    }),
  ),
  row(24, 'end', held(['open', 'ended'], end)),
  row(
    24,
    'close',
    held(['open', 'ended', 'accepted', 'opening'], (_, each) => each.owner.close(each.holding)),
  ),
  row(
    2,
    'close listener',
    held(['listening'], (_, each) => each.owner.close(each.holding)),
  ),
  row(5, 'shutdown', held(['open', 'ended', 'accepted'], shutdown)),
  row(4, 'die', (world) => {
    const owner = aliveOwner(world)
    owner?.die()
    return owner && `owner ${owner.handle & 15}`
  }),

  row(60, 'dial', dial),
  row(
    120,
    'peer writes',
    peer((world, each) => each.write(world.random.size(4000))),
  ),
  row(
    120,
    'peer reads',
    peer((world, each) => each.read(world.random.size(100_000))),
  ),
  row(30, 'peer streams', peer(streamIn)),
  row(
    36,
    'peer ends',
    peer((_, each) => each.end()),
  ),
  row(
    6,
    'peer resets',
    peer((_, each) => each.reset()),
  ),
  row(
    6,
    'peer closes',
    peer((_, each) => each.close()),
  ),
  row(
    3,
    'peer vanishes',
    peer((_, each) => each.vanish()),
  ),

  ...UDP_STEPS,
]
