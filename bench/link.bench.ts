/** The link between two nodes beside JSON in frames, with no network: what they cost alone. */
import type { Bench, BenchOptions, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest } from './support/contest.ts'
import { otherSide } from './support/sides.ts'

/** What is asked, and how many of it in each turn. */
const TURNS = [
  { request: 'send', count: 1 },
  { request: 'send', count: 100 },
  { request: 'call', count: 100 },
] as const

export const link: Bench = {
  name: 'link',
  help: 'messages of 64 bytes between two links of a cluster, in one process',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using ours = await Child.start('peers/links.js', [], options)
  await using plain = await Child.start('peers/links.js', [], options)
  const { seconds, warmSeconds } = options
  const rows: Row[] = []
  for (const { request, count } of TURNS) {
    const params = { seconds, warmSeconds, count }
    const sides = {
      ours: otherSide('skynet-ts', ours, request, { ...params, kind: 'link' }),
      others: [otherSide('JSON', plain, request, { ...params, kind: 'json' })],
    }
    const what = `${request}, ${count} in a turn`
    rows.push(...(await contest({ what, unit: '/s', ...sides }, options)))
  }
  return rows
}
