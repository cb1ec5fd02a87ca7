/** Asking the service manager for the one instance of a service. */
import { SkynetError } from '../base/errors.ts'
import { MANAGER_WAIT_MS_MAX } from '../base/limits.ts'
import { shortPath } from '../base/paths.ts'
import type { Names } from '../kernel/names.ts'
import { moduleOf, type Resolve } from '../modules/modules.ts'
import type { ServicePath } from '../modules/service-module.ts'
import { uniqueChain, type WaitingSetup } from '../service/setup.ts'
import { Waiter, type WaitFor } from '../service/wait.ts'
import { limitsFrom, type WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import { type FinderHost, moduleUrl } from './imported.ts'
import { askKeeper, type KeeperHost } from './keeper.ts'
import { launchLimits } from './options.ts'

/** How often somebody who waits for the manager looks for it. */
const MANAGER_LOOK_MS = 10

/** What asking the manager needs of the service that asks. */
export interface ManagerHost extends KeeperHost, FinderHost {
  readonly isEnding: boolean
  /** Setups that wait for what it asks now. */
  readonly setups: readonly WaitingSetup[]
  readonly runtime: KeeperHost['runtime'] &
    FinderHost['runtime'] & {
      readonly now: number
      readonly handles: { workerOf(handle: number): number }
    }
  callMethod: KeeperHost['callMethod']
  /** A timer of the runtime. */
  after(ms: number, task: () => void): { cancel(): void }
}

/** Of the node, what is needed to find the manager, and modules. */
export interface ManagerSite {
  readonly resolve: Resolve
  readonly names: Names
}

/** Returns the handle of the one instance. */
export async function askManager(
  service: ManagerHost,
  site: ManagerSite,
  method: 'launch' | 'query',
  [path, ...args]: [ServicePath, ...unknown[]],
  options: WaitOptions | undefined,
): Promise<number> {
  const { runtime } = service
  const chain = uniqueChain(service.setups)
  const left = limitsFrom(runtime, launchLimits(options))
  const named = typeof path === 'function' ? await moduleUrl(service, path, left()) : path
  const url = moduleOf(site.resolve(named, service.url, method))
  const title = `${method} of ${shortPath(url)}`
  const manager = await findManager(service, site.names, title, left())
  const message = [method, url, ...args, ...(chain.length > 0 ? [chain] : [])]
  return (await askKeeper(service, manager, message, left(), title)) as number
}

/** While there is none, as its worker has died and it is launched again, whoever asks waits. */
async function findManager(
  service: ManagerHost,
  names: Names,
  title: string,
  limits: WaitLimits,
): Promise<number> {
  const { handles } = service.runtime
  const name = '.service'
  const known = names.query(name)
  if (handles.workerOf(known) >= 0) return known
  // A node that stops has no other one: an exit hook would wait for nothing.
  if (service.isEnding) throw new SkynetError('ERR_NAME_UNKNOWN', { name })
  const about: WaitFor = {
    kind: 'wait',
    what: `the manager, for ${title}`,
    late: (timeoutMs) =>
      new SkynetError('ERR_CALL_TIMEOUT', { to: name, method: title, timeoutMs }),
  }
  const waiter = new Waiter<number>(service, about, limits)
  const look = (): void => {
    const found = names.query(name)
    if (handles.workerOf(found) >= 0) waiter.resolve(found)
    else next = service.after(MANAGER_LOOK_MS, look)
  }
  let next = service.after(MANAGER_LOOK_MS, look)
  const limit = service.after(MANAGER_WAIT_MS_MAX, () => {
    waiter.reject(new SkynetError('ERR_NAME_UNKNOWN', { name }))
  })
  try {
    return await waiter.promise
  } finally {
    next.cancel()
    limit.cancel()
  }
}
