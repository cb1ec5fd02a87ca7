/** What may be asked of a worker itself, and asking it. */
import { type Place, workerAt } from '../kernel/loads.ts'
import type { Runtime } from './runtime.ts'
import type { Service } from './service.ts'
import type { WaitingSetup } from './setup.ts'
import { checkWait, type WaitOptions } from './wait-options.ts'

/** See `Service.refuseCircle`. */
export interface CircleOrder {
  readonly order: 'circle'
  readonly handle: number
  /** Of the call that is to be refused. */
  readonly session: number
  /** Short paths: who called, then each that waits for the next, up to who called. */
  readonly circle: readonly string[]
}

export interface LaunchOrder {
  readonly order: 'launch'
  readonly url: string
  readonly args: readonly unknown[]
  /** Whom it was counted for. */
  readonly place: Place
  readonly onFault?: 'log' | 'end'
  /** It ends with whoever launches it: see `endWith`. */
  readonly isChild?: boolean
  /** Those that wait for this launch, each for the next: see `Service.setups`. */
  readonly setups?: readonly WaitingSetup[]
}

export type WorkerOrder =
  | LaunchOrder
  | CircleOrder
  | { readonly order: 'kill' | 'logOn' | 'logOff'; readonly handle: number }
  | { readonly order: 'signal'; readonly handle: number; readonly number: number }
  /** Answered with a MailboxState, or when that mailbox has room. */
  | { readonly order: 'mailbox' | 'room'; readonly handle: number }
  /** Answered, with an Ending, when that service has ended. */
  | { readonly order: 'monitor'; readonly handle: number }
  /** Whoever ordered `room` or `monitor` under that session waits no more. */
  | { readonly order: 'giveUp'; readonly handle: number; readonly session: number }
  /** A supervisor waits no more for the child whose launch it has ordered under that session. */
  | { readonly order: 'cancel'; readonly session: number }
  /** Whoever orders this ends with that service, its supervisor. */
  | { readonly order: 'adopt'; readonly handle: number }
  /** Whoever orders this, a child of that service, has ended. */
  | { readonly order: 'disown'; readonly handle: number }
  /** That service ends when whoever orders this ends, unless that was meant. */
  | { readonly order: 'link'; readonly handle: number }
  /** Answered with URL and handle of each unique service. */
  | { readonly order: 'uniques' }
  /** Answered with WorkerStats. */
  | { readonly order: 'stats' }
  /** Of one service, or of all: handle 0. */
  | { readonly order: 'profile'; readonly handle: number; readonly isOn: boolean }

/** Order something of a worker, as it is now, and wait for its answer. */
export function orderOf(
  service: Service,
  place: Place,
  order: WorkerOrder,
  what: string = order.order,
  options: WaitOptions = { timeoutMs: 0 },
): Promise<unknown> {
  const { router, options: shared } = service.runtime
  const give = (what: WorkerOrder, session: number): void =>
    router.sendToWorker(workerAt(place), service.handle, session, what)
  let hasLeft = false
  const send = (session: number): boolean => {
    // Looked at behind the count: see the protocol in kernel/loads.ts.
    if (!shared.loads.isOpen(place)) return false
    give(order, session)
    hasLeft = true
    return true
  }
  const isChild = order.order === 'launch' && order.isChild === true
  const giveUp = (session: number): void => give({ order: 'cancel', session }, 0)
  const answer = service.request(what, -1 - place, options, send, isChild ? { giveUp } : undefined)
  // It was counted in vain: it cannot be sent, its signal had aborted, the worker is closed, or who
  // orders it has ended.
  if (!hasLeft && order.order === 'launch') shared.loads.remove(place)
  return answer
}

/** Ask for something of the mailbox of a service, wherever it lives. */
export function askMailbox(
  service: Service,
  what: 'mailbox' | 'room',
  address: number | string,
  options: WaitOptions | undefined,
): Promise<unknown> {
  checkWait(what, options)
  const handle = service.runtime.knownHandle(address)
  return askHome(service, { order: what, handle }, options)
}

/** Order something about a service of the worker where it lives. False: there is none. */
export function orderHome(
  { options, router }: Runtime,
  source: number,
  session: number,
  order: WorkerOrder & { readonly handle: number },
): boolean {
  const home = options.handles.workerOf(order.handle)
  if (home >= 0) router.sendToWorker(home, source, session, order)
  return home >= 0
}

/** The same, and wait for its answer. */
export function askHome(
  service: Service,
  order: WorkerOrder & { readonly handle: number },
  options: WaitOptions | undefined,
): Promise<unknown> {
  const { runtime, handle: source } = service
  const { handle } = order
  const giveUp = (session: number): void =>
    void orderHome(runtime, source, 0, { order: 'giveUp', handle, session })
  const send = (session: number): boolean => orderHome(runtime, source, session, order)
  return service.request(order.order, handle, options, send, { giveUp, isOrder: true })
}
