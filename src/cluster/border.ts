/**
 * Where messages leave a node for another one, and come in. A service of a peer is a handle here, a
 * proxy: what is sent to it is passed on as it is packed, and its messages come from it. What names
 * services is read, and packed anew with what they are called there.
 *
 *   service → its ring → proxy → departures … link … incoming → ring of a service
 *
 * It runs on the worker of the cluster, which has no code of users. Whoever waits is told in any
 * case: by the answer of the peer, by its border, or by the link, which has a deadline for each.
 */
import { SkynetError } from '../base/errors.ts'
import {
  CLUSTER_BACKLOG_BYTES_MAX,
  CLUSTER_SENDS_BYTES_MAX,
  HANDLE_ID_MAX,
} from '../base/limits.ts'
import type { Message, WorkerOrder } from '../kernel/message.ts'
import type { Multicast } from '../kernel/multicast.ts'
import { type Names, NODE_NAMES } from '../kernel/names.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import type { GiveUpOrder, OrderingHost, OrderingRuntime } from '../service/ordering.ts'
import type { OrderAbout } from '../service/orders.ts'
import { causedBy, UNNAMED_CALL, withSent } from '../service/sendable.ts'
import { checkNotNeeded } from '../supervision/needed.ts'
import { Packer } from '../wire/pack.ts'
import { isAnswerType, PTYPE } from '../wire/ptype.ts'
import { callDead, dropLate, refuseDead } from './asked.ts'
import { readControl } from './control.ts'
import type { PeerAddress } from './core/transport.ts'
import { Departures } from './departures.ts'
import { FENCED, type FencedOwner, Fencing, type FencingHost } from './fencing.ts'
import { Holds, type HoldsHost } from './holds.ts'
import { Incoming } from './incoming.ts'
import { type BorderLinks, BorderOutgoing } from './outgoing.ts'
import type { Packed } from './packed.ts'
import type { BorderPeer, RemoteKey, RemoteProxy } from './peer.ts'
import { BorderPeers } from './peers.ts'
import { Proxies } from './proxies.ts'
import { References } from './references.ts'
import { mayTravel } from './remote-orders.ts'
import { SharedChannels } from './shared-channels.ts'
import { Watches } from './watches.ts'

/** Why a request ends without the answer of the peer. */
export type LostReason = 'late' | 'node'

/** What the border needs of the service of the cluster. */
export interface BorderService extends OrderingHost {
  readonly runtime: OrderingRuntime & { readonly scheduler: Pick<Scheduler, 'whenTaken'> }
}

/** Of what is one in the cluster. */
export interface BorderOwners extends FencingHost {
  /** What a service here owns; undefined: nothing. */
  ownerOf(handle: number): FencedOwner | undefined
}

export interface BorderOptions {
  /** The service of the cluster, on whose worker all of this runs. */
  readonly service: BorderService
  readonly worker: number
  readonly names: Names
  readonly multicast: Multicast
  readonly self: PeerAddress
  readonly links: BorderLinks
  readonly callTimeoutMs: number
  /** Milliseconds since the node started. */
  now(): number
  /** A line for the log. */
  complain(text: string): void
  /** The same about what a peer has sent, which may be without an end: the log tells how often. */
  readonly complaints: { say(line: string): void }
  readonly owners: BorderOwners
  /** Why the store is out of reach; undefined: it is there. */
  readonly storeLost?: () => unknown
  /** Fewer are for tests. */
  readonly proxiesMax?: number
}

const BACKLOG = { requests: CLUSTER_BACKLOG_BYTES_MAX, sends: CLUSTER_SENDS_BYTES_MAX } as const

export class ClusterBorder {
  readonly #options: BorderOptions
  readonly #harbor: number
  readonly #peers: BorderPeers
  readonly #proxies: Proxies
  readonly #outgoing: BorderOutgoing
  readonly #incoming: Incoming
  readonly #departures: Departures
  readonly #watches: Watches
  readonly #fencing: Fencing
  readonly #holds: Holds
  readonly channels: SharedChannels

  constructor(options: BorderOptions) {
    this.#options = options
    const { service, worker, links, callTimeoutMs, self, now, proxiesMax } = options
    const { router, handles } = service.runtime
    this.#harbor = service.handle & ~HANDLE_ID_MAX
    handles.remotes?.begin()
    router.whyGone = (message, to) => this.#whyGone(message, to)
    this.#peers = new BorderPeers(now)
    const handleOf = (key: RemoteKey): number => this.#handleOf(key)
    const proxyFor = (peer: BorderPeer, key: RemoteKey): RemoteProxy => this.#proxies.of(peer, key)
    const packer = new Packer()
    const references = new References(
      {
        self,
        handleOf,
        proxyFor,
        proxyOf: (handle) => this.#proxies.get(handle),
        named: (proxy) => this.#watches.named(proxy),
        peerAt: (address) => this.#peers.mentioned(address),
      },
      packer,
    )
    const refuse = (source: number, session: number, error: Error): void =>
      void router.send(PTYPE.ERROR, source, 0, session, error)
    const ownerOf = (handle: number): FencedOwner | undefined => options.owners.ownerOf(handle)
    const ways = { links, references, packer, callTimeoutMs }
    this.#outgoing = new BorderOutgoing({ ...ways, refuse, ownerOf })
    this.#fencing = new Fencing(options.owners)
    const outgoing = this.#outgoing
    this.#holds = new Holds(this.#holdsHost())
    const proxies = {
      get: (handle: number) => this.#proxies.get(handle),
      ownHandle: (...given: Parameters<Proxies['ownHandle']>) => this.#proxies.ownHandle(...given),
    }
    this.#departures = new Departures({ router, outgoing, callTimeoutMs, now, proxies })
    this.#proxies = new Proxies({ handles, router, worker }, this.#departures, proxiesMax)
    this.#watches = new Watches({
      service,
      node: self.node,
      handleOf,
      tell: (peer, control) => outgoing.control(peer, control),
      retire: (proxy) => this.#proxies.retire(proxy),
    })
    this.channels = new SharedChannels({
      multicast: options.multicast,
      references,
      packer,
      outgoing,
      sourceOf: (peer, id) => this.#proxies.of(peer, id).handle,
    })
    this.#incoming = new Incoming({
      backlog: BACKLOG,
      sent: (...sending) => this.#holds.sent(...sending),
      router,
      handles,
      isFull: (handle) => handles.remotes?.isFull(handle) === true,
      references,
      outgoing,
      node: self.node,
      now,
      handleOf,
      proxyFor,
      checkNotNeeded: (handle) => checkNotNeeded(options, handle),
      ownName: (handle) => this.#ownName(handle),
      told: (peer, message) => this.#told(peer, message),
      published: (peer, message) => this.channels.published(peer, message),
      complain: (peer, text) => this.#complainOf(peer, text),
    })
  }

  #holdsHost(): HoldsHost {
    const { router, handles } = this.#options.service.runtime
    return {
      control: (...told) => this.#outgoing.control(...told),
      waitingBytesTo: (handle) => router.waitingBytesTo(handle),
      setHeld: (proxy, isHeld) => handles.remotes?.setHeld(proxy, isHeld),
    }
  }

  #handleOf(key: RemoteKey): number {
    if (typeof key === 'string') return this.#options.names.query(key)
    // What a peer sends may be larger than a number is, and then it is none of a service here.
    return key > HANDLE_ID_MAX ? 0 : (this.#harbor | key) >>> 0
  }

  #ownName(handle: number): string | undefined {
    // Hardly any service has a name: of others one load tells it.
    if (!this.#options.service.runtime.handles.isNamed(handle)) return undefined
    return NODE_NAMES.find((name) => this.#options.names.query(name) === handle)
  }

  // --- peers -------------------------------------------------------------------------------------

  /** A node has joined, at that epoch. */
  peerUp(address: PeerAddress): BorderPeer {
    const old = this.#peers.named(address.node)
    if (old !== undefined && old.epoch !== address.epoch) this.#down(old)
    const peer = this.#peers.up(address)
    this.#tellUntold(peer)
    return peer
  }

  /** What did not leave before. */
  #tellUntold(peer: BorderPeer): void {
    if (!peer.hasUntold || !peer.isMember) return
    peer.hasUntold = false
    this.#watches.watchAgain(peer)
    this.channels.tellAgain(peer)
  }

  /** That epoch of a node is over. */
  peerDown(address: PeerAddress): void {
    const peer = this.#peers.get(address)
    if (peer !== undefined) this.#down(peer)
  }

  #down(peer: BorderPeer): void {
    this.#peers.down(peer)
    this.#watches.down(peer)
    this.channels.down(peer)
  }

  /** A link to a peer has begun, or begun anew: what was in flight is lost. */
  linkBegan(peer: BorderPeer): void {
    this.#holds.began(peer)
    this.#watches.tellAgain(peer)
    this.channels.tellAgain(peer)
  }

  /** A node takes no more of what services here send, or does again. */
  full(node: string, isFull: boolean): void {
    this.#options.service.runtime.handles.remotes?.setFull(node, isFull)
  }

  /** This node has another epoch: to its peers it is another one, which they know nothing of. */
  joinedAgain(): void {
    for (const peer of this.#peers.values()) {
      peer.heard.clear()
      this.channels.forget(peer)
      this.linkBegan(peer)
    }
  }

  /** Undefined: it is no member, or no more. */
  peer(address: PeerAddress): BorderPeer | undefined {
    return this.#peers.get(address)
  }

  /**
   * The handle that stands for a service of a peer: of that number, or of who has that local name.
   *
   * @throws {SkynetError} `ERR_PROXY_LIMIT`, `ERR_SERVICE_LIMIT`.
   */
  handleFor(peer: BorderPeer, key: RemoteKey): number {
    const known = peer.proxies.get(key)
    if (known !== undefined) return known.handle
    const proxy = this.#proxies.of(peer, key)
    this.#watches.named(proxy)
    return proxy.handle
  }

  /**
   * It was said while its proxy was there, and has not left: who waits is told so. A proxy ends
   * with its node, or when the service there has ended.
   */
  #whyGone({ type, source, session }: Message, to: number): unknown {
    const node = this.#options.service.runtime.handles.remotes?.nodeOf(to)
    if (node === undefined) return undefined
    if (session === 0) this.#outgoing.lost(node, type, source)
    const epoch = this.#peers.lastEpoch(node)
    if (epoch !== undefined) return new SkynetError('ERR_NODE_LOST', { node, epoch, sent: 'no' })
    return callDead('no')
  }

  // --- messages ----------------------------------------------------------------------------------

  /** A message has come: its `to` is the number of a service here, its source of one there. */
  deliver(peer: BorderPeer, message: Packed): void {
    if ((message.type & FENCED) === 0) {
      this.#incoming.deliver(peer, message)
      return
    }
    try {
      this.#incoming.deliver(peer, this.#fencing.open(message))
    } catch (error) {
      this.#refuse(peer, message, error as Error)
    }
  }

  /** Of an owner that was overtaken nothing is taken. Who waits is told, here or there. */
  #refuse(peer: BorderPeer, { type, to, source, session }: Packed, error: Error): void {
    const { router } = this.#options.service.runtime
    const own = type & ~FENCED
    if (isAnswerType(own)) {
      router.send(PTYPE.ERROR, this.#handleOf(to), 0, session, withSent(error, 'maybe'))
    } else if (session !== 0) this.#outgoing.refused(peer, source, session, error)
    else this.#complainOf(peer, error.message)
  }

  #complainOf(peer: BorderPeer, text: string): void {
    this.#options.complaints.say(`message of node ${peer.node}: ${text}`)
  }

  /**
   * A request of a service here will get no answer.
   *
   * @param source Its number.
   */
  lost(
    peer: PeerAddress,
    source: number,
    session: number,
    sent: 'no' | 'maybe',
    why: LostReason,
  ): void {
    const { node, epoch } = peer
    const { callTimeoutMs: timeoutMs } = this.#options
    const late = { ...UNNAMED_CALL, to: `node ${node}`, timeoutMs, sent }
    const error =
      why === 'late'
        ? // Who is one in the cluster handles nothing while the store is away.
          new SkynetError('ERR_CALL_TIMEOUT', late, causedBy(this.#options.storeLost?.()))
        : new SkynetError('ERR_NODE_LOST', { node, epoch, sent })
    const { router } = this.#options.service.runtime
    router.send(PTYPE.ERROR, this.#handleOf(source), 0, session, error)
  }

  #told(peer: BorderPeer, { bytes, at, length }: Packed): void {
    const control = readControl(bytes, at, length)
    if (control === undefined) return
    const watches = this.#watches
    if (control[0] === 'watch') watches.watch(peer, control[1])
    else if (control[0] === 'unwatch') watches.unwatch(peer, control[1])
    else if (control[0] === 'ended') watches.ended(peer, control[1], control[2])
    else if (control[0] === 'gone') watches.gone(peer, control[1])
    else if (control[0] === 'known') watches.known(peer, control[1])
    else if (control[0] === 'full') this.#holds.told(peer, control[1], true)
    else if (control[0] === 'room') this.#holds.told(peer, control[1], false)
    else this.channels.told(peer, control)
  }

  /** An order to this worker. False: it is not about a service of another node. */
  order({ source, session }: Message, order: WorkerOrder): boolean {
    const { handle, ...rest } = order as OrderAbout
    const proxy = this.#proxies.get(handle)
    if (proxy === undefined) return false
    if (order.order === 'monitor') {
      this.#watches.add(proxy, { source, session })
      return true
    }
    if (order.order === 'giveUp') {
      const given = { source, session: (order as GiveUpOrder).session }
      if (this.#watches.giveUp(proxy, given)) return true
    }
    if (!mayTravel(order)) return false
    this.#outgoing.order(proxy.peer, proxy.key, source, session, { ...rest, handle: 0 })
    return true
  }

  // --- what is done from time to time ------------------------------------------------------------

  /** A worker of this node died, with those services. */
  workerDied(dead: ReadonlySet<number>): void {
    const { scheduler } = this.#options.service.runtime
    // Its last answers come first.
    scheduler.whenTaken(() => {
      for (const proxy of this.#proxies.values()) {
        const { peer, key } = proxy
        refuseDead(proxy, dead, (_proxy, session, error) =>
          this.#outgoing.error(peer, key as number, session, error),
        )
        this.#watches.dropWatchers(proxy, dead)
      }
    })
  }

  /** Called every BORDER_SWEEP_MS. */
  sweep(): void {
    const now = this.#options.now()
    for (const peer of this.#peers.unknown()) this.#down(peer)
    for (const peer of this.#peers.values()) {
      dropLate(peer, now)
      this.#watches.sweep(peer)
      this.#holds.sweep(peer)
      this.channels.sweep(peer)
      this.#tellUntold(peer)
    }
    this.#departures.dropLate()
    for (const line of this.#outgoing.takeLost()) this.#options.complain(line)
    const dropped = this.#incoming.takeLost()
    if (dropped > 0) {
      this.#options.complain(`${dropped} messages of other nodes: their workers take nothing`)
    }
  }
}
