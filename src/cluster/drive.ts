/** Joins the node of the cluster, its border, and the worker on which both live. */
import { delay, queueMicrotask } from '../base/event-loop.ts'
import { CLUSTER_HANDOVER_MS, LINK_QUEUE_BYTES_MAX } from '../base/limits.ts'
import type { ClusterMember } from '../skynet/cluster-api.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { BorderOwners, ClusterBorder } from './border.ts'
import {
  ClusterNode,
  type ClusterNodeHost,
  type ClusterNodeOptions,
  type ClusterPeer,
} from './core/cluster-node.ts'
import { Joining } from './joining.ts'
import { dropLine } from './losses.ts'
import { borderOn } from './on-worker.ts'
import type { BorderLinks } from './outgoing.ts'
import { PackedSlot } from './packed.ts'
import type { Uniques } from './uniques.ts'

export interface DriveOptions extends ClusterNodeOptions {
  readonly callTimeoutMs: number
  /** A node has come, is another one, or has gone. */
  readonly onNodes: () => void
  /** Told of what is one in the cluster. */
  readonly uniques: () => Pick<
    Uniques,
    'owned' | 'changed' | 'fenced' | 'refused' | 'acting' | 'ownerOf'
  >
  /** Told of what others supervise here. */
  readonly children: () => { acting(isActing: boolean): void; overtaken(): void }
}

/** Between two looks at which services of a node that stops are left. */
const LAST_LOOK_MS = 5

/** What a node says of itself when its epoch is over. */
const OVERTAKEN = {
  tombstone: () => 'other nodes have decided that this one was dead: it joins again',
  mistaken: () => 'the store of the cluster has told what never was: this node joins again',
  replaced: (node: string) =>
    `another process has the name '${node}': this node leaves the cluster`,
}

export class Drive {
  readonly node: ClusterNode
  readonly border: ClusterBorder
  readonly #joining: Joining
  readonly #skynet: Skynet
  readonly #options: DriveOptions
  /** Of this node. */
  readonly #self: { readonly node: string; epoch: number }
  readonly #slot = new PackedSlot()
  #isDraining = false
  /** When this node became a member, at its epoch. */
  #joinedAt = Number.POSITIVE_INFINITY
  #lastBytes: Uint8Array = Buffer.alloc(0)
  #lastBuffer: Buffer = Buffer.alloc(0)

  constructor(skynet: Skynet, options: DriveOptions) {
    this.#skynet = skynet
    this.#options = options
    this.#self = { node: options.node, epoch: 0 }
    this.#joining = new Joining(skynet)
    const { callTimeoutMs } = options
    const owners: BorderOwners = {
      ownerOf: (handle) => options.uniques().ownerOf(handle),
      accepts: (name, token) => this.node.names.accepts(name, token),
      current: (name) => this.node.names.current(name),
    }
    const links = this.#links()
    const storeLost = (): unknown => this.storeLost
    this.border = borderOn(skynet, { self: this.#self, links, callTimeoutMs, owners, storeLost })
    this.node = new ClusterNode(options, this.#host())
    this.node.start()
    skynet.interval(Math.max(1, this.node.tickMs), () => this.node.tick())
  }

  /** Wait until this node is a member, see `Joining`. */
  join(): Promise<void> {
    return this.#joining.wait(this.node.leaseMs)
  }

  /** Why the store is out of reach; undefined: it is there. */
  get storeLost(): unknown {
    return this.#joining.storeLost
  }

  get self(): Pick<ClusterPeer, 'node' | 'epoch'> {
    return this.#self
  }

  /** This node first. */
  nodes(): ClusterMember[] {
    const { node, epoch } = this.#self
    const { build } = this.#options
    const state = this.#isDraining ? 'draining' : 'up'
    const own = { node, epoch, state, isSelf: true, build, addresses: [] } as const
    const others = [...this.node.peers].flatMap((peer): ClusterMember[] => {
      const { state, record } = peer
      if (state === 'down') return []
      const { build: theirs, addresses } = record
      return [
        { node: peer.node, epoch: peer.epoch, state, isSelf: false, build: theirs, addresses },
      ]
    })
    return [own, ...others]
  }

  /**
   * A node at that epoch is no more: another one has its name, or nobody. Of a node that has not
   * written itself into a store which has lost its memory that is not known before a lease.
   */
  isOver({ node, epoch }: Pick<ClusterPeer, 'node' | 'epoch'>): boolean {
    const peer = this.node.peer(node)
    if (peer !== undefined) return peer.epoch !== epoch
    return this.#skynet.now() - this.#joinedAt >= this.node.leaseMs
  }

  /** It takes nothing new. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Resolves once others can see it; a store that is not there makes nobody wait for long. */
  drain(): Promise<void> {
    this.#isDraining = true
    this.#options.onNodes()
    return new Promise((resolve) => {
      const limit = this.#skynet.timeout(CLUSTER_HANDOVER_MS, resolve)
      this.node.drain(() => {
        limit.cancel()
        resolve()
      })
    })
  }

  /** Leave in order, so that nobody has to find out. Last: services may still call others. */
  async leave(): Promise<void> {
    const { runtime } = Skynet.serviceOf(this.#skynet)
    const until = runtime.now + runtime.exitMs / 2
    while (runtime.handles.users > 0 && runtime.now < until) await delay(LAST_LOOK_MS)
    // What they have said is on its way to this worker, and leaves with the next turn.
    await delay(LAST_LOOK_MS)
    const left = new Promise<void>((resolve) => this.node.leave(resolve)).then(() => true)
    if (await Promise.race([left, delay(runtime.exitMs / 4, false)])) return
    // What it says later is of no use to anybody.
    this.node.close()
    const text = 'the store of the cluster does not answer: this node leaves without its word'
    this.#skynet.log(`${text}, others miss it after a lease`)
  }

  #links(): BorderLinks {
    return {
      queueBytesMax: LINK_QUEUE_BYTES_MAX,
      post: (peer, { type, to, source, session, ms, bytes, at, length, isGiven }) => {
        const { node } = this
        const known = peer as ClusterPeer
        const posted = node.post(known, type, to, source, session, ms, bytes, at, length, isGiven)
        if (posted === 'queued') return undefined
        return posted === 'full' ? 'full' : 'down'
      },
    }
  }

  #host(): ClusterNodeHost {
    const { border } = this
    const skynet = this.#skynet
    const { scheduler } = Skynet.serviceOf(skynet).runtime
    const flush = (): void => this.node.flush()
    return {
      now: () => skynet.now(),
      random: Math.random,
      pending: () => queueMicrotask(flush),
      joined: (epoch) => this.#joined(epoch),
      overtaken: (how) => {
        skynet.error(OVERTAKEN[how](this.node.node))
        this.#options.children().overtaken()
      },
      node: (peer, state) => {
        if (state === 'down') border.peerDown(peer)
        else border.peerUp(peer)
        this.#options.onNodes()
      },
      acting: (isActing) => {
        this.#options.uniques().acting(isActing)
        this.#options.children().acting(isActing)
      },
      store: (isThere, reason) => this.#joining.store(isThere, reason),
      failed: (reason) => this.#joining.failed(reason),
      deliver: (peer, type, to, source, session, remainingMs, bytes, from, length) => {
        const known = border.peer(peer)
        if (known === undefined) return
        // A transport with sockets of Node.js wakes no scheduler.
        scheduler.stayUp()
        const buffer = this.#bufferOf(bytes)
        const slot = this.#slot
        slot.set(type, to, source, session, remainingMs, buffer, from, length)
        border.deliver(known, slot)
      },
      lost: (peer, source, session, sent, why) =>
        border.lost(peer, source, session, sent, why === 'timeout' ? 'late' : 'node'),
      ended: (peer, why, dropped) => {
        if (dropped > 0) skynet.error(dropLine(dropped, peer.node, why))
        const known = border.peer(peer)
        if (known !== undefined) border.linkBegan(known)
      },
      full: ({ node }, isFull) => border.full(node, isFull),
      owned: (name, token) => this.#options.uniques().owned(name, token),
      taken: (name) => this.#options.uniques().changed(name),
      refused: (name, reason) => this.#options.uniques().refused(name, reason),
      fenced: (name, ...tokens) => this.#options.uniques().fenced(name, ...tokens),
      owner: (name) => this.#options.uniques().changed(name),
    }
  }

  #joined(epoch: number): void {
    const isAgain = this.#self.epoch !== 0
    this.#self.epoch = epoch
    this.#joinedAt = this.#skynet.now()
    if (isAgain) this.border.joinedAgain()
    this.#joining.joined()
    this.#options.onNodes()
  }

  #bufferOf(bytes: Uint8Array): Buffer {
    if (Buffer.isBuffer(bytes)) return bytes
    if (this.#lastBytes !== bytes) {
      this.#lastBytes = bytes
      this.#lastBuffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    return this.#lastBuffer
  }
}
