/** Which unique services there are, asked of every worker: for a manager that has none to ask. */

import type { WorkerOrder } from '../kernel/message.ts'
import { orderOf } from '../service/ordering.ts'
import { Skynet } from './skynet.ts'

const UNIQUES: WorkerOrder = { order: 'uniques' }

/** URL and handle of each. */
export async function uniqueInstances(skynet: Skynet): Promise<[url: string, handle: number][]> {
  const service = Skynet.serviceOf(skynet)
  const { loads } = service.runtime
  const answers = loads
    .inUse()
    .map((worker) => orderOf(service, loads.placeOf(worker), UNIQUES).catch(() => []))
  return (await Promise.all(answers)).flat() as [string, number][]
}
