/**
 * What nodes of Skynet ask of the node with their master, by the global names `SERVICE` and
 * `DATACENTER`. None of them begins its first service before `SERVICE` has answered.
 */
import type { Methods, ServiceDefinition } from '../modules/definition.ts'
import type { DataPath } from '../sharing/datacenter.ts'
import type { Skynet } from '../skynet/skynet.ts'

type DeskName = 'SERVICE' | 'DATACENTER'
type DeskDefinition = ServiceDefinition<readonly [name: DeskName], Methods, Skynet>

/** Launch them, and tell the handle of each. */
export async function openDesks(
  skynet: Skynet,
  opened: (name: DeskName, handle: number) => void,
): Promise<void> {
  for (const name of ['SERVICE', 'DATACENTER'] as const) {
    const options = { args: [name], on: 'same' } as const
    opened(name, (await skynet.newService<DeskDefinition>('harbor-desk', options)).handle)
  }
}

/** Services that are unique in all harbors: Skynet's `skynet.uniqueservice(true, …)`. */
export function serviceDesk() {
  const unique = (name: unknown): never => {
    throw new Error(`a master of ours launches no services for all harbors: ${String(name)}`)
  }
  return {
    /** The `.service` of a node is there. */
    REPORT: (): void => {},
    LAUNCH: unique,
    QUERY: unique,
    LIST: () => ({}),
  }
}

/** The datacenter of this node, for all harbors: Skynet's `skynet.datacenter`. */
export function datacenterDesk(skynet: Skynet) {
  const { datacenter } = skynet
  return {
    QUERY: (...path: unknown[]) => datacenter.get(...(path as unknown as DataPath)),
    UPDATE: (...args: unknown[]) =>
      datacenter.set(...(args as unknown as [...path: DataPath, value: unknown])),
    WAIT: (...path: unknown[]) => datacenter.wait(...(path as unknown as DataPath)),
  }
}
