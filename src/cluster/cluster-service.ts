/**
 * The service `.cluster`: what services here, and the same service of other nodes, ask of this
 * node's part of the cluster. It has a worker of its own, so that no code of users makes this node
 * look dead.
 */
import { CLUSTER_CALL_MS } from '../base/limits.ts'
import type { ClusterMember } from '../skynet/cluster-api.ts'
import { Skynet } from '../skynet/skynet.ts'
import { Application } from './application.ts'
import { ChannelDesk } from './channel-desk.ts'
import { Drive } from './drive.ts'
import { Launches } from './launches.ts'
import { NodeList } from './node-list.ts'
import { uniqueLate, uniquesOn } from './own-uniques.ts'
import { CLUSTER_SERVICE, findHere, type NodeMethods, PeerServices } from './peer-services.ts'
import type { ClusterWays } from './ways.ts'

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

export async function clusterService(
  skynet: Skynet,
  settings: ClusterSettings,
  ways: ClusterWays,
): Promise<NodeMethods> {
  // What others ask before this setup is done waits for it.
  skynet.register(CLUSTER_SERVICE)
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
    uniques: () => uniques,
    children: () => launches.supervised.children,
  })
  const uniques = uniquesOn(skynet, () => drive)
  const drain = async (): Promise<void> => {
    await Promise.all([drive.drain(), uniques.release()])
  }
  skynet.onStop(drain)
  skynet.onExit(async () => {
    await drive.leave()
    await Promise.allSettled([ways.store.close(), ways.transport.close()])
  })
  const others = new PeerServices(skynet, drive, callTimeoutMs)
  const launches = new Launches({ skynet, drive, application, others })
  const channels = new ChannelDesk(drive, others)
  const { names } = Skynet.siteOf(skynet)
  const methods: NodeMethods = {
    nodes: () => list.list,
    changes: (version) => list.changes(version),
    query: async (node, wanted, timeoutMs) =>
      node === name
        ? methods.find(wanted)
        : others.ask(node, timeoutMs, (peer) => peer.find(wanted)),
    launch: (...given) => launches.on(...given),
    placeChild: (where) => launches.supervised.place(where),
    launchChild: (...given) => launches.supervised.launch(...given),
    endChild: (place) => launches.supervised.end(place),
    drain,
    unique: async (url, options, timeoutMs) => {
      const wanted = { name: application.moduleOf(url), url, options }
      const late = (ms: number): Error => uniqueLate(wanted.name, ms, drive.storeLost)
      const ms = timeoutMs || callTimeoutMs
      return skynet.ref(await inTime(skynet, uniques.find(wanted), ms, late))
    },
    find: (wanted) => skynet.ref(findHere(names, name, wanted)),
    load: () => launches.load(),
    shareChannel: (id) => channels.addressOf(id),
    openChannel: (address) => channels.open(address),
    hasChannel: (id) => channels.has(id),
    launchHere: (...given) => launches.here(...given),
    childHere: (...given) => launches.supervised.launchHere(...given),
    endChildHere: (id) => launches.supervised.children.end(id),
  }
  await drive.join()
  return methods
}

/** A store that is not there must keep nobody waiting. */
function inTime(
  skynet: Skynet,
  finding: Promise<number>,
  timeoutMs: number,
  late: (timeoutMs: number) => Error,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const limit = skynet.timeout(timeoutMs, () => reject(late(timeoutMs)))
    finding.then(resolve, reject).finally(() => limit.cancel())
  })
}
