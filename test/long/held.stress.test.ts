/** Handlers that are asked for their stack in native code come back, or are ended: nobody hangs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldRounds } from '../support/held.ts'
import { seedOf } from '../support/seed.ts'

/** The soak does three hundred. */
const ROUNDS = 20

for (const action of ['keep', 'kill'] as const) {
  // Proves: docs/node.md#held-stack
  test(`handlers that come back from native code while they are asked: ${action}`, async (t) => {
    const seed = seedOf()
    t.diagnostic(`SEED=${seed}`)
    const tally = await heldRounds(ROUNDS, seed, action)
    const asItIs = { rounds: ROUNDS, answered: 0, dead: 0, others: [] }
    const end = action === 'kill' ? 'dead' : 'answered'
    assert.deepEqual(tally, { ...asItIs, [end]: ROUNDS })
  })
}
