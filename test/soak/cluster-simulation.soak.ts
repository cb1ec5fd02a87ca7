/**
 * A million schedules of a simulated cluster. `SKYNET_SEED` is the first seed, by default one from
 * the clock; `SKYNET_RUNS` says how many. The exit code is 1 when a promise was broken.
 */
import { simulateCluster } from '../../src/testing/cluster-sim/simulation.ts'

const REPORT_MS = 10_000
const BATCH = 100

const first = Number(process.env.SKYNET_SEED ?? Date.now()) >>> 0
const runs = Number(process.env.SKYNET_RUNS ?? 1_000_000)

console.log(`${runs} schedules from seed ${first}`)
const startedAt = performance.now()
let reportedAt = startedAt
for (let run = 0; run < runs; run++) {
  simulateCluster((first + run) >>> 0)
  if (run % BATCH > 0) continue
  await new Promise(setImmediate)
  const now = performance.now()
  if (now - reportedAt < REPORT_MS) continue
  reportedAt = now
  const perSecond = (run / (now - startedAt)) * 1000
  console.log(`${run} schedules, ${perSecond.toFixed(0)} a second, seed ${(first + run) >>> 0}`)
}
console.log(`${runs} schedules kept every promise`)
