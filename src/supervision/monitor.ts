/** Being told how another service ended, and ending with it: orders that its end answers. */
import { isSkynetError } from '../base/errors.ts'
import type { Message, WorkerOrder } from '../kernel/message.ts'
import { askerOf } from '../service/askers.ts'
import type { Parent } from '../service/beginning.ts'
import type { Launching } from '../service/launching.ts'
import { type Ending, type ExitReason, isMeant } from '../service/life.ts'
import { askHome, type OrderingHost, orderHome } from '../service/ordering.ts'
import { LATER, type OrderAbout, type Orders } from '../service/orders.ts'
import { checkWait, WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import { type KinHost, kinOf, knownKin } from './kin.ts'

/** What a service that is concerned by the end of others needs. */
export interface FollowHost extends OrderingHost, KinHost {
  end(reason: ExitReason): Promise<void>
  readonly runtime: OrderingHost['runtime']
}

/** Answered, with an Ending, when that service has ended. */
interface MonitorOrder extends OrderAbout {
  readonly order: 'monitor'
}
/** Whoever orders this ends with that service, its supervisor. */
interface AdoptOrder extends OrderAbout {
  readonly order: 'adopt'
}
/** Whoever orders this, a child of that service, has ended. */
interface DisownOrder extends OrderAbout {
  readonly order: 'disown'
}
/** That service ends when whoever orders this ends, unless that was meant. */
interface LinkOrder extends OrderAbout {
  readonly order: 'link'
}
/** A supervisor waits no more for the child whose launch it has ordered under that session. */
export interface CancelOrder extends WorkerOrder {
  readonly order: 'cancel'
  readonly session: number
}

/** Resolves once, when the service of `handle` has ended; at once when there is none. */
export async function monitor(
  service: OrderingHost,
  handle: number,
  options?: WaitOptions,
): Promise<Ending> {
  checkWait('monitor', options)
  if (service.runtime.handles.workerOf(handle) < 0) return { handle, reason: 'gone' }
  try {
    const order: MonitorOrder = { order: 'monitor', handle }
    return (await askHome(service, order, new WaitLimits({ timeoutMs: 0, ...options }))) as Ending
  } catch (error) {
    if (!isSkynetError(error, 'ERR_CALL_DEAD')) throw error
    // Without a cause it had ended before the order could be sent.
    if (error.cause === undefined) return { handle, reason: 'gone' }
    return { handle, reason: 'worker died', cause: error.cause }
  }
}

/** End `service` when the other one ends and that was not meant. Once is enough, however often. */
export function follow(service: FollowHost, handle: number): void {
  const { followed } = kinOf(service)
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

/** Let each of two end when the other one does. */
export function link(service: FollowHost, handle: number): void {
  const order: LinkOrder = { order: 'link', handle }
  orderHome(service.runtime, service.handle, 0, order)
  follow(service, handle)
}

/**
 * `service` is a child of the supervisor `parent`: it ends when that has ended, whatever came over
 * it. So no child is left behind, not by one that is killed, nor by one whose worker dies: that is
 * heard by the worker of the child. It is no call, as its end is nothing that the child waits for.
 */
export function endWith(service: KinHost, parent: Parent): void {
  kinOf(service).parent = parent
  const order: AdoptOrder = { order: 'adopt', handle: parent.handle }
  const isThere = orderHome(service.runtime, service.handle, 0, order)
  if (!isThere) void service.end('kill')
}

/** What the orders need of the worker that takes them. */
export interface SupervisionHost {
  readonly launching: Launching
  find(handle: number): FollowHost | undefined
  all(): Iterable<FollowHost>
  /** Who gave the order went with its worker, and the news of that has come. */
  isLost(order: Message): boolean
  /** End a service, wherever it lives, and wait for nothing. */
  kill(handle: number): void
}

export function addSupervisionOrders(orders: Orders, host: SupervisionHost): void {
  orders.add<MonitorOrder>('monitor', (message, { handle }) => {
    const service = host.find(handle)
    if (service === undefined) return { handle, reason: 'gone' } satisfies Ending
    if (!host.isLost(message)) kinOf(service).watch(message)
    return LATER
  })
  orders.add<AdoptOrder>('adopt', ({ source }, { handle }) => {
    const service = host.find(handle)
    if (service === undefined) host.kill(source)
    else kinOf(service).adopt(source)
    return LATER
  })
  orders.add<DisownOrder>('disown', ({ source }, { handle }) => {
    const service = host.find(handle)
    if (service !== undefined) knownKin(service)?.children.delete(source)
    return LATER
  })
  orders.add<LinkOrder>('link', ({ source }, { handle }) => {
    const service = host.find(handle)
    if (service !== undefined) follow(service, source)
    return LATER
  })
  // A supervisor has given up a launch: what comes of it would be nobody's.
  orders.add<CancelOrder>('cancel', ({ source }, { session }) => {
    const asker = askerOf({ source, session })
    host.launching.giveUp(asker)
    for (const service of host.all()) {
      if (knownKin(service)?.parent?.asker === asker) void service.end('kill')
    }
    return LATER
  })
}
