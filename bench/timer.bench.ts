/** A million timers. */
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest, twofold } from './support/contest.ts'
import type { Memory } from './support/settled.ts'
import { askService, otherSide, ourSide, startNode } from './support/sides.ts'

const KINDS = [
  { request: 'fire', what: 'set and fired, per second of CPU' },
  { request: 'cancel', what: 'set and cancelled' },
]

export const timer: Bench = {
  name: 'timer',
  help: 'a million timers at once, 1 to 1000 ms away, and the memory of one',
  run: async (options) => [...(await runSpeed(options)), ...(await runMemory(options))],
}

const countOf = ({ isQuick }: BenchOptions): number => (isQuick ? 1000 : 1_000_000)

async function runSpeed(options: BenchOptions): Promise<Row[]> {
  const params = { count: countOf(options) }
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

/** In a fresh process each time: one that has grown hides what is added. */
async function runMemory(options: BenchOptions): Promise<Row[]> {
  const count = countOf(options)
  const each = ({ heap, rss }: Memory): readonly [Measure, Measure] => [
    { completed: count, value: Math.max(heap, 1) / count },
    { completed: count, value: Math.max(rss, 1) / count },
  ]
  const [ours, oursRss] = twofold('skynet-ts', async () => {
    await using node = await startNode('services/timers.js', 1, options)
    return each(await askService<Memory>(node, 'hold', { count }))
  })
  const [plain, plainRss] = twofold('setTimeout', async () => {
    await using child = await Child.start('peers/timers.js', [], options)
    return each(await child.request<Memory>('hold', { count }))
  })
  const what = 'set and waiting'
  const unit = 'bytes' as const
  const rounds = { rounds: Math.min(options.rounds, 3) }
  const heaps = { what: `${what}, heap`, unit, ours, others: [plain] }
  const whole = { what: `${what}, rss`, unit, ours: oursRss, others: [plainRss] }
  return [...(await contest(heaps, rounds)), ...(await contest(whole, rounds))]
}
