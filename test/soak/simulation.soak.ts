/**
 * A million runs of the simulated socket server. `SKYNET_SEED` is the first seed, by default one
 * from the clock; `SKYNET_RUNS` says how many. The exit code is 1 when a promise was broken.
 */
import { simulate } from '../../src/testing/sim/simulation.ts'

const REPORT_MS = 10_000
const BATCH = 500

const first = Number(process.env.SKYNET_SEED ?? Date.now()) >>> 0
const runs = Number(process.env.SKYNET_RUNS ?? 1_000_000)

console.log(`${runs} runs from seed ${first}`)
const startedAt = performance.now()
let reportedAt = startedAt
for (let run = 0; run < runs; run++) {
  simulate((first + run) >>> 0)
  if (run % BATCH > 0) continue
  // What ends with a turn of the event loop must be able to.
  await new Promise(setImmediate)
  const now = performance.now()
  if (now - reportedAt < REPORT_MS) continue
  reportedAt = now
  const perSecond = (run / (now - startedAt)) * 1000
  console.log(`${run} runs, ${perSecond.toFixed(0)} a second, seed ${(first + run) >>> 0}`)
}
console.log(`${runs} runs kept every promise`)
