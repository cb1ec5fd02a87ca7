/** Which unique services there are, asked of every worker: for a manager that has none to ask. */
import { Skynet } from './skynet.ts'
import { orderOf } from './worker-order.ts'

/** URL and handle of each. */
export async function uniqueInstances(skynet: Skynet): Promise<[url: string, handle: number][]> {
  const service = Skynet.serviceOf(skynet)
  const { loads } = service.runtime.options
  const answers = loads
    .inUse()
    .map((worker) => orderOf(service, loads.placeOf(worker), { order: 'uniques' }).catch(() => []))
  return (await Promise.all(answers)).flat() as [string, number][]
}
