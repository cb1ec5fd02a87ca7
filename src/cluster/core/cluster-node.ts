/**
 * A node of a cluster, without the node: links, members and names behind one class. Who owns it
 * hands in time, chance, transport and store, and is told what happens. It has no timer, and waits
 * for nothing but the store and the transport.
 *
 * ```ts
 * const node = new ClusterNode({ node: 'a', build: '1', transport, store }, host)
 * node.start()                      // host.joined(epoch), and host.node(peer, 'up') for each
 * setInterval(() => node.tick(), node.tickMs)
 *
 * const peer = node.peer('b')       // undefined: there is none of that name now
 * node.post(peer, type, to, source, session, remainingMs, bytes, from, length)
 * node.flush()                      // at the end of the turn in which host.pending() was called
 *
 * node.names.claim('lobby', id)     // host.owned(name, token), or host.taken(name, owner)
 * node.names.acts('lobby')          // before each act of the service that owns it
 * node.names.accepts('lobby', token) // before taking what an owner has sent
 *
 * node.drain(told)                  // and names.releaseAll(done), then leave(left)
 * ```
 *
 * What `host` is told:
 *
 * - `joined(epoch)`: we are a member. Again after `overtaken('tombstone')`: others have decided
 *   that we were dead. Then every link has ended, every name that was ours is fenced, and what
 *   peers knew of us is gone; the peers themselves are the same. So after `overtaken('mistaken')`,
 *   when the store had told what never was; but then each peer is `down`, and comes again, at that
 *   epoch or at the one that it has. After `overtaken('replaced')` the name of this node belongs to
 *   another process: it does not join again.
 * - `node(peer, state)`: each change of the state of a peer, which is one node at one epoch. The
 *   first is `up` or `draining`, the last `down`, never twice the same; after `down` nothing of
 *   that epoch is told any more. A `suspect` takes nothing: `post` is `closed`. Before `down` and
 *   `suspect` all requests to it have ended.
 * - `deliver`, `lost`, `full`, `ended` of each link, as in `ClusterLinkHost`. After `ended` the
 *   peer may know nothing of what was said over the link before: say it again.
 * - `owned`, `taken`, `fenced`, `refused`, `owner` of names, as in `ClusterNamesHost`.
 * - `acting(isActing)`: whether services that own names may act, as of the last look at the time.
 *
 * It may be called from within all of them, but for `now`, `random` and `pending`.
 */
import assert from 'node:assert/strict'
import { checkMs, checkText } from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import { CLUSTER_LEASE_MS, LINK_LONG_BYTES_MAX, LINK_QUEUE_BYTES_MAX } from '../../base/limits.ts'
import { FRAME_VERSIONS, type LinkEnd } from './frame.ts'
import { ClusterLink, type Posted, type Sent } from './link.ts'
import type { QueueLimits } from './link-queue.ts'
import { type Member, Members, type Overtaken, type PeerState } from './members.ts'
import { ClusterNames, type ClusterNamesHost } from './names.ts'
import { NAME_KEY, NODE_KEY } from './records.ts'
import type { StoreEntry } from './store.ts'
import { StoreView, type StoreViewHost, type ViewedStore } from './store-view.ts'
import type { ClusterTransport, NodeRecord, PeerAddress, TransportEvents } from './transport.ts'

/** What a node needs of a transport. */
export interface NodeTransport extends Omit<ClusterTransport, 'open' | 'close'> {
  open(): PromiseLike<readonly string[]>
}

export interface ClusterNodeOptions {
  readonly node: string
  /** Which code runs here, for whoever wants to know it of a peer. */
  readonly build: string
  /** How long a node may be silent until others may decide that it is dead. */
  readonly leaseMs?: number
  readonly transport: NodeTransport
  readonly store: ViewedStore
  /** Of each link, see `LinkPeers`. */
  readonly queueBytesMax?: number
  readonly longBytesMax?: number
}

/** A peer, for as long as its epoch lasts. */
export interface ClusterPeer extends PeerAddress {
  readonly record: NodeRecord
  readonly state: PeerState
  /** Undefined: nothing has gone to it, and nothing has come. */
  readonly link: ClusterLink | undefined
}

export interface ClusterNodeHost extends ClusterNamesHost {
  /** 0 … 1 */
  random(): number
  /** Call `flush` at the end of the turn. Said once, until then. */
  pending(): void
  joined(epoch: number): void
  overtaken(how: Overtaken): void
  node(peer: ClusterPeer, state: PeerState): void
  acting(isActing: boolean): void
  /** The store is not there, or is there again. Meanwhile nobody joins, dies or gets a name. */
  store(isThere: boolean, reason: unknown): void
  /**
   * The transport does not open, the store does not take our record, or another node has our name
   * and lives (`ERR_NODE_NAME_TAKEN`, after which it is not tried again): no member.
   */
  failed(reason: unknown): void
  deliver(
    peer: ClusterPeer,
    type: number,
    to: number,
    source: number,
    session: number,
    remainingMs: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): void
  lost(
    peer: ClusterPeer,
    source: number,
    session: number,
    sent: Sent,
    why: LinkEnd | 'timeout',
  ): void
  ended(peer: ClusterPeer, why: LinkEnd, dropped: number): void
  /** See `ClusterLinkHost`. */
  full(peer: ClusterPeer, isFull: boolean): void
}

/** What users of a node may ask of its names. */
export type NodeNames = Omit<ClusterNames, 'entry' | 'look' | 'overtaken' | 'forgotten' | 'forget'>

/** Looks at the time in a lease: what is due is at most so much late. */
const TICKS_PER_LEASE = 30
/** A store that has not answered for so much of a lease is lost. */
const STORE_PART = 2 / 3

class Peer implements ClusterPeer {
  readonly node: string
  readonly epoch: number
  readonly member: Member
  link: ClusterLink | undefined
  isPending = false

  constructor(member: Member) {
    this.node = member.record.node
    this.epoch = member.record.epoch
    this.member = member
  }

  get record(): NodeRecord {
    return this.member.record
  }

  get state(): PeerState {
    return this.member.state
  }
}

export class ClusterNode {
  readonly node: string
  readonly leaseMs: number
  readonly tickMs: number
  readonly #transport: NodeTransport
  readonly #host: ClusterNodeHost
  readonly #view: StoreView
  readonly #members: Members
  readonly #names: ClusterNames
  readonly #limits: QueueLimits
  readonly #peers = new Map<string, Peer>()
  /** Those whose links have to be flushed. */
  #pending: Peer[] = []
  #isActing = false
  #isClosed = false

  constructor(options: ClusterNodeOptions, host: ClusterNodeHost) {
    const { node, build, leaseMs = CLUSTER_LEASE_MS, transport, store } = options
    const { queueBytesMax = LINK_QUEUE_BYTES_MAX, longBytesMax = LINK_LONG_BYTES_MAX } = options
    checkText('make a node of a cluster', 'node', node)
    checkMs('make a node of a cluster', 'leaseMs', leaseMs, TICKS_PER_LEASE)
    this.node = node
    this.leaseMs = leaseMs
    this.tickMs = leaseMs / TICKS_PER_LEASE
    this.#transport = transport
    this.#limits = { queueBytesMax, longBytesMax }
    this.#host = host
    transport.events = this.#events()
    this.#view = new StoreView(store, this.#viewHost(), leaseMs * STORE_PART)
    this.#members = new Members({ node, build, leaseMs, protocol: FRAME_VERSIONS }, this.#view, {
      now: () => host.now(),
      random: () => Math.floor(host.random() * 2 ** 32),
      beat: (bytes) => transport.beat(bytes),
      joined: (epoch) => this.#joined(epoch),
      refused: (reason) => host.failed(reason),
      taken: (by) => host.failed(takenBy(by)),
      overtaken: (how) => this.#overtaken(how),
      member: (member, state) => this.#moved(member, state),
      changed: ({ record }) => transport.peerKnown(record),
    })
    this.#names = new ClusterNames(node, leaseMs, this.#view, this.#members, host)
  }

  /** Open transport and store, and join. `host.joined` follows once the store is there. */
  start(): void {
    this.#transport.open().then(
      (addresses) => {
        if (this.#isClosed) return
        this.#members.join(addresses)
        this.#view.open()
      },
      (reason) => this.#host.failed(reason),
    )
  }

  /** Each `tickMs`. */
  tick(): void {
    if (this.#isClosed) return
    this.#view.tick()
    this.#members.tick()
    this.#names.look()
    for (const { link } of this.#peers.values()) link?.tick()
    this.#lookAtActing()
  }

  /** Our epoch; 0: we are no member. */
  get epoch(): number {
    return this.#members.epoch
  }

  /** The last memory of the store that we have seen; 0: none yet. */
  get era(): number {
    return this.#view.era
  }

  /** Who owns a name, those that are ours, and what may be done for them. */
  get names(): NodeNames {
    return this.#names
  }

  get peers(): Iterable<ClusterPeer> {
    return this.#peers.values()
  }

  peer(node: string): ClusterPeer | undefined {
    return this.#peers.get(node)
  }

  /**
   * Send a message, as `post` of a link. `closed`: the peer is down or suspect, or we are no
   * member; nothing was taken, and nothing will be told.
   */
  post(
    peer: ClusterPeer,
    type: number,
    to: number,
    source: number,
    session: number,
    remainingMs: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    isGiven = false,
  ): Posted {
    if (peer.state === 'suspect') return 'closed'
    const link = this.#linkOf(peer as Peer)
    if (link === undefined) return 'closed'
    return link.post(type, to, source, session, remainingMs, bytes, from, length, isGiven)
  }

  /** The turn ends: what was posted leaves. */
  flush(): void {
    const pending = this.#pending
    this.#pending = []
    for (const peer of pending) {
      peer.isPending = false
      peer.link?.flush()
    }
  }

  /**
   * Take nothing new, and say so to all: `told` is called once they can see it, or nobody can, as
   * the store is not there. Names stay until they are released.
   */
  drain(told: () => void): void {
    this.#members.drain(told)
  }

  /**
   * Leave in order: peers are told, our record is deleted. Requests that are open are lost. `left`
   * is called once, also when the store is not there: then others find out by our silence.
   */
  leave(left: () => void): void {
    this.#closeLinks()
    this.#members.leave(() => {
      this.close()
      left()
    })
  }

  /** Nothing more is done or told. Store and transport are for their owner to close. */
  close(): void {
    this.#isClosed = true
    this.#view.close()
  }

  // --- what the parts tell
  // ------------------------------------------------------------------------

  /** Undefined: it is down, or we are no member. */
  #linkOf(peer: Peer): ClusterLink | undefined {
    const self = this.#members.epoch
    if (peer.link !== undefined || self === 0 || peer.state === 'down') return peer.link
    const host = this.#host
    peer.link = new ClusterLink(
      { self, peer: peer.epoch, tickMs: this.tickMs, ...this.#limits },
      {
        now: () => host.now(),
        random: () => host.random(),
        transmit: (frame, ticket) => this.#transport.send(peer, frame, ticket),
        pending: () => this.#wantFlush(peer),
        deliver: (type, to, source, session, remainingMs, bytes, from, length) =>
          host.deliver(peer, type, to, source, session, remainingMs, bytes, from, length),
        lost: (source, session, sent, why) => host.lost(peer, source, session, sent, why),
        ended: (why, dropped) => host.ended(peer, why, dropped),
        full: (isFull) => host.full(peer, isFull),
      },
    )
    return peer.link
  }

  #wantFlush(peer: Peer): void {
    if (peer.isPending) return
    peer.isPending = true
    this.#pending.push(peer)
    if (this.#pending.length === 1) this.#host.pending()
  }

  #peerAt({ node, epoch }: PeerAddress): Peer | undefined {
    const peer = this.#peers.get(node)
    return peer?.epoch === epoch ? peer : undefined
  }

  #events(): TransportEvents {
    return {
      frame: (from, bytes, at, end) => {
        const peer = this.#peerAt(from)
        if (peer === undefined || this.#isClosed) return
        this.#members.heard(peer)
        this.#linkOf(peer)?.receive(bytes, at, end)
      },
      beat: (bytes, from) => {
        if (!this.#isClosed) this.#members.beat(bytes, from)
      },
      writable: (to) => this.#peerAt(to)?.link?.writable(),
      refused: (to, ticket) => {
        this.#peerAt(to)?.link?.refused(ticket)
        this.#members.refused(to)
      },
      reset: (of) => {
        const cut = of === 'all' ? [...this.#peers.values()] : [this.#peerAt(of)]
        for (const peer of cut) peer?.link?.reset('cut')
        if (of === 'all') this.#members.way('cut')
      },
      restored: () => {
        if (!this.#isClosed) this.#members.way('restored')
      },
    }
  }

  #viewHost(): StoreViewHost {
    return {
      now: () => this.#host.now(),
      opened: (ageMs, before) => {
        if (before === 'never') this.#names.forget()
        this.#members.opened(ageMs, before)
        if (before === 'elsewhere') this.#names.forgotten()
      },
      entry: (entry) => this.#entry(entry),
      synced: () => {
        this.#members.synced()
        this.#names.look()
        this.#lookAtActing()
        this.#host.store(true, undefined)
      },
      lost: (reason) => {
        this.#members.lost()
        this.#host.store(false, reason)
      },
    }
  }

  #entry(entry: StoreEntry): void {
    if (entry.key.startsWith(NODE_KEY)) {
      this.#members.entry(entry)
      this.#names.look()
    } else if (entry.key.startsWith(NAME_KEY)) this.#names.entry(entry)
    this.#lookAtActing()
  }

  #joined(epoch: number): void {
    this.#transport.start({ node: this.node, epoch, era: this.#view.era })
    for (const peer of this.#peers.values()) this.#transport.peerKnown(peer.record)
    this.#host.joined(epoch)
    this.#names.look()
  }

  #overtaken(how: Overtaken): void {
    this.#closeLinks()
    this.#names.overtaken()
    this.#lookAtActing()
    this.#host.overtaken(how)
  }

  #closeLinks(): void {
    for (const peer of this.#peers.values()) {
      peer.link?.close()
      peer.link = undefined
    }
  }

  #moved(member: Member, state: PeerState): void {
    const { node } = member.record
    let peer = this.#peers.get(node)
    if (peer?.member !== member) {
      assert.ok(peer === undefined && state !== 'down', `node ${node} is another one`)
      peer = new Peer(member)
      this.#peers.set(node, peer)
      if (this.epoch !== 0) this.#transport.peerKnown(peer.record)
    }
    // All that was open over its link is told before.
    if (state === 'suspect') peer.link?.reset('suspect')
    if (state === 'down') this.#down(peer)
    this.#host.node(peer, state)
  }

  #down(peer: Peer): void {
    this.#peers.delete(peer.node)
    peer.link?.close()
    peer.link = undefined
    this.#transport.peerGone(peer)
  }

  #lookAtActing(): void {
    const { isCertain } = this.#members
    if (isCertain === this.#isActing) return
    this.#isActing = isCertain
    this.#host.acting(isCertain)
  }
}

const takenBy = ({ node, addresses }: NodeRecord): SkynetError =>
  new SkynetError('ERR_NODE_NAME_TAKEN', { node, address: addresses.join(', ') })
