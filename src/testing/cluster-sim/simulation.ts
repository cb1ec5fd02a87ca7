/** A run of a simulated cluster by its seed. */
import { findBrokenSeed, runSeed, type SeededRuns } from '../shorten.ts'
import { CLUSTER_STEPS_MAX, runCluster } from './schedule.ts'
import { REAL, type Variant } from './variants.ts'

const runsOf = (variant: Variant): SeededRuns => ({
  stepsMax: CLUSTER_STEPS_MAX,
  test: 'test/long/cluster-simulation.test.ts',
  run: (seed, skipped, trace) => {
    runCluster(seed, variant, skipped, trace)
  },
})

/** @throws The first promise that was broken, with the steps that led there. */
export function simulateCluster(seed: number): void {
  runSeed(runsOf(REAL), seed)
}

/** The seed of the first run from `first` on that finds out; undefined: none of `runs` does. */
export function findBroken(variant: Variant, first: number, runs: number): number | undefined {
  return findBrokenSeed(runsOf(variant), first, runs)
}
