/** Connections that come and go: accepted, and closed by the server. */
import type { AcceptLoad } from './load/accept.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { contestByCpu, type Served } from './support/by-cpu.ts'
import { Child } from './support/child.ts'
import { askService, startNode } from './support/sides.ts'

/** Under way at a time: fewer than any backlog, so that none is asked twice. */
const CONCURRENT = 64

/** How the server closes, as services/closer.ts and peers/net-closer.ts call it. */
const WAYS = [
  { way: 'close', what: 'accepted, closed', bytes: 0 },
  { way: 'cut', what: 'accepted, closed at once', bytes: 0 },
  { way: 'exchange', what: 'accepted, 64 B echoed, closed', bytes: 64 },
] as const

export const accept: Bench = {
  name: 'accept',
  help: 'connections accepted and closed by the server',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using load = await Child.start('load/main.js', [], options)
  await using node = await startNode('services/closer.js', 1, options)
  await using net = await Child.start('peers/net-closer.js', [], options)
  const rows: Row[] = []
  for (const { way, what, bytes } of WAYS) {
    const served = (name: string, server: Child, port: number): Served => {
      const target: Omit<AcceptLoad, 'seconds'> = {
        host: '127.0.0.1',
        port,
        concurrent: CONCURRENT,
        bytes,
        warmSeconds: 0,
      }
      return {
        name,
        server,
        load: (seconds) => load.request<Measure>('accept', { ...target, seconds }),
      }
    }
    // The load generator needs most of a core: how fast the server is shows beside what it uses.
    const ours = served('skynet-ts', node, await askService<number>(node, way))
    const other = served('node:net', net, await net.request<number>(way))
    rows.push(...(await contestByCpu(what, ours, other, options)))
  }
  return rows
}
