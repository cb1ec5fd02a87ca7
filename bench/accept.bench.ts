/** Connections that come and go: accepted, and closed by the server. */
import type { AcceptLoad } from './load/accept.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side, twofold } from './support/contest.ts'
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
  const unit = '/s' as const
  const rows: Row[] = []
  for (const { way, what, bytes } of WAYS) {
    const side = (name: string, server: Child, port: number): readonly [Side, Side] => {
      const target = { host: '127.0.0.1', port, concurrent: CONCURRENT, bytes }
      return twofold(name, () => measure(load, server, target, options))
    }
    const [ours, oursCpu] = side('skynet-ts', node, await askService<number>(node, way))
    const [other, otherCpu] = side('node:net', net, await net.request<number>(way))
    rows.push(...(await contest({ what, unit, ours, others: [other] }, options)))
    // The load generator needs most of a core: how fast the server is shows beside what it uses.
    const perCpu = { what: `${what}: per second of CPU`, unit, ours: oursCpu, others: [otherCpu] }
    rows.push(...(await contest(perCpu, options)))
  }
  return rows
}

/** @returns Connections by the clock, and by CPU time of all threads of the server. */
async function measure(
  load: Child,
  server: Child,
  target: Omit<AcceptLoad, 'seconds' | 'warmSeconds'>,
  { seconds, warmSeconds }: BenchOptions,
): Promise<readonly [Measure, Measure]> {
  await load.request('accept', { ...target, seconds: warmSeconds, warmSeconds: 0 })
  const before = await server.request<number>('cpuMs')
  const byClock = await load.request<Measure>('accept', { ...target, seconds, warmSeconds: 0 })
  const cpuMs = (await server.request<number>('cpuMs')) - before
  const { completed } = byClock
  return [byClock, { completed, value: (completed * 1000) / cpuMs }]
}
