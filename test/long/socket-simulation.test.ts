/** The real socket server over a simulated system that fails on purpose: random runs from seeds. */
import { test } from 'node:test'
import { simulate } from '../../src/testing/sim/simulation.ts'

const RUNS = 20_000
/** Runs between two looks at the event loop. */
const BATCH = 500

test('sockets keep their promises over a system that fails on purpose', async () => {
  const only = process.env.SKYNET_SEED
  if (only !== undefined) {
    simulate(Number(only))
    return
  }
  // The same ones each time; test/library/socket-simulation.test.ts and the soak take others.
  for (let seed = 0; seed < RUNS; seed++) {
    simulate(seed)
    if (seed % BATCH === 0) await new Promise(setImmediate)
  }
})
