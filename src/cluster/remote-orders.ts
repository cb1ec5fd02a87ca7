/**
 * Orders about services of other nodes: `kill`, `link`, `mailbox` … go to the worker of a service,
 * and so to that of the cluster when it is a proxy. They travel as messages of type SYSTEM to the
 * service that they are about.
 */
import type { OrderAbout } from '../service/orders.ts'

/** Those that may come from another node. */
const ORDERS: ReadonlySet<string> = new Set([
  'kill',
  'link',
  'mailbox',
  'room',
  'signal',
  'giveUp',
  'logOn',
  'logOff',
])

export const mayTravel = ({ order }: { readonly order: string }): boolean => ORDERS.has(order)

/** An order of a peer, about that service here. Undefined: none that may be given. */
export function orderFor(value: unknown, handle: number): OrderAbout | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { order } = value as OrderAbout
  if (typeof order !== 'string' || !ORDERS.has(order)) return undefined
  return { ...value, order, handle }
}
