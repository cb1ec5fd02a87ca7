/** A million timers. */
import type { Bench, BenchOptions, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest } from './support/contest.ts'
import { otherSide, ourSide, startNode } from './support/sides.ts'

const KINDS = [
  { request: 'fire', what: 'set and fired, per second of CPU' },
  { request: 'cancel', what: 'set and cancelled' },
]

export const timer: Bench = {
  name: 'timer',
  help: 'a million timers at once, 1 to 1000 ms away',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  const params = { count: options.isQuick ? 1000 : 1_000_000 }
  await using node = await startNode('services/timers.js', 1, options)
  await using plain = await Child.start('peers/timers.js', [], options)
  const rows: Row[] = []
  for (const { request, what } of KINDS) {
    const ours = ourSide(node, request, params)
    const others = [otherSide('setTimeout', plain, request, params)]
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  return rows
}
