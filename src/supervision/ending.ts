/** Ending a service, this one or another, and what else is asked of a service wherever it lives. */
import { checkInteger } from '../base/check.ts'
import { isSkynetError } from '../base/errors.ts'
import { checkStack } from '../base/stack-left.ts'
import type { Names } from '../kernel/names.ts'
import type { ExitReason } from '../service/life.ts'
import { askHome, type OrderingHost } from '../service/ordering.ts'
import type { OrderAbout } from '../service/orders.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import { checkNotNeeded } from './needed.ts'
import type { SignalOrder } from './signals.ts'

/** Room for the end of a service: half done, it would leave its sockets, and who waits for it. */
const END_FRAMES = 500

/** What ending needs of the service that asks for it. */
export interface EndingHost extends OrderingHost {
  exited(): Error
  end(reason: ExitReason): Promise<void>
}

export function exit(service: EndingHost): never {
  checkStack(END_FRAMES)
  void service.end('exit')
  throw service.exited()
}

/** True: it was there. @throws {SkynetError} `ERR_SERVICE_NEEDED`. */
export async function kill(
  service: EndingHost,
  site: { readonly names: Names },
  handle: number,
  options?: WaitOptions,
): Promise<boolean> {
  checkNotNeeded(site, handle)
  if (handle !== service.handle) return askAbout(service, { order: 'kill', handle }, options)
  checkWait('kill', options)
  checkStack(END_FRAMES)
  await service.end('kill')
  return true
}

/** Ask the worker on which a service lives for something. False: there is no such service. */
export async function askAbout(
  service: OrderingHost,
  order: OrderAbout,
  options: WaitOptions | undefined,
): Promise<boolean> {
  checkWait(order.order, options)
  if (service.runtime.handles.workerOf(order.handle) < 0) return false
  return askHome(service, order, options).catch((error: unknown) => {
    if (!isSkynetError(error, 'ERR_CALL_DEAD')) throw error
    // Without a cause it had ended before the order could be sent.
    if (error.cause === undefined) return false
    // Whose end was ordered was there, and went with its worker.
    if (order.order === 'kill') return true
    throw error
  }) as Promise<boolean>
}

/** Tell a service a number. False: it is not there. */
export async function signal(
  service: OrderingHost,
  handle: number,
  number: number,
  options?: WaitOptions,
): Promise<boolean> {
  checkInteger('signal', 'number', number, 0, 0x7fffffff)
  const order: SignalOrder = { order: 'signal', handle, number }
  return askAbout(service, order, options)
}
