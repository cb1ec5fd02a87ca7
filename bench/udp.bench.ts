/** Datagrams in, the same datagrams out: a service beside node:dgram. */
import type { UdpLoad } from './load/udp.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import { askService, startNode } from './support/sides.ts'

type Shape = Pick<UdpLoad, 'sockets' | 'bytes' | 'window'>

const SHAPES: readonly { readonly what: string; readonly shape: Shape }[] = [
  { what: '1 peer, 1 datagram of 64 B under way', shape: { sockets: 1, bytes: 64, window: 1 } },
  { what: '50 peers, 1 datagram of 64 B each', shape: { sockets: 50, bytes: 64, window: 1 } },
  { what: '50 peers, 16 datagrams of 64 B each', shape: { sockets: 50, bytes: 64, window: 16 } },
  { what: '50 peers, 16 datagrams of 1 KiB each', shape: { sockets: 50, bytes: 1024, window: 16 } },
]

export const udp: Bench = {
  name: 'udp',
  help: 'datagrams echoed by a service and by node:dgram',
  run: async (options) => {
    await using load = await Child.start('load/main.js', [], options)
    await using node = await startNode('services/udp-echo.js', 1, options)
    await using dgram = await Child.start('peers/dgram-echo.js', [], options)
    const ports = {
      ours: await askService<number>(node, 'port'),
      dgram: await dgram.request<number>('port'),
    }
    const rows: Row[] = []
    for (const { what, shape } of SHAPES) {
      const side = (name: string, port: number): Side => ({
        name,
        measure: () => measure(load, options, { host: '127.0.0.1', port, ...shape }),
      })
      const others = [side('node:dgram', ports.dgram)]
      const ours = side('skynet-ts', ports.ours)
      rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
    }
    return rows
  },
}

function measure(
  load: Child,
  { seconds, warmSeconds }: BenchOptions,
  shape: Omit<UdpLoad, 'seconds' | 'warmSeconds'>,
): Promise<Measure> {
  return load.request<Measure>('udp', { ...shape, seconds, warmSeconds })
}
