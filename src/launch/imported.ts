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

const AS_ASKED: LaunchFromAs = {}

/**
 * Returns the handle, once its setup is done. Throws as `newService`, at once or later. Only what
 * has to wait is asynchronous: each such function costs a launch a promise and turns of its own.
 */
export function launchFrom(
  service: LauncherHost & FinderHost & ClusterAsker,
  site: LaunchSite & ClusterSite,
  path: ServicePath,
  options: LaunchOptions<readonly unknown[]>,
  as: LaunchFromAs = AS_ASKED,
): Promise<number> {
  if (typeof path === 'function') return launchImported(service, site, path, options, as)
  return launchAt(service, site, path, options, as)
}

async function launchImported(
  service: LauncherHost & FinderHost & ClusterAsker,
  site: LaunchSite & ClusterSite,
  load: ServiceModule,
  options: LaunchOptions<readonly unknown[]>,
  as: LaunchFromAs,
): Promise<number> {
  // Its caller may change them meanwhile: these are checked.
  const given = { ...options }
  const left = limitsFrom(service.runtime, as.limits ?? launchLimits(given))
  const url = await moduleUrl(service, load, left())
  return launchAt(service, site, url, given, { ...as, limits: left() })
}

/** Here, or on another node. */
function launchAt(
  service: LauncherHost & FinderHost & ClusterAsker,
  site: LaunchSite & ClusterSite,
  path: string | URL,
  options: LaunchOptions<readonly unknown[]>,
  as: LaunchFromAs,
): Promise<number> {
  if (options.node === undefined) return launchService(service, site, path, options, as)
  if (as.elsewhere === undefined) return launchOnNode(service, site, path, options)
  return launchChild(service, site, path, options, { ...as, elsewhere: as.elsewhere })
}

/** A child of a supervisor, on that node or here. */
async function launchChild(
  service: LauncherHost & FinderHost & ClusterAsker,
  site: LaunchSite & ClusterSite,
  path: string | URL,
  { node, ...options }: LaunchOptions<readonly unknown[]>,
  as: LaunchFromAs & { readonly elsewhere: RemoteChild },
): Promise<number> {
  const own = checkInCluster(site, 'supervise a child on another node')
  const left = limitsFrom(service.runtime, as.limits ?? launchLimits(options))
  const url = site.resolve(path, service.url)
  const handle = await as.elsewhere.launch(node!, own, url, options, left)
  if (handle !== 0) return handle
  return launchService(service, site, path, options, { ...as, limits: left() })
}
