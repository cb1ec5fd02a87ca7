/** Which features a worker has: the messages that each of them handles, and its orders. */

import { addMessageLogOrders } from '../debug/message-log.ts'
import { type WorkerStats, workerStats } from '../debug/stats.ts'
import type { Message } from '../kernel/message.ts'
import { addMailboxOrders } from '../service/inbox.ts'
import { addLaunchOrders } from '../service/launch-order.ts'
import type { LogLedger } from '../service/log-ledger.ts'
import { addLogRows } from '../service/log-rows.ts'
import { killHome } from '../service/ordering.ts'
import type { Orders } from '../service/orders.ts'
import { addProfileOrders } from '../service/profile.ts'
import type { Runtime } from '../service/runtime.ts'
import type { MessageRows, Service } from '../service/service.ts'
import type { Services } from '../service/services.ts'
import { knownSubscriptions } from '../sharing/subscription.ts'
import { orphaned, poolOf, socketsOf } from '../sockets/pool.ts'
import type { SocketMessage } from '../sockets/socket-message.ts'
import { addHoldingOrders } from '../supervision/holding.ts'
import { addSupervisionOrders } from '../supervision/monitor.ts'
import { addSignalOrders } from '../supervision/signals.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Site } from './site.ts'

export interface FeaturesOptions {
  readonly orders: Orders
  readonly rows: MessageRows
  readonly services: Services
  readonly runtime: Runtime
  readonly site: Site
  readonly ledger: LogLedger
}

/** What the main thread asks of the features of a worker. */
export interface Features {
  /** Run stop hooks for at most `graceMs`, while services go on, but let nothing new in. */
  drain(graceMs: number): Promise<void>
  stats(): WorkerStats
}

export function addFeatures({
  orders,
  rows,
  services,
  runtime,
  site,
  ledger,
}: FeaturesOptions): Features {
  const { launching } = runtime
  const find = (handle: number): Service | undefined => services.get(handle)
  const all = (): Iterable<Service> => services.values()
  const isLost = (order: Message): boolean => runtime.isLost(order)
  const kill = (handle: number): void => killHome(runtime, handle)

  const { client } = site
  rows[PTYPE.SOCKET] = {
    receive: (service, message) => poolOf(service, client).receive(message as SocketMessage),
    left: (message) => orphaned(client, message as SocketMessage),
  }
  rows[PTYPE.MULTICAST] = {
    receive: (service, message) => knownSubscriptions(service)?.receive(message),
  }
  addLogRows(rows, ledger)

  const folder = (): unknown => site.env.get('logpath')
  const { loads, worker } = runtime
  const { names } = site
  const place = loads.placeOf(worker)
  addLaunchOrders(orders, {
    place,
    handles: runtime.handles,
    names,
    services: all,
    launch: (launch) => launching.launch(launch),
    say: (handle, text) => launching.say(handle, text),
  })
  addMailboxOrders(orders, { find, isLost })
  addSupervisionOrders(orders, { find, all, isLost, kill, launching })
  addSignalOrders(orders, find)
  addHoldingOrders(orders, find)
  addMessageLogOrders(orders, { find, folder })
  addProfileOrders(orders, { find, all, launching })
  const stats = (): WorkerStats =>
    workerStats({ worker: site.worker, timers: runtime.wheel.timers, services: all, socketsOf })
  orders.add('stats', stats)

  const drain = (graceMs: number): Promise<void> => {
    runtime.drain()
    return site.stopHooks.run(graceMs)
  }
  return { drain, stats }
}
