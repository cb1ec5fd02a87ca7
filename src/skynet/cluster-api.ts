/**
 * Other nodes, as a service sees them. All of it is asked of the service `.cluster`, which only a
 * node with `cluster` in its config has: no floor knows the room.
 */
import { checkFunction, checkText } from '../base/check.ts'
import { askForUnique, type UniqueSite } from '../launch/cluster-unique.ts'
import { type ClusterUniqueRest, launchOptions } from '../launch/options.ts'
import { askCluster, checkInCluster, type RemoteLauncher } from '../launch/remote.ts'
import type { AnyService, MethodsOf } from '../modules/definition.ts'
import type { ServicePath } from '../modules/service-module.ts'
import { ServiceRef } from '../service/ref.ts'
import type { Service } from '../service/service.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import { clusterDatacenter } from '../sharing/cluster-data.ts'
import {
  type ChannelAddress,
  type ChannelSite,
  channelOf,
  openMessage,
  type Shareable,
  shareMessage,
} from './cluster-channels.ts'
import { checkLocalName } from './naming.ts'

/** What a node is to this one. `suspect`: it is not heard, and nothing is decided. */
export type ClusterNodeState = 'up' | 'suspect' | 'draining'

/** A node of the cluster, at one epoch. */
export interface ClusterMember {
  readonly node: string
  /** Restarted under the same name it has a higher one, and is another node. */
  readonly epoch: number
  readonly state: ClusterNodeState
  readonly isSelf: boolean
  /** Which code it runs: key `build` of its config. */
  readonly build: string
  readonly addresses: readonly string[]
}

/** A node has come, is another one, or is down: that is for ever at that epoch. */
export interface ClusterNodeEvent {
  readonly node: string
  readonly epoch: number
  readonly state: ClusterNodeState | 'down'
}

/** All nodes, at one version of that list. */
export interface ClusterNodeList {
  readonly version: string
  readonly nodes: readonly ClusterMember[]
}

/** What the facade asks the service of the cluster for; `launch` is of launch/remote.ts. */
export interface ClusterMethods extends RemoteLauncher {
  nodes(): ClusterNodeList
  /** Resolves once the version is another one, or after a while. */
  changes(version: string): Promise<ClusterNodeList>
  query(node: string, name: string, timeoutMs: number): Promise<ServiceRef>
  drain(): Promise<void>
  shareChannel(id: number): ChannelAddress
  openChannel(address: ChannelAddress): Promise<number>
}

/** Until it is asked again, when the service of the cluster is launched again. */
const RETRY_MS = 500

export type ClusterApiSite = UniqueSite & ChannelSite

export class ClusterApi {
  readonly #service: Service
  readonly #site: ClusterApiSite
  #datacenter: ReturnType<typeof clusterDatacenter> | undefined
  readonly #listeners = new Set<(event: ClusterNodeEvent) => unknown>()

  constructor(service: Service, site: ClusterApiSite) {
    this.#service = service
    this.#site = site
  }

  /** Name of this node. @throws {SkynetError} `ERR_CLUSTER_OFF`. */
  get self(): string {
    return checkInCluster(this.#site, 'tell the name of this node')
  }

  /**
   * Values by path for the whole cluster: as `skynet.datacenter`, which is that of this node alone.
   * One node keeps them, in memory: when it dies or leaves, they are gone, and another node begins
   * anew. Then `wait` goes on there; `get` and `set` reject as calls of another node do.
   *
   * @throws {SkynetError} `ERR_CLUSTER_OFF`.
   */
  get datacenter() {
    checkInCluster(this.#site, 'use the datacenter of the cluster')
    this.#datacenter ??= clusterDatacenter(this.#service, this.#site)
    return this.#datacenter
  }

  /** The nodes that are there now, this one first. */
  async nodes(options?: WaitOptions): Promise<readonly ClusterMember[]> {
    checkWait('list the nodes', options)
    const list = (await this.#ask('list the nodes', ['nodes'], options)) as ClusterNodeList
    return list.nodes
  }

  /**
   * A typed reference to a service of another node, by the local name that it has there. It is
   * called like any: each call has a deadline (`cluster.callTimeoutMs`, unless it says otherwise),
   * and its errors say in `info.sent` whether the request may have run.
   *
   * @throws {SkynetError} `ERR_NODE_UNKNOWN`, `ERR_NODE_LOST` for the node; `ERR_NAME_UNKNOWN` when
   * nobody there has that name; `ERR_CLUSTER_OFF`; `ERR_CALL_TIMEOUT`, `ABORT_ERR`.
   */
  async query<S extends AnyService = AnyService>(
    node: string,
    name: string,
    options?: WaitOptions,
  ): Promise<ServiceRef<MethodsOf<S>>> {
    checkText('query', 'node', node)
    checkLocalName('query', name)
    checkWait('query', options)
    const message = ['query', node, name, options?.timeoutMs ?? 0]
    const found = (await this.#ask('query', message, options)) as ServiceRef
    return new ServiceRef(this.#service, found.target)
  }

  /**
   * The one instance of a service in the whole cluster: launched by the node of who asks first,
   * with its arguments. When that node dies or leaves, another one that has asked launches it anew:
   * then ask again, as this reference is of the one before. On a node that does not hear the
   * cluster for a lease it handles nothing, as others may have another by then: docs/cluster.md.
   *
   * @throws As `newService`, and `ERR_CLUSTER_OFF`, `ERR_CALL_TIMEOUT`.
   */
  async uniqueService<S extends AnyService = AnyService>(
    path: ServicePath<S>,
    ...rest: ClusterUniqueRest<S>
  ): Promise<ServiceRef<MethodsOf<S>>> {
    const handle = await askForUnique(this.#service, this.#site, path, launchOptions(rest[0]))
    return new ServiceRef(this.#service, handle)
  }

  /**
   * What other nodes open a channel by. It is plain data, typed by what is published: send it to
   * whoever is to have the channel. One that was opened here may be shared as well.
   *
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN`, `ERR_CLUSTER_OFF`, `ERR_CALL_TIMEOUT`;
   * `ERR_NODE_UNKNOWN` while this node has not joined.
   */
  async shareChannel<T>(channel: Shareable<T>, options?: WaitOptions): Promise<ChannelAddress<T>> {
    const message = shareMessage(channel, options)
    return (await this.#ask('share a channel', message, options)) as ChannelAddress<T>
  }

  /**
   * A channel of another node, which is used as one of this node: whoever publishes, subscribers of
   * all nodes get it, and `delete` ends it for all. It ends, too, when the node that made it is
   * down. The same channel again has the same `id`.
   *
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN` when it was deleted; `ERR_NODE_UNKNOWN`,
   * `ERR_NODE_LOST` for its node; `ERR_CHANNEL_LIMIT`, `ERR_CLUSTER_OFF`, `ERR_CALL_TIMEOUT`.
   */
  async openChannel<T>(address: ChannelAddress<T>, options?: WaitOptions) {
    const message = openMessage(address, options)
    const found = await this.#ask('open a channel', message, options)
    return channelOf<T>(this.#service, this.#site, found as number)
  }

  /**
   * Be told of nodes: at first of those that are there, then of each change, in order; last `down`.
   *
   * @returns Ends it.
   * @throws {SkynetError} `ERR_CLUSTER_OFF`.
   */
  onNode(listener: (event: ClusterNodeEvent) => unknown): () => void {
    checkFunction('be told of nodes', 'listener', listener)
    checkInCluster(this.#site, 'be told of nodes')
    const each = (event: ClusterNodeEvent): unknown => listener(event)
    const told = new Map<string, ClusterMember>()
    this.#listeners.add(each)
    this.#service.fork(() => this.#follow(each, told))
    return () => void this.#listeners.delete(each)
  }

  /**
   * Take nothing new from now on: nobody places services here, and what is unique here moves. For
   * who stops this node soon; a stop does it too.
   */
  async drain(options?: WaitOptions): Promise<void> {
    checkWait('drain', options)
    await this.#ask('drain', ['drain'], options)
  }

  #ask(what: string, message: unknown[], options: WaitOptions | undefined): Promise<unknown> {
    checkInCluster(this.#site, what)
    return askCluster(this.#service, message, options)
  }

  async #follow(
    listener: (event: ClusterNodeEvent) => unknown,
    told: Map<string, ClusterMember>,
  ): Promise<void> {
    const service = this.#service
    let version = ''
    while (this.#listeners.has(listener) && !service.isEnding) {
      try {
        const list = (await askCluster(service, ['changes', version], {
          timeoutMs: 0,
        })) as ClusterNodeList
        version = list.version
        if (!this.#listeners.has(listener)) return
        for (const event of nodeChanges(told, list.nodes)) {
          service.run('onNode', () => listener(event))
        }
      } catch {
        // It is launched again, with its worker; or this service ends.
        await new Promise<void>((resolve) => service.after(RETRY_MS, resolve))
      }
    }
  }
}

/**
 * @internal What has become of the nodes.
 *
 * @param told By name, of each node what was told of it last; brought up to date.
 * @param nodes All nodes now, this one as well.
 */
export function* nodeChanges(
  told: Map<string, ClusterMember>,
  nodes: readonly ClusterMember[],
): Generator<ClusterNodeEvent> {
  // A node that is no member yet, or whose worker of the cluster was replaced, knows of nobody.
  if (nodes.find(({ isSelf }) => isSelf)?.epoch === 0) return
  const others = new Map(nodes.filter(({ isSelf }) => !isSelf).map((each) => [each.node, each]))
  for (const [name, { node, epoch }] of told) {
    if (others.get(name)?.epoch === epoch) continue
    told.delete(name)
    yield { node, epoch, state: 'down' }
  }
  for (const [name, each] of others) {
    const known = told.get(name)
    told.set(name, each)
    const { node, epoch, state } = each
    if (known?.state !== state) yield { node, epoch, state }
  }
}
