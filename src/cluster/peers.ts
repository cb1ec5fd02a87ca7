/** The peers that this node has heard of, at one epoch each. */
import { PEER_UNKNOWN_MS, PEERS_UNKNOWN_MAX } from '../base/limits.ts'
import { LastEpochs } from './core/last-epochs.ts'
import type { PeerAddress } from './core/transport.ts'
import { BorderPeer } from './peer.ts'

export class BorderPeers {
  readonly #all = new Map<string, BorderPeer>()
  readonly #now: () => number
  #unknown = 0
  readonly #over = new LastEpochs()

  constructor(now: () => number) {
    this.#now = now
  }

  values(): Iterable<BorderPeer> {
    return this.#all.values()
  }

  /** Undefined: it is no member, or no more. */
  get({ node, epoch }: PeerAddress): BorderPeer | undefined {
    const peer = this.#all.get(node)
    return peer?.epoch === epoch ? peer : undefined
  }

  /** Of that name, at whatever epoch. */
  named(node: string): BorderPeer | undefined {
    return this.#all.get(node)
  }

  /** It is a member. The one of another epoch must be down. */
  up(address: PeerAddress): BorderPeer {
    const peer = this.get(address) ?? this.#add(address)
    if (!peer.isMember) this.#unknown--
    peer.isMember = true
    peer.address = address
    return peer
  }

  /**
   * A peer that a third node has named: it may know of it earlier. Undefined: it is dead, or too
   * many are named that nobody knows.
   */
  mentioned(address: PeerAddress): BorderPeer | undefined {
    const known = this.#all.get(address.node)
    if (known !== undefined) return known.epoch === address.epoch ? known : undefined
    return this.#unknown < PEERS_UNKNOWN_MAX ? this.#add(address) : undefined
  }

  #add(address: PeerAddress): BorderPeer {
    const peer = new BorderPeer(address, this.#now() + PEER_UNKNOWN_MS)
    this.#all.set(address.node, peer)
    this.#unknown++
    return peer
  }

  /** Its epoch is over. */
  down(peer: BorderPeer): void {
    peer.isDown = true
    if (!peer.isMember) this.#unknown--
    this.#all.delete(peer.node)
    this.#over.set(peer.node, peer.epoch)
  }

  /** Of a node that is down now, its last epoch; undefined: it is not, or that is long ago. */
  lastEpoch(node: string): number | undefined {
    return this.#all.has(node) ? undefined : this.#over.get(node)
  }

  /** Those that were only ever named, and nobody knows. */
  unknown(): BorderPeer[] {
    const now = this.#now()
    return [...this.#all.values()].filter((each) => !each.isMember && each.unknownUntil < now)
  }
}
