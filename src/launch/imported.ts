/** Launching a service by the import of its module, where others name its path. */
import { SkynetError } from '../base/errors.ts'
import type { ModuleFinder, ServiceModule, ServicePath } from '../modules/service-module.ts'
import { type WaitFor, type WaitHost, waitAlong } from '../service/wait.ts'
import { limitsFrom, type WaitLimits } from '../service/wait-options.ts'
import { type LaunchAs, type LauncherHost, type LaunchSite, launchService } from './launch.ts'
import { type LaunchOptions, launchLimits } from './options.ts'
import { type ClusterAsker, type ClusterSite, checkInCluster, launchOnNode } from './remote.ts'
import type { RemoteChild } from './remote-child.ts'

/** What finding a module needs of the service that names it. */
export interface FinderHost extends WaitHost {
  readonly url: string
  readonly runtime: { readonly modules: ModuleFinder }
}

/** The URL of the module that `load` imports, which is loaded here for that. */
export function moduleUrl(
  service: FinderHost,
  load: ServiceModule,
  limits: WaitLimits,
): Promise<string> {
  const about: WaitFor = {
    kind: 'wait',
    what: 'the module of a launch',
    late: (timeoutMs) => {
      const info = { to: 'a module', method: 'import', timeoutMs }
      return new SkynetError('ERR_CALL_TIMEOUT', info)
    },
  }
  const { modules } = service.runtime
  return modules.urlOf(load, service.url, (url) => waitAlong(service, about, limits, url))
}

/** The same, wherever it is. */
export interface LaunchFromAs extends LaunchAs {
  /** Of a child: what it is on another node. */
  readonly elsewhere?: RemoteChild | undefined
}

/** Returns the handle, once its setup is done. Throws as `newService`. */
export async function launchFrom(
  service: LauncherHost & FinderHost & ClusterAsker,
  site: LaunchSite & ClusterSite,
  path: ServicePath,
  options: LaunchOptions<readonly unknown[]>,
  as: LaunchFromAs = {},
): Promise<number> {
  if (typeof path !== 'function') return launchAt(service, site, path, options, as)
  const left = limitsFrom(service.runtime, as.limits ?? launchLimits(options))
  const url = await moduleUrl(service, path, left())
  return launchAt(service, site, url, options, { ...as, limits: left() })
}

/** Here, or on another node. */
async function launchAt(
  service: LauncherHost & FinderHost & ClusterAsker,
  site: LaunchSite & ClusterSite,
  path: string | URL,
  { node, ...options }: LaunchOptions<readonly unknown[]>,
  as: LaunchFromAs,
): Promise<number> {
  if (node === undefined) return launchService(service, site, path, options, as)
  const { elsewhere } = as
  if (elsewhere === undefined) return launchOnNode(service, site, path, { ...options, node })
  const own = checkInCluster(site, 'supervise a child on another node')
  const left = limitsFrom(service.runtime, as.limits ?? launchLimits(options))
  const url = site.resolve(path, service.url)
  const handle = await elsewhere.launch(node, own, url, options, left)
  if (handle !== 0) return handle
  return launchService(service, site, path, options, { ...as, limits: left() })
}
