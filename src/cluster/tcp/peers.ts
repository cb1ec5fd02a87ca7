/**
 * All connections to other nodes: who is at the door, who has entered, and who of those that use
 * them takes which packets: the transport, and the store.
 */
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import { CLUSTER_CONNECTIONS_MAX, CLUSTER_HANDSHAKES_MAX } from '../../base/limits.ts'
import { printed } from '../../base/thrown.ts'
import { Repeats } from '../../service/repeats.ts'
import type { PeerAddress } from '../core/transport.ts'
import type { Identity } from './handshake.ts'
import type { PeerHello } from './hello.ts'
import { type PacketKind, unknownPacket } from './packets.ts'
import { type PeerOwner, TcpPeer } from './peer.ts'
import type { PeerStream, PeerTls, TcpHost } from './sockets.ts'

type Take = (peer: TcpPeer, bytes: Buffer, at: number, end: number) => void

/** Takes packets of some kinds, and hears of who sends them. */
export interface PacketUser {
  readonly takes: Readonly<Partial<Record<PacketKind, Take>>>
  entered?(peer: TcpPeer): void
  drained?(peer: TcpPeer): void
  /** Of a peer that had entered. */
  left?(peer: TcpPeer): void
}

export class TcpPeers implements PeerOwner {
  readonly identity: Identity
  readonly host: TcpHost
  /** There before the first connection; undefined: bytes go as they are. */
  tls: PeerTls | undefined
  readonly #users: PacketUser[] = []
  /** By the kind of a packet. */
  readonly #takes: (Take | undefined)[] = []
  /** Who has entered. */
  readonly #entered = new Set<TcpPeer>()
  /** The same by the name of the node. More than one: a process of it is gone, or should be. */
  readonly #byNode = new Map<string, TcpPeer[]>()
  /** Who was accepted and has not entered, the oldest first. */
  readonly #strangers = new Set<TcpPeer>()
  /** Who was dialled and has not entered. */
  readonly #dialled = new Set<TcpPeer>()
  readonly #refusals: Repeats
  readonly #cuts: Repeats
  #isClosed = false

  constructor(identity: Identity, host: TcpHost) {
    this.identity = identity
    this.host = host
    const log = {
      hasEnded: false,
      say: (_: unknown, text: string) => host.error(text),
      after: (ms: number, task: () => void) => host.timeout(ms, task),
    }
    this.#refusals = new Repeats(log, (more) => `cluster: ${more} more were refused`, 'error')
    this.#cuts = new Repeats(log, (more) => `cluster: cut off ${more} times more`, 'error')
  }

  /** Hand it packets from now on. */
  use(user: PacketUser): void {
    this.#users.push(user)
    for (const [kind, take] of Object.entries(user.takes)) this.#takes[Number(kind)] = take
  }

  /** Who has entered. */
  get all(): ReadonlySet<TcpPeer> {
    return this.#entered
  }

  /** Connections that have not entered, and that others have made. */
  get strangers(): number {
    return this.#strangers.size
  }

  /** The way to a node at an epoch. */
  to({ node, epoch }: PeerAddress): TcpPeer | undefined {
    const peers = this.#byNode.get(node)
    if (peers === undefined) return undefined
    for (const peer of peers) if (peer.address?.epoch === epoch) return peer
    return undefined
  }

  /** The connection to that process. */
  ofInstance({ node, instance }: PeerHello): TcpPeer | undefined {
    return this.#byNode.get(node)?.find(({ hello }) => hello!.instance === instance)
  }

  /** A connection that was made from here. It rejects as `TcpPeer.entry`. */
  async dialled(stream: PeerStream): Promise<TcpPeer> {
    const peer = new TcpPeer(this, stream, 'dial')
    this.#dialled.add(peer)
    peer.start()
    if (this.#isClosed) peer.cut(undefined)
    await peer.entry
    return peer
  }

  /**
   * Somebody has connected. When many are at the door, who has been there longest has to go: a node
   * needs a moment, and who wants to be in the way takes his time.
   */
  accept(stream: PeerStream): void {
    const { remoteAddress } = stream
    const peer = new TcpPeer(this, stream, 'accept')
    this.#strangers.add(peer)
    peer.start()
    if (this.#isClosed) peer.cut(undefined)
    peer.entry.catch((error: unknown) => this.#refused(remoteAddress, error))
    if (this.#strangers.size > CLUSTER_HANDSHAKES_MAX) this.#turnAwayOldest()
  }

  #turnAwayOldest(): void {
    for (const oldest of this.#strangers) {
      const reason = `more than ${CLUSTER_HANDSHAKES_MAX} others are at the door`
      oldest.cut(new SkynetError('ERR_CLUSTER_AUTH', { address: oldest.remoteAddress, reason }))
      return
    }
  }

  /** Who goes by himself has asked for nothing: somebody looked whether we are there. */
  #refused(address: string, error: unknown): void {
    if (this.#isClosed || isCommon(error)) return
    this.#refusals.say(`cluster: ${address} was refused: ${whyOf(error)}`)
  }

  /** End all of them, behind what was written. */
  async close(): Promise<void> {
    this.#isClosed = true
    const peers = [...this.#strangers, ...this.#dialled, ...this.#entered]
    await Promise.all(peers.map((peer) => peer.close()))
  }

  // --- as a peer sees it -----------------------------------------------------------------------

  isConnected(hello: PeerHello): boolean {
    return this.ofInstance(hello) !== undefined
  }

  entered(peer: TcpPeer): void {
    const hello = peer.hello!
    this.#strangers.delete(peer)
    this.#dialled.delete(peer)
    // Whoever dials has no connection: the end of the one that is here has not come through.
    this.ofInstance(hello)?.cut(undefined)
    const peers = this.#byNode.get(hello.node) ?? []
    this.#byNode.set(hello.node, peers)
    this.#entered.add(peer)
    if (peers.push(peer) > CLUSTER_CONNECTIONS_MAX) peers[0]!.cut(undefined)
    for (const user of this.#users) user.entered?.(peer)
  }

  took(peer: TcpPeer, kind: number, bytes: Buffer, at: number, end: number): void {
    const take = this.#takes[kind]
    if (take === undefined) throw unknownPacket(kind)
    take(peer, bytes, at, end)
  }

  drained(peer: TcpPeer): void {
    for (const user of this.#users) user.drained?.(peer)
  }

  left(peer: TcpPeer, reason: unknown): void {
    this.#strangers.delete(peer)
    this.#dialled.delete(peer)
    if (!this.#entered.delete(peer)) return
    const { node } = peer.hello!
    if (!isCommon(reason)) this.#cuts.say(`cluster: cut off from ${node}: ${whyOf(reason)}`)
    const others = this.#byNode.get(node)!.filter((other) => other !== peer)
    if (others.length > 0) this.#byNode.set(node, others)
    else this.#byNode.delete(node)
    for (const user of this.#users) user.left?.(peer)
  }
}

const whyOf = (error: unknown): string => (isSkynetError(error) ? error.message : printed(error))

/** What networks and processes do: who watches nodes has more to say of it. */
const isCommon = (reason: unknown): boolean =>
  reason === undefined ||
  isSkynetError(reason, 'ERR_CONNECT') ||
  isSkynetError(reason, 'ERR_SOCKET_FAILED') ||
  isSkynetError(reason, 'ERR_SERVICE_EXITED')
