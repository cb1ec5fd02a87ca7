/** Numbers that one service tells another: Skynet's SIGNAL. */
import { checkInteger } from '../base/check.ts'
import { askAbout, type OrderingHost } from '../service/ordering.ts'
import type { OrderAbout, Orders } from '../service/orders.ts'
import { type Part, type PartHost, PartKey } from '../service/part.ts'
import { kept } from '../service/scope.ts'
import type { WaitOptions } from '../service/wait-options.ts'

export interface SignalOrder extends OrderAbout {
  readonly order: 'signal'
  readonly number: number
}

/** What signals need of the service that they are for. */
export interface SignalHost extends PartHost {
  run(what: string, task: () => unknown): void
  say(level: 'info', text: string): void
}

interface Signals extends Part {
  readonly hook: (signal: number) => unknown
}

const KEY = new PartKey<Signals>()

/** The last hook counts. */
export function onSignal(service: SignalHost, hook: (signal: number) => unknown): void {
  service.addPart(KEY, { hook: kept(hook) })
}

/** @param find The service of that handle here. */
export function addSignalOrders(
  orders: Orders,
  find: (handle: number) => SignalHost | undefined,
): void {
  orders.add<SignalOrder>('signal', (_message, { handle, number }) => {
    const service = find(handle)
    const hook = service?.part(KEY)?.hook
    if (hook === undefined) service?.say('info', `recv a signal ${number}`)
    else service?.run('signal', () => hook(number))
    return service !== undefined
  })
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
