/** Real nodes of a cluster over a simulated network and store that fail on purpose. */
import { test } from 'node:test'
import { simulateCluster } from '../../src/testing/cluster-sim/simulation.ts'

const RUNS = 2000
/** Runs between two looks at the event loop. */
const BATCH = 200

test('clusters keep their promises in 2,000 schedules, the same each time', async () => {
  const only = process.env.SKYNET_SEED
  if (only !== undefined) {
    simulateCluster(Number(only))
    return
  }
  // The unit test has a few of them, the soak a million, the file of variants others each time.
  for (let seed = 0; seed < RUNS; seed++) {
    simulateCluster(seed)
    if (seed % BATCH === 0) await new Promise(setImmediate)
  }
})
