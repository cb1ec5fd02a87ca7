/** Launching a service on another node: the service of the cluster is asked for it. */
import { refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import type { Resolve } from '../modules/modules.ts'
import type { ServiceRef } from '../service/ref.ts'
import { wroteAs } from '../service/sendable.ts'
import { WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import type { ServiceId } from '../wire/service-id.ts'
import type { LaunchOptions } from './options.ts'
import type { NodePlacement } from './placement.ts'

const SERVICE = '.cluster'

/** Of the node, what its cluster needs. */
export interface ClusterSite {
  /** Name of this node in its cluster; undefined: it is in none. */
  readonly clusterNode: string | undefined
}

/** What asking the service of the cluster needs of the service that asks. */
export interface ClusterAsker {
  readonly url: string
  readonly runtime: { handleOf(name: string): number }
  callMethod(to: number, message: unknown[], options?: WaitOptions): Promise<unknown>
}

/** How it is to be launched there. */
export type RemoteLaunch = Pick<
  LaunchOptions<readonly unknown[]>,
  'args' | 'on' | 'memoryLimitMb' | 'onFault'
>

/**
 * A child of a supervisor on another node, known before it is launched there: so its end can be
 * asked for, whatever has come of that.
 */
export interface ChildPlace {
  readonly node: string
  readonly epoch: number
  /** One of all that this node has ever launched. */
  readonly id: string
}

/** What the service of the cluster does for who launches. */
export interface RemoteLauncher {
  /** @param url Of the module, as this node has it. @param timeoutMs 0: none was said. */
  launch(
    node: NodePlacement,
    url: string,
    options: RemoteLaunch,
    timeoutMs: number,
  ): Promise<ServiceId>
  /**
   * @throws {SkynetError} `ERR_NODE_UNKNOWN`: it is not there, or takes nothing new;
   * `ERR_NODE_LOST`, `sent: 'no'`: it is not heard, and may be again.
   */
  placeChild(node: NodePlacement): Promise<ChildPlace>
  /**
   * It ends with `supervisor`, a service of this node. Else as `launch`.
   *
   * @throws {SkynetError} `ERR_NODE_LOST`: `sent` is `no` when nothing of it has begun.
   */
  launchChild(
    place: ChildPlace,
    supervisor: ServiceRef,
    url: string,
    options: RemoteLaunch,
    timeoutMs: number,
  ): Promise<ServiceId>
  /** Resolves when it is over, if it has begun: when its node has said so, or is down. */
  endChild(place: ChildPlace): Promise<void>
  /** The one service of the cluster that is made of that module. */
  unique(url: string, options: RemoteLaunch, timeoutMs: number): Promise<ServiceId>
}

/** The name of this node. @throws {SkynetError} `ERR_CLUSTER_OFF`. */
export function checkInCluster({ clusterNode }: ClusterSite, what: string): string {
  if (clusterNode === undefined) throw new SkynetError('ERR_CLUSTER_OFF', { what })
  return clusterNode
}

/** @throws {SkynetError} `ERR_NAME_UNKNOWN` while the service of the cluster is launched again. */
export function askCluster(
  service: ClusterAsker,
  message: unknown[],
  options: WaitOptions | undefined,
): Promise<unknown> {
  const handle = service.runtime.handleOf(SERVICE)
  if (handle === 0) return Promise.reject(new SkynetError('ERR_NAME_UNKNOWN', { name: SERVICE }))
  return service.callMethod(handle, message, options)
}

/** Returns the handle, once its setup is done. */
export async function launchOnNode(
  service: ClusterAsker,
  site: ClusterSite & { readonly resolve: Resolve },
  path: string | URL,
  { node, timeoutMs = 0, signal, ...options }: LaunchOptions<readonly unknown[]>,
): Promise<number> {
  checkInCluster(site, 'launch a service on another node')
  const url = site.resolve(path, service.url)
  const message = ['launch', node, url, options, timeoutMs]
  // The service of the cluster has a deadline for each launch.
  const limits = new WaitLimits({ timeoutMs, signal })
  const asked = askCluster(service, message, limits).catch(wroteAs('args[2].args', 'args'))
  const { target } = (await asked) as ServiceId
  if (typeof target === 'number') return target
  throw refusal('value', 'launch', 'node', 'a node that names no service by name', target)
}
