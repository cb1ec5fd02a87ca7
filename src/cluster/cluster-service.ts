/**
 * The service `.cluster`: what services here, and the same service of other nodes, ask of this
 * node's part of the cluster. It has a worker of its own, so that no code of users makes this node
 * look dead.
 */
import { SkynetError } from '../base/errors.ts'
import { CLUSTER_CALL_MS } from '../base/limits.ts'
import { launchOptions } from '../launch/options.ts'
import type { ClusterMember, ClusterMethods } from '../skynet/cluster-api.ts'
import { Skynet } from '../skynet/skynet.ts'
import { Application } from './application.ts'
import type { NodeTransport } from './core/cluster-node.ts'
import type { ClusterStore } from './core/store.ts'
import { Drive } from './drive.ts'
import { NodeList } from './node-list.ts'
import { CLUSTER_SERVICE, type PeerMethods, PeerServices } from './peer-services.ts'
import { placeOn } from './placing.ts'

/** What of the config is not of the transport. */
export interface ClusterSettings {
  /** Of this node. */
  readonly name: string
  readonly callTimeoutMs?: number
  readonly leaseMs?: number
  readonly build?: string
  /** Absolute path of the module of the first service. */
  readonly start: string
}

/** How frames move, and where the cluster decides. */
export interface ClusterWays {
  readonly transport: NodeTransport & { close(): Promise<void> }
  readonly store: ClusterStore
}

export async function clusterService(
  skynet: Skynet,
  settings: ClusterSettings,
  ways: ClusterWays,
): Promise<ClusterMethods & PeerMethods> {
  const { name, callTimeoutMs = CLUSTER_CALL_MS, leaseMs, start } = settings
  const application = new Application(start, settings.build)
  const { build } = application
  const host = {
    nodes: (): readonly ClusterMember[] => drive.nodes(),
    timeout: (ms: number, task: () => void) => skynet.timeout(ms, task),
  }
  const list = new NodeList(host, `${skynet.startTime}-${skynet.self}`)
  const timing = leaseMs === undefined ? {} : { leaseMs }
  const drive: Drive = new Drive(skynet, {
    node: name,
    build,
    ...timing,
    ...ways,
    callTimeoutMs,
    onNodes: () => list.changed(),
  })
  let isDraining = false
  const drain = (): void => {
    isDraining = true
    drive.node.drain()
  }
  skynet.onStop(drain)
  skynet.onExit(async () => {
    await drive.leave()
    await Promise.allSettled([ways.store.close(), ways.transport.close()])
  })
  const others = new PeerServices(skynet, drive, callTimeoutMs)
  const { loads, names } = Skynet.siteOf(skynet)
  const methods: ClusterMethods & PeerMethods = {
    nodes: () => list.list,
    changes: (version) => list.changes(version),
    query: async (node, wanted, timeoutMs) =>
      node === name ? methods.find(wanted) : others.at(node, timeoutMs).find(wanted),
    launch: async (where, url, options, timeoutMs) => {
      const loadOf = async (node: string, limitMs: number): Promise<number> =>
        node === name ? methods.load() : others.at(node, limitMs).load()
      const node = await placeOn(where, drive.nodes(), loadOf)
      if (node === name) return skynet.newService(url, launchOptions(options))
      return others.at(node, timeoutMs).launchHere(application.moduleOf(url), build, options)
    },
    drain: async () => drain(),
    find: (wanted) => {
      const handle = names.query(wanted)
      if (handle === 0) throw new SkynetError('ERR_NAME_UNKNOWN', { name: `${name}${wanted}` })
      return skynet.ref(handle)
    },
    load: () => {
      let sum = 0
      for (let worker = 0; worker < loads.workers; worker++) sum += loads.of(worker)
      return sum
    },
    launchHere: async (module, theirs, options) => {
      if (isDraining) {
        const reason = `node ${name} takes nothing new, it is about to stop`
        throw new SkynetError('ERR_SERVICE_LAUNCH', { path: module, reason })
      }
      return skynet.newService(application.urlOf(module, theirs), launchOptions(options))
    },
  }
  await drive.join()
  skynet.register(CLUSTER_SERVICE)
  return methods
}
