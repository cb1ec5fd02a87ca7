/**
 * Services that must not act for a while, or no more: the one of a cluster whose node does not hear
 * the cluster. Others may have decided meanwhile that it is dead, and begun another one.
 */
import { SkynetError } from '../base/errors.ts'
import type { Context } from '../kernel/context.ts'
import type { Fence } from '../service/life.ts'
import { LATER, type OrderAbout, type Orders } from '../service/orders.ts'

/** That service handles nothing that comes, or again all that has come. */
export interface HoldOrder extends OrderAbout {
  readonly order: 'hold'
  readonly isOn: boolean
}

/** That service has been overtaken by another one, and ends. */
export interface FenceOrder extends OrderAbout {
  readonly order: 'fence'
  readonly name: string
  readonly token: Fence
  readonly current: Fence | undefined
}

/** That service ends in order, as another one will begin elsewhere. Answered when it has ended. */
export interface HandOverOrder extends OrderAbout {
  readonly order: 'handOver'
}

export interface HeldService {
  readonly context: Context
  readonly runtime: { readonly scheduler: { hold(context: Context, isOn: boolean): void } }
  crash(cause: unknown): void
  end(reason: 'stop'): Promise<void>
}

export function addHoldingOrders(
  orders: Orders,
  find: (handle: number) => HeldService | undefined,
): void {
  orders.add<HoldOrder>('hold', (_message, { handle, isOn }) => {
    const service = find(handle)
    service?.runtime.scheduler.hold(service.context, isOn)
    return LATER
  })
  orders.add<HandOverOrder>('handOver', (message, { handle }) => {
    const service = find(handle)
    if (service === undefined) return true
    void service.end('stop').then(() => orders.reply(message, true))
    return LATER
  })
  orders.add<FenceOrder>('fence', (_message, { handle, name, token, current }) => {
    find(handle)?.crash(new SkynetError('ERR_FENCED', { name, token, current }))
    return LATER
  })
}
