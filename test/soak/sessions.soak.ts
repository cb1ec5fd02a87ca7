/**
 * A million schedules of simulated sessions. `SKYNET_SEED` is the first seed, by default one from
 * the clock; `SKYNET_RUNS` says how many. The exit code is 1 when a promise was broken.
 */
import { simulateSessions } from '../../src/testing/session-sim/simulation.ts'
import { simulateSeeds } from './support/seeds.ts'

await simulateSeeds(simulateSessions, 'schedules', 200)
