/**
 * Everything that may be asked, waited for and given up, opened and closed, again and again: a
 * million times what is quick, a tenth or a hundredth of that what is not: `node
 * dist/test/soak/again.soak.js [--times 1000000] [--only queryService]`. Tells what the threads
 * hold before, half of the way, and after. The exit code is 1 when something grows.
 */
import { parseArgs } from 'node:util'
import { Again, ALL_WAYS, type State } from '../support/again.ts'

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '1000000' },
    /** Ways whose name has this in it. */
    only: { type: 'string', default: '' },
  },
})

const kb = (bytes: number): string => (bytes / 1024).toFixed(0)
/** `4,120 +12 -3`: before, and what came in each half. */
function course(states: readonly State[], of: (state: State) => number): string {
  const [before, halfWay, after] = states.map(of) as [number, number, number]
  const signed = (bytes: number): string => `${bytes < 0 ? '' : '+'}${kb(bytes)}`
  return `${kb(before)} ${signed(halfWay - before)} ${signed(after - halfWay)}`
}

await using again = await Again.start()
for (const way of ALL_WAYS.keys()) {
  if (!way.includes(values.only)) continue
  const startedAt = performance.now()
  const { times, states, faults } = await again.run(way, Number(values.times))
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  console.log(`${way}: ${times} times, ${seconds} s`)
  const heaps = Object.keys(states[2].heaps).map(
    (thread) => `${thread} ${course(states, (state) => state.heaps[thread]!)}`,
  )
  console.log(`  KiB: ${[...heaps, `resident ${course(states, ({ rss }) => rss)}`].join(', ')}`)
  for (const fault of faults) console.log(`  FAULT: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
}
