/** Asking a service of the node that keeps who waits: it is told when somebody waits no more. */
import type { Router } from '../kernel/router.ts'
import type { RequestTraits } from '../service/calls.ts'
import type { WaitLimits, WaitOptions } from '../service/wait-options.ts'
import { PTYPE } from '../wire/ptype.ts'

/** What asking a keeper needs of the service that asks. */
export interface KeeperHost {
  readonly handle: number
  readonly runtime: { readonly router: Router }
  callMethod(
    to: number,
    message: unknown[],
    options?: WaitOptions,
    more?: RequestTraits,
  ): Promise<unknown>
}

/**
 * Call a method of `keeper`, which has a method `giveUp(source, session)` too.
 *
 * @param title What the call is called in errors.
 */
export function askKeeper(
  service: KeeperHost,
  keeper: number,
  message: unknown[],
  limits: WaitLimits,
  title?: string,
): Promise<unknown> {
  const { runtime, handle } = service
  // Not by `sendMethod`: this service may have ended.
  const giveUp = (session: number): void => {
    runtime.router.send(PTYPE.LUA, keeper, handle, 0, ['giveUp', handle, session])
  }
  return service.callMethod(keeper, message, limits, { title, giveUp })
}
