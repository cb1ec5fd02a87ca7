/** A run of the socket server over a simulated system, by its seed. */
import { runSeed, type SeededRuns } from '../shorten.ts'
import { run, STEPS_MAX } from './schedule.ts'
import { clearMemory } from './world.ts'

const RUNS: SeededRuns = {
  stepsMax: STEPS_MAX,
  test: 'test/long/socket-simulation.test.ts',
  run: (seed, skipped, trace) => {
    try {
      run(seed, skipped, trace)
    } catch (error) {
      // What it has left must not be found by the next one.
      clearMemory()
      throw error
    }
  },
}

/** @throws The first promise that was broken, with the steps that led there. */
export function simulate(seed: number): void {
  runSeed(RUNS, seed)
}
