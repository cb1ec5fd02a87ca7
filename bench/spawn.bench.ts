/** Birth of services, and what one costs that does nothing. */
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import type { Memory } from './support/settled.ts'
import { askService, otherSide, ourSide, startNode } from './support/sides.ts'

export const spawn: Bench = {
  name: 'spawn',
  help: 'services launched, and memory of an idle one',
  run: async (options) => [...(await runSpawn(options)), ...(await runIdle(options))],
}

async function runSpawn(options: BenchOptions): Promise<Row[]> {
  await using node = await startNode('services/spawner.js', 2, options)
  await using nact = await Child.start('peers/nact.js', [], options)
  const { seconds, warmSeconds } = options
  const rows: Row[] = []
  for (const on of ['same', 'least-loaded']) {
    const params = { on, seconds, warmSeconds }
    const what = `launched on: ${on}`
    const ours = ourSide(node, 'spawn', params)
    const others = [otherSide('nact', nact, 'spawn', params)]
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  return rows
}

/** Memory is measured in a fresh process each time: one that has grown hides what is added. */
async function runIdle(options: BenchOptions): Promise<Row[]> {
  const count = options.isQuick ? 200 : 50_000
  const rows: Row[] = []
  for (const kind of ['heap', 'rss'] as const) {
    const measured = ({ [kind]: bytes }: Memory): Measure => ({
      completed: count,
      value: Math.max(bytes, 1) / count,
    })
    const ours: Side = {
      name: 'skynet-ts',
      measure: async () => {
        await using node = await startNode('services/spawner.js', 1, options)
        return measured(await askService<Memory>(node, 'idle', { count }))
      },
    }
    const nact: Side = {
      name: 'nact',
      measure: async () => {
        await using child = await Child.start('peers/nact.js', [], options)
        return measured(await child.request<Memory>('idle', { count }))
      },
    }
    const what = `idle service, ${kind}`
    const rounds = Math.min(options.rounds, 3)
    rows.push(...(await contest({ what, unit: 'bytes', ours, others: [nact] }, { rounds })))
  }
  return rows
}
