/**
 * A million runs of the simulated socket server. `SKYNET_SEED` is the first seed, by default one
 * from the clock; `SKYNET_RUNS` says how many. The exit code is 1 when a promise was broken.
 */
import { simulate } from '../../src/testing/sim/simulation.ts'
import { simulateSeeds } from './support/seeds.ts'

await simulateSeeds(simulate, 'runs', 500)
