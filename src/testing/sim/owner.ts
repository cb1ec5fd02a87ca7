/** The place of the services: owners on a worker, which answer events as a service does. */

import type { SocketClient } from '../../net/client/client.ts'
import type { Writer } from '../../net/client/writer.ts'
import { EVENT } from '../../net/event.ts'
import type { Region } from '../../shm/memory.ts'
import type { StreamRing } from '../../shm/ring.ts'
import { orphaned } from '../../sockets/pool.ts'
import type { SimPeer } from './peer.ts'
import type { Random } from './random.ts'
import { Holding, type Kind, type SocketModel, type SocketPhase } from './socket-model.ts'
import { patternAt } from './stream.ts'
import type { UdpModel } from './udp-model.ts'

const KINDS = Object.fromEntries(
  Object.entries(EVENT).map(([name, kind]) => [kind, name]),
) as Readonly<Record<number, Kind>>

const LOW = { priority: 'low' } as const
/** No piece is made of these. */
const USED_AGAIN = 0xff

/** One worker as the server meets it. */
export interface SimWorker {
  readonly index: number
  readonly ring: StreamRing
  readonly region: Region
  readonly client: SocketClient
  /** It does not look at its ring. */
  isDeaf: boolean
}

/** The world as its owners meet it. */
export interface OwnerWorld {
  readonly random: Random
  /** What is left unread at most when a socket moves to another owner. */
  readonly profile: { readonly unreadMax: number }
  readonly peers: readonly SimPeer[]
  readonly trace: string[] | undefined
  readonly now: number
  /** @param isFresh The server does not know of it yet. */
  knowSocket(id: number, isFresh: boolean): SocketModel
  /** That peer is at the far end of the socket. */
  pair(socket: SocketModel, peer: SimPeer): void
}

export class Owner {
  readonly handle: number
  readonly worker: SimWorker
  readonly holdings = new Map<number, Holding>()
  readonly udps = new Map<number, UdpModel>()
  readonly #world: OwnerWorld
  isAlive = true

  constructor(world: OwnerWorld, worker: SimWorker, handle: number) {
    this.#world = world
    this.worker = worker
    this.handle = handle
  }

  hold(socket: SocketModel, phase: SocketPhase, isConnect = false): Holding {
    const holding = new Holding(socket, phase, isConnect)
    const former = this.holdings.get(socket.id)
    if (former !== undefined) {
      holding.resumed = former.resumed
      holding.mayBeOwner = true
      holding.drains.inherit(former.drains)
    }
    this.holdings.set(socket.id, holding)
    return holding
  }

  receive(kind: number, id: number, ud: number, payload: Buffer): void {
    const name = KINDS[kind]!
    const udp = this.udps.get(id)
    const holding = this.holdings.get(id)
    if (udp === undefined && holding === undefined) {
      orphaned(this.worker.client, { kind, id, ud, payload })
      return
    }
    this.#world.trace?.push(`  owner ${this.handle & 15} hears ${name} of socket ${id}`)
    udp?.happened(kind, ud, payload)
    if (holding !== undefined) this.#hear(holding, name, ud, payload)
  }

  #hear(holding: Holding, name: Kind, ud: number, payload: Buffer): void {
    holding.happened(name, ud, payload, this.worker.index)
    if (name === 'DATA') this.#used(holding)
    else if (name === 'ACCEPT') this.#accepted(ud, payload.toString())
    else if (name === 'YIELD') this.#giveAway(holding, ud)
  }

  /** Use up a part of what was received; keep little enough to hand over. */
  #used(holding: Holding): void {
    const { random, profile } = this.#world
    const unread = holding.position - holding.socket.consumed
    const used = random.below(unread + 1)
    holding.socket.consumed += Math.max(used, unread - profile.unreadMax)
  }

  #accepted(id: number, address: string): void {
    const socket = this.#world.knowSocket(id, false)
    const peer = this.#world.peers.find((each) => each.address === address)
    // Without an address: it was gone when the server asked for it.
    if (peer !== undefined) this.#world.pair(socket, peer)
    this.hold(socket, 'accepted')
  }

  #giveAway(holding: Holding, request: number): void {
    const { id, consumed, peer } = holding.socket
    const isOpen = holding.phase !== 'opening' && holding.position > consumed
    const length = isOpen ? holding.position - consumed : 0
    const unread = patternAt(peer?.shift ?? 0, consumed, length)
    this.worker.client.handover(id, unread, request)
  }

  send({ socket }: Holding, length: number): void {
    const { client, index } = this.worker
    const piece = socket.sent.make(index, length)
    if (!client.send(socket.id, piece, length)) socket.sent.unmake(index)
    // Its bytes are ours again.
    piece.fill(USED_AGAIN)
  }

  /** Several pieces in one turn leave together. */
  write({ socket }: Holding, writer: Writer, pieces: number, lengthMax: number): void {
    const { client } = this.worker
    for (let piece = 0; piece < pieces; piece++) this.#writeOne(socket, writer, lengthMax)
    client.flush()
    // Some may have left before it was gone.
    if (writer.isGone) socket.cut('the socket was gone when it was written to')
  }

  #writeOne(socket: SocketModel, writer: Writer, lengthMax: number): void {
    const { random } = this.#world
    const { index } = this.worker
    const isLow = random.oneIn(3)
    // As it does itself first, and what leaves by that counts no more.
    if (isLow) writer.flush()
    const { unsent } = socket
    const piece = socket.sent.make(index, random.size(lengthMax), isLow)
    const isTaken = isLow ? writer.write(piece, LOW) : writer.write(piece)
    piece.fill(USED_AGAIN)
    if (!isTaken) socket.sent.unmake(index, isLow)
    socket.written(isTaken, unsent)
  }

  close(holding: Holding): void {
    const { id, sent } = holding.socket
    // A connect that is called off need not be said good-bye to.
    const isCalledOff = holding.phase === 'opening' && holding.isConnect && sent.isEmpty
    if (isCalledOff) holding.socket.cut('closed before it was open')
    holding.socket.closeOrdered(this.worker.index, this.#world.now, false)
    this.worker.client.order('close', id, this.handle)
  }

  closeUdp(udp: UdpModel): void {
    udp.isClosing = true
    this.worker.client.order('close', udp.id, this.handle)
  }

  /** The service ends: what it has is closed. */
  die(): void {
    for (const holding of this.holdings.values()) {
      // Its last words wait behind other orders: the server may see first that it is dead.
      if (this.worker.client.isBlocked) holding.socket.cut('the owner died while orders waited')
      // It wrote before it was the owner: that is closed as soon as it would be.
      if (holding.phase === 'opening' && !holding.isConnect) holding.socket.cut('its heir died')
      if (holding.phase !== 'moved' && holding.phase !== 'failed') this.close(holding)
    }
    for (const udp of this.udps.values()) this.closeUdp(udp)
    this.holdings.clear()
    this.udps.clear()
    this.isAlive = false
  }
}
