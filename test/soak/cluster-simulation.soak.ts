/**
 * A million schedules of a simulated cluster. `SKYNET_SEED` is the first seed, by default one from
 * the clock; `SKYNET_RUNS` says how many. The exit code is 1 when a promise was broken.
 */
import { simulateCluster } from '../../src/testing/cluster-sim/simulation.ts'
import { simulateSeeds } from './support/seeds.ts'

await simulateSeeds(simulateCluster, 'schedules', 100)
