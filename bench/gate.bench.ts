/** Messages through gate and agent and back, beside a server on node:net that answers each. */
import type { EchoLoad } from './load/echo.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import { askService, startNode } from './support/sides.ts'

type Shape = Pick<EchoLoad, 'connections' | 'bytes' | 'pipelined' | 'isFramed'>

const SHAPES: readonly { readonly what: string; readonly shape: Shape }[] = [
  { what: '50 clients, 16 messages of 64 B', shape: framed(50, 64, 16) },
  { what: '50 clients, 1 message of 64 B', shape: framed(50, 64, 1) },
]

export const gate: Bench = {
  name: 'gate',
  help: 'messages through gate and agent and back, and by node:net',
  async run(options) {
    await using load = await Child.start('load/main.js', [], options)
    await using node = await startNode('services/gate-echo.js', 1, options)
    await using net = await Child.start('peers/net-echo.js', [], options)
    const port = await askService<number>(node, 'port')
    const netPort = await net.request<number>('framedPort')
    const side = (name: string, at: number, shape: Shape): Side => ({
      name,
      measure: () => measure(load, options, { host: '127.0.0.1', port: at, ...shape }),
    })
    const rows: Row[] = []
    for (const { what, shape } of SHAPES) {
      const ours = side('skynet-ts', port, shape)
      const others = [side('node:net', netPort, shape)]
      rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
    }
    return rows
  },
}

function framed(connections: number, bytes: number, pipelined: number): Shape {
  return { connections, bytes, pipelined, isFramed: true }
}

function measure(
  load: Child,
  { seconds, warmSeconds }: BenchOptions,
  shape: Omit<EchoLoad, 'seconds' | 'warmSeconds'>,
): Promise<Measure> {
  return load.request<Measure>('echo', { ...shape, seconds, warmSeconds })
}
