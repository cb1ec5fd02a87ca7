/** `skynetCluster`: puts together what a service needs of its cluster. */
import { SKYNETCLUSTER_CALL_MS } from '../base/limits.ts'
import { ServiceRef } from '../service/ref.ts'
import { limitsFrom, type WaitOptions } from '../service/wait-options.ts'
import { Skynet } from '../skynet/skynet.ts'
import { monitor } from '../supervision/monitor.ts'
import { ClusterDoor, DOOR } from './cluster-door.ts'
import type { ClusterdMethods } from './clusterd-methods.ts'
import { type CallSettings, checkCallSettings, NodeCalls } from './node-calls.ts'
import { checkTable, type NodeTable } from './remote-nodes.ts'
import { SkynetCluster } from './skynet-cluster.ts'

export interface SkynetClusterOptions extends CallSettings {
  /** Where nodes are: as `cluster.reload`, before anything is asked. */
  readonly nodes?: NodeTable
}

const WHAT = 'use the cluster'

/**
 * The cluster of Skynet, for one service.
 *
 * ```ts
 * const cluster = skynetCluster(skynet, { nodes: { db: '127.0.0.1:2528' } })
 * const hp = await cluster.call('db', '@players', 'get', 'hp')
 * ```
 *
 * @throws `TypeError`, `RangeError` naming the option that is wrong, or that there is not.
 */
export function skynetCluster(skynet: Skynet, options: SkynetClusterOptions = {}): SkynetCluster {
  const service = Skynet.serviceOf(skynet)
  checkCallSettings(WHAT, options, ['nodes'])
  const { nodes, timeoutMs = SKYNETCLUSTER_CALL_MS } = options
  if (nodes !== undefined) checkTable(WHAT, nodes)
  const door = doorOf(skynet)
  if (nodes !== undefined) door.hold('reload', nodes)
  const complain = (text: string): void => service.say('error', text)
  return new SkynetCluster({
    calls: new NodeCalls(door, service.runtime, options, complain),
    knownHandle: (address) =>
      address === undefined ? service.handle : service.runtime.knownHandle(address),
    refOf: (handle) => new ServiceRef(service, handle),
    ask(method, args, given: WaitOptions = {}) {
      const left = limitsFrom(service.runtime, { timeoutMs, ...given })
      return door.ask(method as keyof ClusterdMethods, args as never, left) as Promise<never>
    },
  })
}

/** One for all that a service does with its cluster. */
function doorOf(skynet: Skynet): ClusterDoor {
  const service = Skynet.serviceOf(skynet)
  const known = service.part(DOOR)
  if (known !== undefined) return known
  return service.addPart(
    DOOR,
    new ClusterDoor(service, {
      launch: async () => (await skynet.uniqueService('clusterd')).handle,
      ended: (handle) => monitor(service, handle),
    }),
  )
}
