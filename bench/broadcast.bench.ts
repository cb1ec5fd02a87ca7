/** The same line to everybody: a room in a service, on node:net and on ws. */
import type { BroadcastLoad } from './load/broadcast.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import { askService, startNode } from './support/sides.ts'

const HOST = '127.0.0.1'
const LINE_BYTES = 64
const WINDOWS = [1, 16]

export const broadcast: Bench = {
  name: 'broadcast',
  help: 'lines delivered to 1,000 connections by a service, by node:net and by ws',
  run: async (options) => {
    const connections = options.isQuick ? 20 : 1000
    await using load = await Child.start('load/main.js', [], options)
    await using node = await startNode('services/room.js', 1, options)
    await using peers = await Child.start('peers/rooms.js', [], options)
    const port = await askService<number>(node, 'port')
    const netPort = await peers.request<number>('net')
    const wsPort = await peers.request<number>('ws')
    const rows: Row[] = []
    for (const window of WINDOWS) {
      const side = (name: string, at: number, isWebSocket = false): Side => {
        const shape = { host: HOST, port: at, connections, bytes: LINE_BYTES, window, isWebSocket }
        return { name, measure: () => measure(load, options, shape) }
      }
      const what = `${connections} connections, ${window} lines under way`
      const ours = side('skynet-ts', port)
      const others = [side('node:net', netPort), side('ws', wsPort, true)]
      rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
    }
    return rows
  },
}

function measure(
  load: Child,
  { seconds, warmSeconds }: BenchOptions,
  shape: Omit<BroadcastLoad, 'seconds' | 'warmSeconds'>,
): Promise<Measure> {
  return load.request<Measure>('broadcast', { ...shape, seconds, warmSeconds })
}
