/** Services that wait for each other are ended at random moments: every wait ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hangRounds } from '../support/hangs.ts'
import { seedOf } from '../support/seed.ts'

/** The soak does a thousand. */
const ROUNDS = 60

// Proves: docs/semantics.md#death-random
test('services that wait for each other are ended at random: every wait ends', async (t) => {
  const seed = seedOf()
  t.diagnostic(`SEED=${seed}`)
  const { tally, code } = await hangRounds(ROUNDS, seed)
  t.diagnostic(JSON.stringify(tally))
  assert.deepEqual(tally.wrong, [])
  assert.equal(tally.rounds, ROUNDS)
  assert.ok(tally.answered > ROUNDS && tally.failed > ROUNDS, 'both happen in most rounds')
  assert.equal(code, 0)
})
