/** Being told how another service ended: a request that is answered by its end. */
import { isSkynetError } from '../base/errors.ts'
import type { Parent } from './kin.ts'
import { type Ending, isMeant } from './life.ts'
import { checkNotNeeded } from './needed.ts'
import type { Runtime } from './runtime.ts'
import type { Service } from './service.ts'
import { checkWait, WaitLimits, type WaitOptions } from './wait-options.ts'
import { askHome, orderHome } from './worker-order.ts'

/** Resolves once, when the service of `handle` has ended; at once when there is none. */
export async function monitor(
  service: Service,
  handle: number,
  options?: WaitOptions,
): Promise<Ending> {
  checkWait('monitor', options)
  if (service.runtime.options.handles.workerOf(handle) < 0) return { handle, reason: 'gone' }
  try {
    const order = { order: 'monitor', handle } as const
    return (await askHome(service, order, new WaitLimits({ timeoutMs: 0, ...options }))) as Ending
  } catch (error) {
    if (!isSkynetError(error, 'ERR_CALL_DEAD')) throw error
    // Without a cause it had ended before the order could be sent.
    if (error.cause === undefined) return { handle, reason: 'gone' }
    return { handle, reason: 'worker died', cause: error.cause }
  }
}

/** End `service` when the other one ends and that was not meant. Once is enough, however often. */
export function follow(service: Service, handle: number): void {
  const { followed } = service.kin
  if (followed.has(handle)) return
  followed.add(handle)
  monitor(service, handle).then(
    (ending) => {
      followed.delete(handle)
      if (!isMeant(ending)) void service.end('linked')
    },
    // It ended first itself, and the other one follows it; or somebody ended this wait.
    () => void followed.delete(handle),
  )
}

/**
 * `service` is a child of the supervisor `parent`: it ends when that has ended, whatever came over
 * it. So no child is left behind, not by one that is killed, nor by one whose worker dies: that is
 * heard by the worker of the child. It is no call, as its end is nothing that the child waits for.
 */
export function endWith(service: Service, parent: Parent): void {
  service.kin.parent = parent
  const { runtime, handle: child } = service
  const isThere = orderHome(runtime, child, 0, { order: 'adopt', handle: parent.handle })
  if (!isThere) void service.end('kill')
}

/** The child has ended, its setup perhaps not done: its supervisor has nothing to end any more. */
export function tellParent({ parent, handle: child, runtime }: Service): void {
  if (parent === undefined) return
  orderHome(runtime, child, 0, { order: 'disown', handle: parent.handle })
}

/** End a service, wherever it lives, and wait for nothing. */
export function endChild(runtime: Runtime, handle: number): void {
  orderHome(runtime, 0, 0, { order: 'kill', handle })
}

/** Let each of two end when the other one does. @throws {SkynetError} `ERR_SERVICE_NEEDED`. */
export function link(service: Service, handle: number): void {
  checkNotNeeded(service.runtime, handle)
  const { options, router } = service.runtime
  const home = options.handles.workerOf(handle)
  if (home >= 0) router.sendToWorker(home, service.handle, 0, { order: 'link', handle })
  follow(service, handle)
}
