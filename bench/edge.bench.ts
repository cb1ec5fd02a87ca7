/** What edge-triggered epoll would give: the same loop on either, and nothing around it. */
import type { EchoLoad } from './load/echo.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'

const SHAPES: readonly (readonly [string, Pick<EchoLoad, 'connections' | 'bytes'>])[] = [
  ['50 connections, 64 B', { connections: 50, bytes: 64 }],
  ['500 connections, 64 B', { connections: 500, bytes: 64 }],
  ['50 connections, 4 KiB', { connections: 50, bytes: 4096 }],
]

export const edge: Bench = {
  name: 'edge',
  help: 'messages echoed by one loop on level-triggered epoll, as ours is, and on edge-triggered',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  // Only Linux has both.
  if (process.platform !== 'linux') return []
  await using load = await Child.start('load/main.js', [], options)
  await using level = await Child.start('peers/loop-echo.js', ['epoll'], options)
  await using edgeTriggered = await Child.start('peers/loop-echo.js', ['epoll-edge'], options)
  const { seconds, warmSeconds } = options
  const rows: Row[] = []
  for (const [what, shape] of SHAPES) {
    const side = async (name: string, server: Child): Promise<Side> => {
      const target = { host: '127.0.0.1', port: await server.request<number>('port') }
      const echoes = { ...target, ...shape, pipelined: 1, isFramed: false, seconds, warmSeconds }
      return { name, measure: () => load.request<Measure>('echo', echoes) }
    }
    const ours = await side('level', level)
    const others = [await side('edge', edgeTriggered)]
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  return rows
}
