/** Messages over KCP beside frames over TCP and bare datagrams, all of them ours. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Asking, Way } from './services/kcp-asker.ts'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import type { Child } from './support/child.ts'
import { contest, type Side, twofold } from './support/contest.ts'
import { descriptorsMax } from './support/descriptors.ts'
import { askService, startNode } from './support/sides.ts'

type Shape = Pick<Asking, 'peers' | 'bytes' | 'window'>
type Ports = Readonly<Record<Way, number>>

const SHAPES: readonly { readonly what: string; readonly shape: Shape }[] = [
  { what: '1 peer, 1 message of 64 B under way', shape: { peers: 1, bytes: 64, window: 1 } },
  { what: '50 peers, 1 message of 64 B each', shape: { peers: 50, bytes: 64, window: 1 } },
  { what: '50 peers, 16 messages of 64 B each', shape: { peers: 50, bytes: 64, window: 16 } },
  { what: '10 peers, 4 messages of 1 KiB each', shape: { peers: 10, bytes: 1024, window: 4 } },
]
const NAMES: Readonly<Record<Way, string>> = { kcp: 'kcp', tcp: 'our TCP', udp: 'our UDP' }
/** Of fewer the heap would show, which grows in steps. */
const HELD = 8000
/** What a process needs beside them. */
const DESCRIPTORS_SPARE = 200
/** A stream gives memory back when it has been quiet for a second. */
const QUIET_MS = 1500

export const kcp: Bench = {
  name: 'kcp',
  help: 'messages echoed over KCP, our TCP and our UDP; CPU of the server for each; idle ones',
  async run(options) {
    await using asker = await startNode('services/kcp-asker.js', 1, options)
    await using echo = await startNode('services/kcp-echo.js', 1, options)
    const ports = await askService<Ports>(echo, 'ports')
    const rows: Row[] = []
    for (const { what, shape } of SHAPES) {
      const sides = (way: Way): readonly [Side, Side] =>
        twofold(NAMES[way], () =>
          measure(asker, echo, options, { way, port: ports[way], ...shape }),
        )
      const [rate, cpu] = sides('kcp')
      const others = [sides('udp'), sides('tcp')]
      const rates = { what, unit: '/s', ours: rate, others: others.map(([side]) => side) } as const
      const cpus = {
        what: `${what}: CPU`,
        unit: 'us',
        ours: cpu,
        others: others.map(([, side]) => side),
      } as const
      rows.push(...(await contest(rates, options)), ...(await contest(cpus, options)))
    }
    return [...rows, ...(await idle(asker, options))]
  },
}

/** The rate, and the CPU time of the server for each message. */
async function measure(
  asker: Child,
  echo: Child,
  { seconds, warmSeconds }: BenchOptions,
  asking: Omit<Asking, 'seconds' | 'warmSeconds'>,
): Promise<readonly [Measure, Measure]> {
  const before = await echo.request<number>('cpuMs')
  const rate = await askService<Measure>(asker, 'echo', { ...asking, seconds, warmSeconds })
  const usedMs = (await echo.request<number>('cpuMs')) - before
  const { completed } = rate
  const share = seconds / (seconds + warmSeconds)
  return [rate, { completed, value: (usedMs * 1000 * share) / completed }]
}

/** Memory of the server for each peer that is silent: in a process that is fresh. */
function idle(asker: Child, options: BenchOptions): Promise<Row[]> {
  const peers = Math.min(options.isQuick ? 20 : HELD, descriptorsMax() - DESCRIPTORS_SPARE)
  const side = (way: Way): Side => ({
    name: NAMES[way],
    measure: async () => {
      await using echo = await startNode('services/kcp-echo.js', 1, options)
      const port = (await askService<Ports>(echo, 'ports'))[way]
      const before = await echo.request<number>('rss')
      const completed = await askService<number>(asker, 'hold', { way, port, peers })
      await sleep(QUIET_MS)
      const after = await echo.request<number>('rss')
      await askService(asker, 'release')
      return { completed, value: Math.max(after - before, 1) / completed }
    },
  })
  const what = `${peers} idle peers`
  const rounds = Math.min(options.rounds, 3)
  return contest({ what, unit: 'bytes', ours: side('kcp'), others: [side('tcp')] }, { rounds })
}
