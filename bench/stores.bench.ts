/** What an `AsyncLocalStorage` costs who uses one: beside a node that has none. */
import type { Bench, BenchOptions, Row } from './support/bench.ts'
import type { Child } from './support/child.ts'
import { contest, type Side } from './support/contest.ts'
import { askService, otherSide, ourSide, startNode } from './support/sides.ts'

const KINDS = [
  { request: 'call', what: 'calls, one at a time', concurrent: 1 },
  { request: 'call', what: 'calls, 100 concurrent', concurrent: 100 },
  { request: 'fork', what: 'forks', concurrent: 100 },
]

export const stores: Bench = {
  name: 'stores',
  help: 'calls and forks while the worker has an AsyncLocalStorage',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using node = await startNode('services/stores.js', 1, options)
  await using plain = await startNode('services/stores.js', 1, options)
  await askService(node, 'use')
  const { seconds, warmSeconds } = options
  const rows: Row[] = []
  for (const { request, what, concurrent } of KINDS) {
    const params = { concurrent, seconds, warmSeconds }
    const ours = ourSide(node, request, params)
    rows.push(
      ...(await contest(
        { what, unit: '/s', ours, others: [none(plain, request, params)] },
        options,
      )),
    )
  }
  return rows
}

const none = (plain: Child, request: string, params: object): Side => ({
  ...otherSide('none in use', plain, 'service', { name: request, params }),
})
