/** A peer as the border sees it: what either side has heard of the services of the other. */
import type { Ending } from '../service/life.ts'
import type { PeerAddress } from './core/transport.ts'

/** A service of a peer, by its number there or by its local name there. */
export type RemoteKey = number | string

/** Who monitors a service of a peer: the request that its end answers. */
export interface Watcher {
  readonly source: number
  readonly session: number
}

/** Of a request of a peer: who is to answer it. */
export interface PeerAsked {
  /** A handle. */
  callee: number
  /** Nobody waits for the answer then, as the node counts time. */
  readonly until: number
}

/** The handle that stands here for a service of a peer. */
export interface RemoteProxy {
  readonly handle: number
  readonly peer: BorderPeer
  readonly key: RemoteKey
  /** Of requests that it has sent, by session; made with the first. */
  asked: Map<number, PeerAsked> | undefined
  /** By who they are; made with the first. */
  watchers: Map<string, Watcher> | undefined
}

/** A channel of a peer that has been opened here. */
export interface MirroredChannel {
  readonly peer: BorderPeer
  /** What it is called there. */
  readonly id: number
  /** The channel that stands here for it. */
  readonly mirror: number
  /** A service here has deleted it, and its home has not said so far that it knows. */
  isEnded: boolean
}

export class BorderPeer implements PeerAddress {
  readonly node: string
  readonly epoch: number
  /** As the links know it, once it is a member. */
  address: PeerAddress
  readonly proxies = new Map<RemoteKey, RemoteProxy>()
  /** Numbers of services here that it knows of, and is told when they have ended. */
  readonly heard = new Set<number>()
  /** Services here whose end it wants to be told at once; aborting ends that. */
  readonly watches = new Map<RemoteKey, AbortController>()
  /** Channels of it, by what they are called there; made with the first. */
  channels: Map<number, MirroredChannel> | undefined
  /** Channels here whose end it has not been told, as that did not leave; made with the first. */
  untoldEnds: Set<number> | undefined
  /** How services have ended that it watches, as that did not leave; made with the first. */
  untoldEndings: Map<RemoteKey, Ending> | undefined
  /** Numbers of services of it that are known here, of which it was not told so far. */
  readonly untoldKnown = new Set<number>()
  /** Somebody has named it. That it is a member, nobody has said so far. */
  isMember = false
  /** Until when it may be no member, as the node counts time. */
  readonly unknownUntil: number
  isDown = false
  /** Requests of its services that have no answer so far. */
  asking = 0
  /** Services here that it was told to send nothing to, with their handles; made with the first. */
  held: Map<RemoteKey, number> | undefined
  /** Something of what it was to be told did not leave: it is told again what there is. */
  hasUntold = false

  constructor(address: PeerAddress, unknownUntil: number) {
    this.address = address
    this.node = address.node
    this.epoch = address.epoch
    this.unknownUntil = unknownUntil
  }
}

/** How a service of a peer is called in errors and logs: `b:0000000a`, `b.lobby`. */
export function remoteAddress({ node }: PeerAddress, key: RemoteKey): string {
  return typeof key === 'string' ? `${node}${key}` : `${node}:${key.toString(16).padStart(8, '0')}`
}
