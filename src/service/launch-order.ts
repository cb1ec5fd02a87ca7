/** The orders of launches: who asks for a service here, and which unique ones there are. */
import type { SkynetError } from '../base/errors.ts'
import { describe } from '../base/thrown.ts'
import type { Place } from '../kernel/loads.ts'
import type { SystemMessage, WorkerOrder } from '../kernel/message.ts'
import { askerOf } from './askers.ts'
import type { Launch, Parent } from './beginning.ts'
import type { LateCaller } from './late-caller.ts'
import { type Fence, type LaunchOrigin, originOf } from './life.ts'
import { LATER, type Orders } from './orders.ts'
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

/** A launch that a message has ordered: its sender is told how it went. */
class OrderedLaunch implements Launch {
  readonly url: string
  readonly args: readonly unknown[]
  readonly caller: LateCaller | undefined
  readonly origin: LaunchOrigin
  readonly parent: Parent | undefined
  isGivenUp = false
  readonly setups: readonly WaitingSetup[] | undefined
  readonly fence: Fence | undefined
  readonly #message: SystemMessage
  readonly #orders: Orders
  readonly #host: LaunchOrdersHost

  constructor(message: SystemMessage, order: LaunchOrder, orders: Orders, host: LaunchOrdersHost) {
    const { source } = message
    // Whoever has no name at all, as nearly all that launch, is told by less than a look for it.
    const isManager = host.handles.isNamed(source) && host.names.query('.service') === source
    this.url = order.url
    this.args = order.args
    this.caller = message.binder as LateCaller | undefined
    this.origin = originOf(isManager, order.onFault ?? 'log')
    this.parent = order.isChild ? { handle: source, asker: askerOf(message) } : undefined
    this.setups = order.setups
    this.fence = order.fence
    this.#message = message
    this.#orders = orders
    this.#host = host
  }

  onReady(handle: number): void {
    this.#orders.reply(this.#message, handle)
  }

  onFailure(error: SkynetError): void {
    if (this.#message.session === 0) this.#host.say(0, describe(error))
    else this.#orders.fail(this.#message, error)
  }
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
  orders.add<LaunchOrder>('launch', (message, order) => {
    // Meant for the worker that was here before: whoever ordered it was told of its death.
    if (order.place === host.place) host.launch(new OrderedLaunch(message, order, orders, host))
    return LATER
  })
  // URL and handle of each.
  orders.add('uniques', () => {
    const uniques = [...host.services()].filter(({ origin }) => origin.isUnique)
    return uniques.map(({ url, handle }) => [url, handle])
  })
}
