/** Asking the service of the cluster for the one instance of a service. */
import { refusal } from '../base/check.ts'
import { moduleOf, type Resolve } from '../modules/modules.ts'
import type { ServicePath } from '../modules/service-module.ts'
import { wroteAs } from '../service/sendable.ts'
import { limitsFrom } from '../service/wait-options.ts'
import type { ServiceId } from '../wire/service-id.ts'
import { type FinderHost, moduleUrl } from './imported.ts'
import type { LaunchOptions } from './options.ts'
import { askCluster, type ClusterAsker, type ClusterSite, checkInCluster } from './remote.ts'

export type UniqueSite = ClusterSite & { readonly resolve: Resolve }

type UniqueAsker = ClusterAsker &
  FinderHost & { readonly runtime: FinderHost['runtime'] & { readonly now: number } }

/** Returns the handle, wherever it is. */
export async function askForUnique(
  service: UniqueAsker,
  site: UniqueSite,
  path: ServicePath,
  { timeoutMs = 0, signal, node, ...options }: LaunchOptions<readonly unknown[]>,
): Promise<number> {
  if (node !== undefined) {
    throw refusal('value', 'launch', 'node', 'none, as it is where it is', node)
  }
  if (options.on === 'same') {
    throw refusal('value', 'launch', 'on', `no 'same': it may be on another node`, options.on)
  }
  checkInCluster(site, 'launch a service of the cluster')
  const left = limitsFrom(service.runtime, { timeoutMs, signal })
  const named = typeof path === 'function' ? await moduleUrl(service, path, left()) : path
  const url = moduleOf(site.resolve(named, service.url))
  const message = ['unique', url, options, timeoutMs]
  const asked = askCluster(service, message, left()).catch(wroteAs('args[1].args', 'args'))
  const { target } = (await asked) as ServiceId
  return target as number
}
