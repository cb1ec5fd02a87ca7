/** The border of the worker on which the service of the cluster lives. */
import { BORDER_SWEEP_MS } from '../base/limits.ts'
import { spareMemory } from '../base/spare-memory.ts'
import { type Part, PartKey } from '../service/part.ts'
import { Repeats } from '../service/repeats.ts'
import { Skynet } from '../skynet/skynet.ts'
import { type BorderOptions, ClusterBorder } from './border.ts'

export type BorderParts = Pick<
  BorderOptions,
  'self' | 'links' | 'callTimeoutMs' | 'owners' | 'storeLost' | 'proxiesMax'
>

const KEY = new PartKey<Part>()

/** For the service of the cluster, by which it asks and is told of the workers of its node. */
export function borderOn(skynet: Skynet, parts: BorderParts): ClusterBorder {
  const service = Skynet.serviceOf(skynet)
  const { names, worker, multicast } = Skynet.siteOf(skynet)
  const more = (count: number): string => `${count} more messages of other nodes are like that`
  const border = new ClusterBorder({
    ...parts,
    service,
    worker,
    names,
    multicast,
    now: () => skynet.now(),
    complain: (text) => skynet.error(text),
    complaints: new Repeats(service, more, 'error'),
  })
  border.channels.endMirrors()
  const { orders } = service.runtime
  orders.elsewhere = (message, order) => border.order(message, order)
  service.addPart(KEY, {
    workerDied: (dead) => border.workerDied(dead),
    ended: () => {
      orders.elsewhere = undefined
    },
  })
  skynet.interval(BORDER_SWEEP_MS, () => {
    border.sweep()
    spareMemory.tick()
  })
  return border
}
