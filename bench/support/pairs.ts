/** Pairs of processes of which one asks the other, over this or that. */
import type { Way } from '../../test/support/cluster-ways.ts'
import type { BenchOptions, Measure } from './bench.ts'
import { Child } from './child.ts'
import type { Writes } from './json-rpc.ts'
import { askService, startNode } from './sides.ts'

export interface Pair extends AsyncDisposable {
  readonly name: string
  ask(what: string, params: object): Promise<Measure>
  /** Of both, all their threads, so far. */
  cpuMs(): Promise<number>
}

/** A node that the machine holds for a second is slow, which the figure shows: it is not gone. */
const LEASE_MS = 30_000

/** A node asks another. */
export async function nodes(name: string, way: Way, options: BenchOptions): Promise<Pair> {
  const start = (service: string, node: string): Promise<Child> =>
    startNode(`services/${service}.js`, 1, options, {
      cluster: { ...way.configOf(node), leaseMs: LEASE_MS },
    })
  const answering = await start('cluster-answerer', 'a')
  const asking = await start('cluster-asker', 'b')
  return pairOf(name, asking, answering, (what, params) => askService(asking, what, params))
}

export async function jsonRpc(name: string, writes: Writes, options: BenchOptions): Promise<Pair> {
  const answering = await Child.start('peers/json-rpc.js', [writes], options)
  const port = await answering.request<number>('port')
  const asking = await Child.start('peers/json-rpc.js', [writes, `${port}`], options)
  return pairOf(name, asking, answering)
}

export async function natsRequest(port: number, options: BenchOptions): Promise<Pair> {
  const start = (...more: readonly string[]): Promise<Child> =>
    Child.start('peers/nats-request.js', [`${port}`, ...more], options)
  const answering = await start()
  return pairOf('nc.request', await start('ask'), answering)
}

function pairOf(
  name: string,
  asking: Child,
  answering: Child,
  ask: Pair['ask'] = (what, params) => asking.request<Measure>(what, params),
): Pair {
  return {
    name,
    ask,
    async cpuMs() {
      const both = [asking, answering].map((child) => child.request<number>('cpuMs'))
      return (await both[0]!) + (await both[1]!)
    },
    async [Symbol.asyncDispose]() {
      await asking[Symbol.asyncDispose]()
      await answering[Symbol.asyncDispose]()
    },
  }
}
