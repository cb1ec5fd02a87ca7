/** Memory of a connection that is open and silent. */
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import { descriptorsMax } from './support/descriptors.ts'
import { askService, startNode } from './support/sides.ts'

const CONNECTIONS = 10_000
/** What a process needs beside the connections. */
const DESCRIPTORS_SPARE = 200

export const idle: Bench = {
  name: 'idle',
  help: 'memory of the server process for each idle connection that has been served once',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  const wanted = options.isQuick ? 100 : CONNECTIONS
  const connections = Math.min(wanted, descriptorsMax() - DESCRIPTORS_SPARE)
  await using load = await Child.start('load/main.js', [], options)
  /** Fresh each time: a process that has grown hides what is added. */
  const ours: Side = {
    name: 'skynet-ts',
    measure: async () => {
      await using node = await startNode('services/echo.js', 1, options)
      return await grown(node, await askService<number>(node, 'port'), load, connections)
    },
  }
  const net: Side = {
    name: 'node:net',
    measure: async () => {
      await using child = await Child.start('peers/net-echo.js', [], options)
      return await grown(child, await child.request<number>('port'), load, connections)
    },
  }
  const what = `${connections} connections`
  const rounds = Math.min(options.rounds, 3)
  return await contest({ what, unit: 'bytes', ours, others: [net] }, { rounds })
}

async function grown(
  server: Child,
  port: number,
  load: Child,
  connections: number,
): Promise<Measure> {
  const before = await server.request<number>('rss')
  const completed = await load.request<number>('hold', { host: '127.0.0.1', port, connections })
  const after = await server.request<number>('rss')
  await load.request('release')
  return { completed, value: Math.max(after - before, 1) / completed }
}
