/**
 * A million schedules of KCP on a simulated network. `SKYNET_SEED` is the first seed, by default a
 * number from the clock; `SKYNET_RUNS` says how many. The exit code is 1 when a promise was broken.
 */
import { runKcpSchedule } from '../../src/transport/kcp/schedule.kit.ts'
import { simulateSeeds } from './support/seeds.ts'

await simulateSeeds(runKcpSchedule, 'schedules', 100)
