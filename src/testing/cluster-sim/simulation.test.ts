/** Real nodes of a cluster over a simulated network and store that fail on purpose. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findBroken, simulateCluster } from './simulation.ts'
import { BROKEN } from './variants.ts'

/** The same ones each time; test/long/cluster-simulation.test.ts makes more of them. */
const RUNS = 150
/** What finds the plainest mistakes within so many. */
const PLAIN_RUNS = 30
const PLAIN = ['expire', 'no era', 'a gap is not seen', 'refuses', 'a newcomer']

test('clusters keep their promises in 150 schedules, the same each time', () => {
  for (let seed = 0; seed < RUNS; seed++) simulateCluster(seed)
})

test('plain mistakes are found in 30 schedules', () => {
  const plain = BROKEN.filter(({ name }) => PLAIN.some((part) => name.includes(part)))
  assert.equal(plain.length, PLAIN.length)
  for (const variant of plain) {
    assert.notEqual(findBroken(variant, 0, PLAIN_RUNS), undefined, variant.name)
  }
})
