/** Both ends of sessions, over a simulated network that fails on purpose. */
import { test } from 'node:test'
import { simulateSessions } from '../../src/testing/session-sim/simulation.ts'
import { seedOf } from '../support/seed.ts'

const RUNS = 10_000
const RANDOM_RUNS = 2000
/** Runs between two looks at the event loop. */
const BATCH = 200

async function simulateFrom(first: number, runs: number): Promise<void> {
  for (let run = 0; run < runs; run++) {
    simulateSessions(first + run)
    if (run % BATCH === 0) await new Promise(setImmediate)
  }
}

test('sessions keep their promises in 10,000 schedules, the same each time', async () => {
  const only = process.env.SKYNET_SEED
  if (only !== undefined) simulateSessions(Number(only))
  // The unit test has a few of them.
  else await simulateFrom(0, RUNS)
})

test('sessions keep their promises in 2,000 schedules, others each time', async (t) => {
  const first = seedOf()
  t.diagnostic(`SEED=${first}`)
  await simulateFrom(first, RANDOM_RUNS)
})
