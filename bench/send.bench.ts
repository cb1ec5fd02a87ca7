/** Messages without an answer, no more under way than the receiver has acknowledged. */
import type { Bench, BenchOptions, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest } from './support/contest.ts'
import { otherSide, ourSide, startNode } from './support/sides.ts'

export const send: Bench = {
  name: 'send',
  help: 'small objects received, in order',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using node = await startNode('services/messenger.js', 2, options)
  await using nact = await Child.start('peers/nact.js', [], options)
  await using threads = await Child.start('peers/threads.js', [], options)
  const { seconds, warmSeconds } = options
  const same = { where: 'same', seconds, warmSeconds }
  const across = { where: 'across', seconds, warmSeconds }
  const onOne = await contest(
    {
      what: 'one worker',
      unit: '/s',
      ours: ourSide(node, 'send', same),
      others: [
        otherSide('postMessage', threads, 'send', same),
        otherSide('nact', nact, 'send', same),
      ],
    },
    options,
  )
  const acrossWorkers = await contest(
    {
      what: 'across workers',
      unit: '/s',
      ours: ourSide(node, 'send', across),
      others: [otherSide('postMessage', threads, 'send', across)],
    },
    options,
  )
  return [...onOne, ...acrossWorkers]
}
