/** The real socket server over a simulated system that fails on purpose: random runs from seeds. */
import { test } from 'node:test'
import { simulate } from '../../src/testing/sim/simulation.ts'
import { seedOf } from '../support/seed.ts'

/** The same ones each time; test/long/socket-simulation.test.ts makes more of them. */
const RUNS = 500
/** Others each time: a failure tells its seed. */
const RANDOM_RUNS = 100
/**
 * Seeds. A change of the simulation makes other runs of them: each has a test of its own besides.
 */
const BROKEN_ONCE = [
  // The socket thread span: socket-faults, a close whose peer has reset.
  684309042,
  // The model of drains took an answer for that of one that was forgotten: sim/drains.test.ts.
  692780614,
  // What found no memory waited for the next look at its idle timeout: socket-faults.
  700923660,
  // Too much written to a listener that begins ended it: socket-edges.
  701403094,
]

test('sockets keep their promises in 500 runs, the same each time', () => {
  for (let seed = 0; seed < RUNS; seed++) simulate(seed)
})

test('sockets keep their promises in 100 runs, others each time', (t) => {
  const first = seedOf()
  t.diagnostic(`SEED=${first}`)
  for (let run = 0; run < RANDOM_RUNS; run++) simulate(first + run)
})

test('sockets keep their promises in runs that broke one once', () => {
  for (const seed of BROKEN_ONCE) simulate(seed)
})
