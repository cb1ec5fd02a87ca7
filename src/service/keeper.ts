/** Asking a service of the node that keeps who waits: it is told when somebody waits no more. */
import { PTYPE } from '../wire/ptype.ts'
import type { Service } from './service.ts'
import type { WaitLimits } from './wait-options.ts'

/**
 * Call a method of `keeper`, which has a method `giveUp(source, session)` too.
 *
 * @param title What the call is called in errors.
 */
export function askKeeper(
  service: Service,
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
