/** The same line, or frame, to everybody: a room in a service, on node:net and on ws. */
import type { BroadcastLoad, Spoken } from './load/broadcast.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { type Contest, contest, type Side } from './support/contest.ts'
import { askService, startNode } from './support/sides.ts'

const HOST = '127.0.0.1'
const MESSAGE_BYTES = 64
const WINDOWS = [1, 16]

export const broadcast: Bench = {
  name: 'broadcast',
  help: 'lines and frames delivered to 1,000 connections by a service, by node:net and by ws',
  run: async (options) => {
    const connections = options.isQuick ? 20 : 1000
    await using load = await Child.start('load/main.js', [], options)
    await using node = await startNode('services/room.js', 1, options)
    await using peers = await Child.start('peers/rooms.js', [], options)
    const port = await askService<number>(node, 'port')
    const netPort = await peers.request<number>('net')
    const wsPort = await peers.request<number>('ws')
    const framesPort = await askService<number>(node, 'framesPort')
    const netFramesPort = await peers.request<number>('netFrames')
    const rows: Row[] = []
    for (const window of WINDOWS) {
      const side = (name: string, at: number, spoken: Spoken): Side => {
        const shape = { host: HOST, port: at, connections, bytes: MESSAGE_BYTES, window, spoken }
        return { name, measure: () => measure(load, options, shape) }
      }
      const lines: Contest = {
        what: `${connections} connections, ${window} lines under way`,
        unit: '/s',
        ours: side('skynet-ts', port, 'line'),
        others: [side('node:net', netPort, 'line'), side('ws', wsPort, 'websocket')],
      }
      const frames: Contest = {
        what: `${connections} connections, ${window} frames under way`,
        unit: '/s',
        ours: side('skynet-ts', framesPort, 'frame'),
        others: [side('node:net', netFramesPort, 'frame')],
      }
      rows.push(...(await contest(lines, options)), ...(await contest(frames, options)))
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
