/**
 * Which harbors of a cluster of ours there are, and whose a global name is: one service in the
 * whole cluster, which the cluster's store decides about. What it knows it asks of the harbors when
 * it begins, as it may have been on a node that is gone.
 */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { HARBOR_NAMES_MAX } from '../base/limits.ts'
import { messageOf } from '../base/thrown.ts'
import type { ServiceRef } from '../service/ref.ts'
import type { Skynet } from '../skynet/skynet.ts'

type Names = readonly (readonly [name: string, handle: number])[]
export type HarborPeerRef = ServiceRef<HarborPeer>

/** What the service `harbor` of a node tells the registry, and others. */
export interface HarborPeer {
  /** Undefined: it has not joined. */
  state(): { readonly harbor: number; readonly names: Names } | undefined
  peerUp(harbor: number, peer: HarborPeerRef): void
  named(name: string, handle: number): void
  /** A message between services, as it is on Skynet's wire, without its size. */
  frame(harbor: number, body: Uint8Array): void
}

export interface RegistryMethods {
  /** @throws {SkynetError} `ERR_HARBOR_JOIN` another node has that number. */
  join(harbor: number, peer: HarborPeerRef, names: Names): Joined
  /** Returns the handle that has the name now. */
  register(name: string, handle: number): number
  /** 0: nobody has it. */
  find(name: string): number
  /** All harbors, and the names that came behind the first `seen` ones. */
  news(seen: number): Joined
}

export interface Joined {
  readonly peers: readonly (readonly [harbor: number, peer: HarborPeerRef])[]
  readonly names: Names
  /** Names that were given so far, those that are free again included. */
  readonly given: number
}

/** When the registry begins, each harbor is asked what it is, and asked again after so long. */
const STATE_MS = 1000
/** Less than those who wait for the registry do: they must not go before it answers. */
const RECALL_MS = 8000

type RegistryHost = Pick<Skynet, 'cluster' | 'monitor' | 'error' | 'now'>

export async function harborRegistry(skynet: RegistryHost): Promise<RegistryMethods> {
  const registry = new Registry(skynet)
  await registry.recall()
  return {
    join: (harbor, peer, names) => registry.join(harbor, peer, names),
    register: (name, handle) => registry.register(name, handle),
    find: (name) => registry.find(name),
    news: (seen) => registry.news(seen),
  }
}

/** Who has a name, which was the `number`-th that was given. */
interface Owner {
  readonly handle: number
  readonly number: number
}

class Registry {
  readonly #skynet: RegistryHost
  readonly #peers = new Map<number, HarborPeerRef>()
  readonly #names = new Map<string, Owner>()
  #given = 0

  constructor(skynet: RegistryHost) {
    this.#skynet = skynet
  }

  /**
   * Ask all nodes that are there what they are. Nobody gets a name or a number before: it may be
   * that of one who is busy.
   */
  async recall(): Promise<void> {
    const nodes = await this.#skynet.cluster.nodes()
    await Promise.all(nodes.map(({ node }) => this.#recall(node)))
  }

  async #recall(node: string): Promise<void> {
    const until = this.#skynet.now() + RECALL_MS
    while (!(await this.#ask(node, this.#skynet.now() > until))) {
      const nodes = await this.#skynet.cluster.nodes()
      if (!nodes.some((each) => each.node === node)) return
    }
  }

  /** False: it is to be asked again. */
  async #ask(node: string, isLast: boolean): Promise<boolean> {
    const limits = { timeoutMs: STATE_MS }
    try {
      const peer = (await this.#skynet.cluster.query(node, '.harbor', limits)) as HarborPeerRef
      const state = await peer.with(limits).call.state()
      if (state !== undefined) this.join(state.harbor, peer, state.names)
    } catch (error) {
      // It is in no harbor, so far; or it is gone.
      const isNone =
        isSkynetError(error, 'ERR_NAME_UNKNOWN') || isSkynetError(error, 'ERR_NODE_LOST')
      if (isNone) return true
      if (isSkynetError(error, 'ERR_CALL_TIMEOUT') && !isLast) return false
      // It joins again by itself.
      this.#skynet.error(`Cannot ask node ${node} for its harbor: ${messageOf(error)}`)
    }
    return true
  }

  news(seen: number): Joined {
    const names: (readonly [string, number])[] = []
    const given = this.#given
    if (seen < given) {
      for (const [name, { handle, number }] of this.#names) {
        if (number > seen) names.push([name, handle])
      }
    }
    return { peers: [...this.#peers], names, given }
  }

  join(harbor: number, peer: HarborPeerRef, names: Names): Joined {
    const known = this.#peers.get(harbor)
    if (known !== undefined && known.handle !== peer.handle) {
      const reason = `another node is harbor ${harbor}: ${known.address}`
      throw new SkynetError('ERR_HARBOR_JOIN', { master: 'the cluster', reason })
    }
    if (known === undefined) {
      this.#tellAll(({ send }) => send.peerUp(harbor, peer))
      this.#peers.set(harbor, peer)
      void this.#skynet.monitor(peer.handle).then(() => this.#gone(harbor, peer))
    }
    for (const [name, handle] of names) this.register(name, handle)
    return this.news(0)
  }

  /** Whose node takes no more misses it, and finds it when it looks for news. */
  #tellAll(tell: (peer: HarborPeerRef) => unknown): void {
    for (const peer of this.#peers.values()) {
      try {
        tell(peer)
      } catch (error) {
        if (!isSkynetError(error, 'ERR_LINK_FULL')) throw error
      }
    }
  }

  /** A name goes with its harbor: another one may have it. */
  #gone(harbor: number, peer: HarborPeerRef): void {
    if (this.#peers.get(harbor)?.handle !== peer.handle) return
    this.#peers.delete(harbor)
    for (const [name, { handle }] of this.#names) {
      if (handle >>> 24 === harbor) this.#names.delete(name)
    }
  }

  register(name: string, handle: number): number {
    const owner = this.#names.get(name)
    if (owner !== undefined) return owner.handle
    if (this.#names.size >= HARBOR_NAMES_MAX) {
      throw new SkynetError('ERR_NAME_LIMIT', { limit: HARBOR_NAMES_MAX })
    }
    this.#names.set(name, { handle, number: ++this.#given })
    this.#tellAll(({ send }) => send.named(name, handle))
    return handle
  }

  find(name: string): number {
    return this.#names.get(name)?.handle ?? 0
  }
}
