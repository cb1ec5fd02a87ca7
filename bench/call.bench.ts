/** A request and its answer. */
import type { Bench, BenchOptions, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest } from './support/contest.ts'
import { otherSide, ourSide, startNode } from './support/sides.ts'

const CONCURRENCY = [
  { how: 'one at a time', concurrent: 1 },
  { how: '100 concurrent', concurrent: 100 },
]

export const call: Bench = {
  name: 'call',
  help: 'calls answered, each answer checked',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using node = await startNode('services/messenger.js', 2, options)
  await using nact = await Child.start('peers/nact.js', [], options)
  await using threads = await Child.start('peers/threads.js', [], options)
  const { seconds, warmSeconds } = options
  const rows: Row[] = []
  for (const { how, concurrent } of CONCURRENCY) {
    const params = { where: 'same', concurrent, seconds, warmSeconds }
    const what = `one worker, ${how}`
    const ours = ourSide(node, 'call', params)
    const others = [otherSide('nact', nact, 'call', params)]
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  for (const { how, concurrent } of CONCURRENCY) {
    const params = { where: 'across', concurrent, seconds, warmSeconds }
    const what = `across workers, ${how}`
    const ours = ourSide(node, 'call', params)
    const others = [otherSide('postMessage', threads, 'call', params)]
    if (concurrent === 1) others.push(otherSide('bare wake-ups', threads, 'wake', params))
    rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
  }
  return rows
}
