/** Real nodes of a cluster over a simulated network and store that fail on purpose. */
import { test } from 'node:test'
import { simulateCluster } from '../../src/testing/cluster-sim/simulation.ts'

const RUNS = 10_000
/** Runs between two looks at the event loop. */
const BATCH = 200

test('clusters keep their promises in 10,000 schedules, the same each time', async () => {
  const only = process.env.SKYNET_SEED
  if (only !== undefined) {
    simulateCluster(Number(only))
    return
  }
  // The unit test has a few of them; others each time are in the file of variants, and the soak.
  for (let seed = 0; seed < RUNS; seed++) {
    simulateCluster(seed)
    if (seed % BATCH === 0) await new Promise(setImmediate)
  }
})
