/**
 * The service `harbor` of a node in a cluster of ours: numbers and names are the registry's,
 * messages go from harbor to harbor as those of the cluster, and who is down its nodes decide.
 */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import type { ServiceDefinition } from '../modules/definition.ts'
import type { ServiceRef } from '../service/ref.ts'
import { Skynet } from '../skynet/skynet.ts'
import { harborNumber } from './border.ts'
import { Crossing } from './crossing.ts'
import type { CheckedLimits } from './harbor-options.ts'
import type { HarborMethods } from './harbor-service.ts'
import { type FramePeer, PeerFrames } from './peer-frames.ts'
import type { HarborPeer, HarborPeerRef, Joined, RegistryMethods } from './registry.ts'
import { Waits } from './waits.ts'

type RegistryDefinition = ServiceDefinition<readonly [], RegistryMethods, Skynet>
type RegistryRef = ServiceRef<RegistryMethods>

/** What somebody may wait for. */
const TOPIC = {
  name: (name: string) => `name ${name}`,
  up: (harbor: number) => `up ${harbor}`,
  down: (harbor: number) => `down ${harbor}`,
} as const

/** Between two looks for a name that somebody waits for, should the news of it be lost. */
const LOOK_MS = 500
/** Until the registry is asked for again, when it could not be reached. */
const RETRY_MS = 250
/** Between two looks for harbors and names that this one has not been told of. */
const PEERS_MS = 2000

/**
 * For what is in a frame somebody waits, for so long as that takes. A frame that had a deadline of
 * its own would be lost in a link that is slow, and nobody told. One that is dead is found by it.
 */
const FRAME_MS = 0x7fffffff

/** Another harbor that is up. */
interface Peer extends FramePeer {
  readonly handle: number
}

/** Another one comes in its place. */
const isOfItsEnd = (error: unknown): boolean =>
  isSkynetError(error, 'ERR_CALL_DEAD') || isSkynetError(error, 'ERR_NODE_LOST')

/** The setup of the service: it has joined once `join` resolves. */
export function clusterHarbor(skynet: Skynet, limits: CheckedLimits): HarborMethods & HarborPeer {
  const harbor = skynet.self >>> 24
  if (harbor === 0) {
    const info = { key: 'harbor', expected: '1..255 to join harbors', value: '0' }
    throw new SkynetError('ERR_CONFIG_VALUE', info)
  }
  const node = new ClusterHarbor(skynet, harbor, limits)
  skynet.register('.harbor')
  return node.methods
}

class ClusterHarbor {
  readonly #skynet: Skynet
  readonly #harbor: number
  readonly #limits: CheckedLimits
  readonly #peers = new Map<number, Peer | undefined>()
  readonly #names = new Map<string, number>()
  readonly #waits: Waits
  readonly #frames: PeerFrames
  readonly #crossing: Crossing
  /** Undefined: it is looked for. */
  #registry: RegistryRef | undefined
  /** So many names had it given when it was asked last. */
  #seen = 0
  /** One for all who ask; what has failed ends the service. */
  #joining: Promise<void> | undefined
  #entering: Promise<void> | undefined
  #hasJoined = false
  /** Names that the registry is asked for, until it has them, or nobody waits. */
  readonly #looked = new Set<string>()

  constructor(skynet: Skynet, harbor: number, limits: CheckedLimits) {
    this.#skynet = skynet
    this.#harbor = harbor
    this.#limits = limits
    this.#waits = new Waits(skynet)
    this.#frames = new PeerFrames(
      {
        peerOf: (other) => this.#peers.get(other),
        sleep: (ms) => skynet.sleep(ms),
        dropped: (parcel, error) => this.#crossing.dropped(parcel, error),
      },
      harbor,
    )
    this.#crossing = new Crossing(
      Skynet.serviceOf(skynet),
      {
        stateOf: (other) => this.#stateOf(other),
        bufferedAmount: (other) => this.#frames.unsentOf(other),
        write: (other, parcel) => void this.#frames.write(other, parcel),
      },
      { ...limits, harbor, names: Skynet.siteOf(skynet).names },
    )
  }

  #stateOf(harbor: number): 'unknown' | 'down' | 'up' {
    if (!this.#peers.has(harbor)) return 'unknown'
    return this.#peers.get(harbor) === undefined ? 'down' : 'up'
  }

  get #ownNames(): Joined['names'] {
    return [...this.#names].filter(([, handle]) => harborNumber(handle) === this.#harbor)
  }

  // --- the registry ------------------------------------------------------------------------------

  async #join(): Promise<void> {
    try {
      this.#crossing.open()
      await this.#enter()
    } catch (error) {
      // Behind the answer: what has failed leaves nothing.
      this.#skynet.timeout(0, () => this.#skynet.exit())
      throw error
    }
    this.#skynet.interval(PEERS_MS, () => this.#lookForNews())
  }

  /** Once at a time: a look for peers, and the end of a registry, may both lead here. */
  #enter(): Promise<void> {
    this.#entering ??= this.#enterRegistry().finally(() => {
      this.#entering = undefined
    })
    return this.#entering
  }

  async #enterRegistry(): Promise<void> {
    const skynet = this.#skynet
    const limits = { timeoutMs: this.#limits.joinTimeoutMs }
    const { cluster } = skynet
    const registry = await cluster.uniqueService<RegistryDefinition>('harbor-registry', limits)
    const names = this.#ownNames
    const self = skynet.selfRef<HarborPeer & HarborMethods>() as unknown as HarborPeerRef
    const joined = await registry.with(limits).call.join(this.#harbor, self, names)
    const isAnother = this.#registry?.handle !== registry.handle
    this.#hasJoined = true
    this.#registry = registry
    this.#learn(joined)
    for (const [name, handle] of names) {
      if (this.#names.get(name) === handle) continue
      skynet.error(`The global name ${name} was lost: another service has it now`)
    }
    if (isAnother) void skynet.monitor(registry.handle).then(() => this.#seek())
  }

  /**
   * News of the registry may be lost with a connection, though no node is, or find no room: it is
   * asked. And a node that was held so long that others took it for dead hears nothing of that:
   * who goes on, and is not in the registry any more, enters it again.
   */
  async #lookForNews(): Promise<void> {
    const registry = this.#registry
    if (registry === undefined) return
    let news: Joined
    try {
      news = await registry.call.news(this.#seen)
    } catch {
      // Its end is told otherwise.
      return
    }
    // Another one counts for itself.
    if (registry !== this.#registry) return
    this.#learn(news)
    if (news.peers.some(([, peer]) => peer.handle === this.#skynet.self)) return
    this.#skynet.log('The registry of harbors has forgotten this one, which enters it again')
    await this.#enter().catch((error: unknown) => this.#outOfReach(error))
  }

  #learn({ peers, names, given }: Joined): void {
    for (const [harbor, peer] of peers) this.#meet(harbor, peer)
    for (const [name, handle] of names) this.#named(name, handle)
    this.#seen = given
  }

  #outOfReach(error: unknown): void {
    this.#skynet.error(`The registry of harbors is out of reach: ${messageOf(error)}`)
  }

  /** The registry is gone: another node has it, or will. */
  async #seek(): Promise<void> {
    this.#registry = undefined
    while (this.#registry === undefined) {
      try {
        await this.#enter()
      } catch (error) {
        this.#outOfReach(error)
        // Somebody else has the number, which may take long.
        const isTaken = isSkynetError(error, 'ERR_HARBOR_JOIN')
        await this.#skynet.sleep(isTaken ? PEERS_MS : RETRY_MS)
      }
    }
  }

  /** Ask it something that may be done twice, as soon as there is one. */
  async #ask<T>(ask: (calls: RegistryRef['call']) => Promise<T>): Promise<T> {
    const until = this.#skynet.now() + this.#limits.joinTimeoutMs
    for (;;) {
      const registry = this.#registry
      try {
        if (registry !== undefined) return await ask(registry.call)
      } catch (error) {
        if (!isOfItsEnd(error) || this.#skynet.now() > until) throw error
      }
      if (this.#skynet.now() > until) {
        const info = { what: 'ask for a name', master: 'of the cluster' }
        throw new SkynetError('ERR_HARBOR_MASTER', info)
      }
      await this.#skynet.sleep(RETRY_MS)
    }
  }

  // --- other harbors -----------------------------------------------------------------------------

  #meet(harbor: number, peer: HarborPeerRef): void {
    const known = this.#peers.get(harbor)
    if (harbor === this.#harbor || known?.handle === peer.handle) return
    // In a new process: its end was not told here so far.
    if (known !== undefined) this.#down(harbor, known, 'another process has its number')
    const { call } = peer.with({ timeoutMs: FRAME_MS })
    this.#peers.set(harbor, { handle: peer.handle, call })
    this.#skynet.log(`Harbor ${harbor} is up`)
    this.#crossing.up(harbor)
    this.#waits.settle(TOPIC.up(harbor), undefined)
    void this.#skynet
      .monitor(peer.handle)
      .then(({ reason }) => this.#down(harbor, peer, `its harbor has ended: ${reason}`))
  }

  #down(harbor: number, peer: Pick<Peer, 'handle'>, reason: string): void {
    if (this.#peers.get(harbor)?.handle !== peer.handle) return
    this.#peers.set(harbor, undefined)
    this.#skynet.error(`Harbor ${harbor} is down: ${reason}`)
    for (const [name, handle] of this.#names) {
      if (harborNumber(handle) === harbor) this.#names.delete(name)
    }
    this.#crossing.down(harbor, reason)
    this.#waits.settle(TOPIC.down(harbor), undefined)
  }

  #named(name: string, handle: number): void {
    this.#names.set(name, handle)
    this.#waits.settle(TOPIC.name(name), handle)
  }

  // --- what services ask -------------------------------------------------------------------------

  readonly methods: HarborMethods & HarborPeer = {
    join: () => {
      this.#joining ??= this.#join()
      return this.#joining
    },
    register: async (name, handle) => {
      const owner = await this.#ask((registry) => registry.register(name, handle))
      this.#named(name, owner)
      if (owner !== handle) throw new SkynetError('ERR_NAME_TAKEN', { name })
      return owner
    },
    query: (name) => {
      const known = this.#names.get(name)
      if (known !== undefined) return known
      const found = this.#asked(TOPIC.name(name))
      // The last one may have given up a moment ago: then it is looked for still.
      if (!this.#looked.has(name)) {
        this.#looked.add(name)
        this.#skynet.fork(() => this.#look(name))
      }
      return found
    },
    link: (harbor) =>
      this.#stateOf(harbor) === 'up' ? this.#asked(TOPIC.down(harbor)) : undefined,
    connect: (harbor) =>
      this.#stateOf(harbor) === 'up' || harbor === this.#harbor
        ? undefined
        : this.#asked(TOPIC.up(harbor)),
    linkMaster: () => {
      const info = { what: 'link the master', master: 'of the cluster, which has none' }
      throw new SkynetError('ERR_HARBOR_MASTER', info)
    },
    harbors: () =>
      [...this.#peers.keys()].map((harbor) => ({ harbor, state: this.#stateOf(harbor) })),
    stat: () => this.#crossing.stat,
    master: () => 'cluster',
    giveUp: (source, session) => this.#waits.giveUp(source, session),
    state: () => {
      if (!this.#hasJoined) return undefined
      return { harbor: this.#harbor, names: this.#ownNames }
    },
    peerUp: (harbor, peer) => this.#meet(harbor, peer),
    named: (name, handle) => this.#named(name, handle),
    frame: (harbor, body) => {
      const { source } = this.#skynet.context()
      // The news of it may be late.
      if (this.#stateOf(harbor) !== 'up') {
        this.#meet(harbor, this.#skynet.ref(source) as unknown as HarborPeerRef)
      }
      this.#crossing.receive(Buffer.from(body.buffer, body.byteOffset, body.length))
    },
  }

  #asked(topic: string): Promise<unknown> {
    const asker = this.#skynet.context()
    return asker.session === 0 ? Promise.resolve() : this.#waits.add(topic, asker)
  }

  /** Ask for a name until somebody has it, or nobody waits for it. */
  async #look(name: string): Promise<void> {
    while (this.#waits.has(TOPIC.name(name))) {
      try {
        const handle = await this.#ask((registry) => registry.find(name))
        if (handle !== 0) this.#named(name, handle)
      } catch (error) {
        this.#waits.fail((topic) => topic === TOPIC.name(name), error)
      }
      if (this.#waits.has(TOPIC.name(name))) await this.#skynet.sleep(LOOK_MS)
    }
    this.#looked.delete(name)
  }
}
