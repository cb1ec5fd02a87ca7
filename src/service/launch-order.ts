/** The orders of launches: who asks for a service here, and which unique ones there are. */
import { describe } from '../base/thrown.ts'
import type { Place } from '../kernel/loads.ts'
import { askerOf } from './askers.ts'
import type { Launch } from './beginning.ts'
import type { LateCaller } from './late-caller.ts'
import { type Fence, originOf } from './life.ts'
import { LATER, type Orders, type WorkerOrder } from './orders.ts'
import type { WaitingSetup } from './setup.ts'

export interface LaunchOrder extends WorkerOrder {
  readonly order: 'launch'
  readonly url: string
  readonly args: readonly unknown[]
  /** Whom it was counted for. */
  readonly place: Place
  readonly onFault?: 'log' | 'end'
  /** It ends with whoever launches it. */
  readonly isChild?: boolean
  /** It is the one of the cluster that has a name. */
  readonly fence?: Fence
  /** Those that wait for this launch, each for the next: see `Setup.waiting`. */
  readonly setups?: readonly WaitingSetup[]
}

/** What the orders need of the worker that takes them. */
export interface LaunchOrdersHost {
  /** This worker, in this incarnation. */
  readonly place: Place
  readonly handles: { isNamed(handle: number): boolean }
  /** The handle of a local name; 0: none. */
  readonly names: { query(name: string): number }
  launch(launch: Launch): void
  say(handle: number, text: string): void
  services(): Iterable<{
    readonly url: string
    readonly handle: number
    readonly origin: { readonly isUnique: boolean }
  }>
}

export function addLaunchOrders(orders: Orders, host: LaunchOrdersHost): void {
  // Whoever has no name at all, as nearly all that launch, is told by less than a look for it.
  const isManager = (handle: number): boolean =>
    host.handles.isNamed(handle) && host.names.query('.service') === handle
  orders.add<LaunchOrder>('launch', (message, order) => {
    // Meant for the worker that was here before: whoever ordered it was told of its death.
    if (order.place !== host.place) return LATER
    const { source, session } = message
    host.launch({
      url: order.url,
      args: order.args,
      caller: message.binder as LateCaller,
      origin: originOf(isManager(source), order.onFault ?? 'log'),
      parent: order.isChild === true ? { handle: source, asker: askerOf(message) } : undefined,
      setups: order.setups,
      fence: order.fence,
      onReady: (handle) => orders.reply(message, handle),
      onFailure: (error) => {
        if (session === 0) host.say(0, describe(error))
        else orders.fail(message, error)
      },
    })
    return LATER
  })
  // URL and handle of each.
  orders.add('uniques', () => {
    const uniques = [...host.services()].filter(({ origin }) => origin.isUnique)
    return uniques.map(({ url, handle }) => [url, handle])
  })
}
