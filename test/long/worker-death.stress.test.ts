/** Workers are ended at random moments under load: nobody hangs, and everything adds up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endWorkers } from '../support/death.ts'
import { seedOf } from '../support/seed.ts'

/** The soak does it a thousand times. */
const KILLS = 6

const TITLE = 'workers that are ended at random under load: every request ends, the node goes on'

// Proves: docs/semantics.md#death-random
test(TITLE, async (t) => {
  const seed = seedOf()
  t.diagnostic(`SEED=${seed}`)
  const { tally, stats, code } = await endWorkers(KILLS, seed)
  t.diagnostic(JSON.stringify({ ...tally, wrong: tally.wrong.length }))
  assert.deepEqual(tally.wrong, [])
  assert.equal(tally.answered + tally.failed, tally.begun)
  assert.ok(tally.answered > KILLS, 'it worked most of the time')
  const load = stats.load.reduce((sum, each) => sum + each)
  assert.equal(load, stats.services, 'each is counted where it is')
  assert.equal(code, 0)
})
