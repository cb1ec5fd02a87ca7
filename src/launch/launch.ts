/** Launching a service anywhere in the node: on which worker, by which order, and how it fails. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { shortPath } from '../base/paths.ts'
import type { Loads } from '../kernel/loads.ts'
import type { Resolve } from '../modules/modules.ts'
import type { LaunchOrder } from '../service/launch-order.ts'
import { type OrderingHost, orderOf } from '../service/ordering.ts'
import type { WaitingSetup } from '../service/setup.ts'
import { Waiter, type WaitFor, type WaitHost } from '../service/wait.ts'
import { limitsFrom, type WaitLimits } from '../service/wait-options.ts'
import type { CancelOrder } from '../supervision/monitor.ts'
import { type LaunchOptions, launchLimits } from './options.ts'
import { choose } from './placement.ts'

/** What a launch needs of the service that asks for it. */
export interface LauncherHost extends OrderingHost, WaitHost {
  readonly url: string
  /** Setups that wait for what it asks now. */
  readonly setups: readonly WaitingSetup[]
  readonly runtime: OrderingHost['runtime'] & { readonly now: number }
}

/** Where services can be launched, as one worker sees it. */
export interface LaunchSite {
  /** This one. */
  readonly worker: number
  readonly loads: Loads
  readonly resolve: Resolve
  /**
   * Start a worker for a service alone.
   *
   * @throws {SkynetError} `ERR_WORKER_LIMIT`
   */
  readonly dedicate: (url: string, memoryLimitMb: number) => Promise<number>
  /** A dedicated worker has nothing (any more); the handles that it had. */
  readonly onVacant: (worker: number, handles: readonly number[]) => void
}

/** What a launch is, beside what its author asked for. */
export interface LaunchAs {
  /** It ends with whoever launches it. */
  readonly isChild?: boolean
  readonly limits?: WaitLimits | undefined
  /** It is the one of the cluster that has a name. */
  readonly fence?: LaunchOrder['fence'] | undefined
}

/** Returns the handle, once its setup is done. Throws as `newService`, at once or later. */
export function launchService(
  service: LauncherHost,
  site: LaunchSite,
  path: string | URL,
  options: LaunchOptions<readonly unknown[]>,
  as: LaunchAs,
): Promise<number> {
  if (service.hasEnded) throw service.exited()
  const url = site.resolve(path, service.url)
  const { on = 'least-loaded' } = options
  const limits = as.limits ?? launchLimits(options)
  if (on === 'dedicated') return launchAlone(service, site, url, options, as, limits)
  const { loads, worker } = site
  return launchOn(service, loads, choose(on, loads, worker), url, options, as, limits)
}

/** On a worker of its own. */
async function launchAlone(
  service: LauncherHost,
  site: LaunchSite,
  url: string,
  options: LaunchOptions<readonly unknown[]>,
  as: LaunchAs,
  limits: WaitLimits,
): Promise<number> {
  const { loads, onVacant } = site
  // Its caller may change them meanwhile: these are checked.
  const given = { ...options }
  const left = limitsFrom(service.runtime, limits)
  const home = await workerFor(service, site, url, given.memoryLimitMb ?? 0, left())
  try {
    return await launchOn(service, loads, home, url, given, as, left())
  } catch (error) {
    if (loads.of(home) === 0) onVacant(home, [])
    throw error
  }
}

function launchOn(
  service: LauncherHost,
  loads: Loads,
  home: number,
  url: string,
  { args = [], onFault = 'log' }: LaunchOptions<readonly unknown[]>,
  { isChild = false, fence }: LaunchAs,
  limits: WaitLimits,
): Promise<number> {
  const place = loads.add(home)
  const { setups } = service
  // Who launches may fill an empty array before it is looked at.
  const given = args.length === 0 ? NO_ARGS : args
  const order: LaunchOrder = { order: 'launch', url, args: given, place, onFault }
  // It is packed for another worker: hardly any has more.
  const isPlain = !isChild && setups.length === 0 && fence === undefined
  const own = fence && { fence: [...fence] as const }
  const what = isPlain ? order : { ...order, isChild, setups, ...own }
  const traits = { title: shortPath(url), undo: isChild ? cancel : undefined, isCounted: true }
  const launched = orderOf(service, place, what, limits, traits).catch((error: unknown) => {
    throw isSkynetError(error, 'ERR_CALL_DEAD') ? launchLost(url, error) : error
  })
  return launched as Promise<number>
}

const NO_ARGS: readonly unknown[] = Object.freeze([])
const cancel = (session: number): CancelOrder => ({ order: 'cancel', session })

/** A worker of its own. One that comes when nobody waits for it any more ends. */
async function workerFor(
  service: LauncherHost,
  { dedicate, onVacant }: LaunchSite,
  url: string,
  memoryLimitMb: number,
  limits: WaitLimits,
): Promise<number> {
  const path = shortPath(url)
  const about: WaitFor = {
    kind: 'wait',
    what: `a worker for ${path}`,
    late: (timeoutMs) => {
      const info = { to: 'a worker of its own', method: path, timeoutMs }
      return new SkynetError('ERR_CALL_TIMEOUT', info)
    },
  }
  const waiter = new Waiter<number>(service, about, limits)
  if (!waiter.isOver) {
    dedicate(url, memoryLimitMb).then(
      (home) => (waiter.isOver ? onVacant(home, []) : waiter.resolve(home)),
      (error: unknown) => waiter.reject(error),
    )
  }
  return waiter.promise
}

function launchLost(url: string, cause: unknown): Error {
  const info = { path: shortPath(url), reason: 'its worker died' }
  return new SkynetError('ERR_SERVICE_LAUNCH', info, { cause })
}
