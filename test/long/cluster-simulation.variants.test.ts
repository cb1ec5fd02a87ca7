/** Simulated clusters by seeds that are others each time, and such that lack one rule. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findBroken, simulateCluster } from '../../src/testing/cluster-sim/simulation.ts'
import { BROKEN } from '../../src/testing/cluster-sim/variants.ts'
import { seedOf } from '../support/seed.ts'

const RANDOM_RUNS = 500
/** Within so many schedules each variant is found. */
const BROKEN_RUNS = 4000
/** Where to begin with what few schedules show: from 0 on it takes a minute of a slow machine. */
const FIRST: Readonly<Record<string, number>> = {
  'who was stopped or cut off judges at once': 2300,
}
/** Runs between two looks at the event loop. */
const BATCH = 200

test('clusters keep their promises in 500 schedules, others each time', async (t) => {
  const first = seedOf()
  t.diagnostic(`SEED=${first}`)
  for (let run = 0; run < RANDOM_RUNS; run++) {
    simulateCluster(first + run)
    if (run % BATCH === 0) await new Promise(setImmediate)
  }
})

for (const variant of BROKEN) {
  test(`a cluster is found out that has ${variant.name}`, () => {
    assert.notEqual(findBroken(variant, FIRST[variant.name] ?? 0, BROKEN_RUNS), undefined)
  })
}
