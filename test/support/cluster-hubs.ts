/** Nodes of one cluster in the process of a test, on each a service that does what is asked. */
import type { TestContext } from 'node:test'
import { type NodeConfig, resolveConfig } from 'skynet-ts/node'
import type { ClusterParts } from '../../src/cli/cluster-config.ts'
import type { HubService } from '../fixtures/cluster-node.ts'
import { freePort } from './free-port.ts'
import { TestNode } from './node.ts'
import { until } from './until.ts'

const START = new URL('../fixtures/cluster-node.js', import.meta.url).href

/** For tests in which nobody dies: however busy the machine is, nobody seems to. */
export const CALM = { leaseMs: 20_000 }

/** A node that stops has the time to say so, however busy the machine is. */
const EXIT_MS = 20_000

type Cluster = NonNullable<NodeConfig['cluster']>
type Given = ClusterParts

/** Of each node, by its name, what its config has besides the seed: the first one is that. */
export async function startHubs(
  t: TestContext,
  given: Readonly<Record<string, Given>>,
  ways: Given = {},
) {
  const names = Object.keys(given)
  const seed = `127.0.0.1:${await freePort()}`
  const overTcp = (name: string): Given => ({
    seed,
    listen: names[0] === name ? seed : '127.0.0.1:0',
  })
  const start = async (name: string, more: Given = {}): Promise<TestNode> => {
    const tcp = ways.transport === 'nats' ? {} : overTcp(name)
    const parts: Given = { name, leaseMs: 1000, ...tcp, ...ways, ...given[name], ...more }
    const cluster = parts as Cluster
    return TestNode.start((_, logger) =>
      resolveConfig({ start: START, thread: 2, logger, exitMs: EXIT_MS, cluster }),
    )
  }
  const running = new Map<string, TestNode>()
  t.after(() => Promise.all([...running.values()].map((node) => node.stop())))
  for (const name of names) running.set(name, await start(name))
  const hub = (name: string) => running.get(name)!.node.ref<HubService>('.hub').call
  for (const name of names) {
    await until(`${name} knows all`, async () => (await hub(name).nodes()).length === names.length)
  }
  const stop = async (name: string): Promise<void> => {
    const node = running.get(name)!
    running.delete(name)
    await node.stop()
  }
  const restart = async (name: string): Promise<void> => void running.set(name, await start(name))
  /** Another process, as it were, that has the name of one that runs. */
  const second = (name: string, more: Given = {}): Promise<TestNode> =>
    start(name, ways.transport === 'nats' ? more : { listen: '127.0.0.1:0', ...more })
  return { hub, stop, restart, second, log: (name: string) => running.get(name)!.log() }
}
