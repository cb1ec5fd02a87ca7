/** Ordering something of a worker itself, this one or another, and waiting for the answer. */
import { isSkynetError } from '../base/errors.ts'
import type { Handles } from '../kernel/handles.ts'
import { type Loads, type Place, workerAt } from '../kernel/loads.ts'
import type { WorkerOrder } from '../kernel/message.ts'
import type { Router } from '../kernel/router.ts'
import type { Requester, RequestTraits } from './calls.ts'
import type { OrderAbout } from './orders.ts'
import { checkWait, type WaitOptions } from './wait-options.ts'

/** What orders need of the worker from which they are given. */
export interface OrderingRuntime {
  readonly handles: Handles
  readonly loads: Loads
  readonly router: Router
}

/** What orders need of the service that gives them. */
export interface OrderingHost extends Requester {
  readonly handle: number
  readonly runtime: OrderingRuntime
}

/** What an order to a worker is, beside its message. */
export interface OrderTraits {
  /** What it is called in errors and lists; else by its name. */
  readonly title?: string | undefined
  /** Ordered in its place when nobody waits for its answer any more. */
  readonly undo?: ((session: number) => WorkerOrder) | undefined
  /** It was counted in `loads`: not so, if that worker is closed, or who orders it has given up. */
  readonly isCounted?: boolean
}

const PLAIN: OrderTraits = {}

/** Order something of a worker, as it is now, and wait for its answer. */
export function orderOf(
  service: OrderingHost,
  place: Place,
  order: WorkerOrder,
  options: WaitOptions = { timeoutMs: 0 },
  { title = order.order, undo, isCounted = false }: OrderTraits = PLAIN,
): Promise<unknown> {
  const { router, loads } = service.runtime
  let hasLeft = false
  const send = (session: number): boolean => {
    // Looked at behind the count: see the protocol in kernel/loads.ts.
    if (!loads.isOpen(place)) return false
    router.sendToWorker(workerAt(place), service.handle, session, order)
    hasLeft = true
    return true
  }
  const more = undo && undoing(service, place, undo)
  const answer = service.request(title, -1 - place, options, send, more)
  if (isCounted && !hasLeft) loads.remove(place)
  return answer
}

/** Apart from `orderOf`: few orders are undone. */
function undoing(
  { runtime, handle }: OrderingHost,
  place: Place,
  undo: (session: number) => WorkerOrder,
): RequestTraits {
  const giveUp = (session: number): void =>
    runtime.router.sendToWorker(workerAt(place), handle, 0, undo(session))
  return { giveUp }
}

/** Order something about a service of the worker where it lives. False: there is none. */
export function orderHome(
  { handles, router }: Pick<OrderingRuntime, 'handles' | 'router'>,
  source: number,
  session: number,
  order: OrderAbout,
): boolean {
  const home = handles.workerOf(order.handle)
  if (home >= 0) router.sendToWorker(home, source, session, order)
  return home >= 0
}

/** End a service, wherever it lives, and wait for nothing. */
export function killHome(
  runtime: Pick<OrderingRuntime, 'handles' | 'router'>,
  handle: number,
): void {
  orderHome(runtime, 0, 0, { order: 'kill', handle })
}

/** Whoever waited for an order about that service, under that session, waits no more. */
export interface GiveUpOrder extends OrderAbout {
  readonly order: 'giveUp'
  readonly session: number
}

/** As `orderHome`, and wait for the answer. */
export function askHome(
  service: OrderingHost,
  order: OrderAbout,
  options: WaitOptions | undefined,
): Promise<unknown> {
  const { runtime, handle: source } = service
  const { handle } = order
  const giveUp = (session: number): void => {
    const undo: GiveUpOrder = { order: 'giveUp', handle, session }
    orderHome(runtime, source, 0, undo)
  }
  const send = (session: number): boolean => orderHome(runtime, source, session, order)
  return service.request(order.order, handle, options, send, { giveUp, isAnsweredInSetup: true })
}

/**
 * Ask the worker on which a service lives for something. False: there is no such service. Throws at
 * once or later.
 */
export function askAbout(
  service: OrderingHost,
  order: OrderAbout,
  options: WaitOptions | undefined,
): Promise<boolean> {
  checkWait(order.order, options)
  if (service.runtime.handles.workerOf(order.handle) < 0) return Promise.resolve(false)
  return askHome(service, order, options).catch((error: unknown) => {
    if (!isSkynetError(error, 'ERR_CALL_DEAD')) throw error
    // Without a cause it had ended before the order could be sent.
    if (error.cause === undefined) return false
    // Whose end was ordered was there, and went with its worker.
    if (order.order === 'kill') return true
    throw error
  }) as Promise<boolean>
}
