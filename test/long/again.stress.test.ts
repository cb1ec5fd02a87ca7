/** The same thing again and again, in every way that there is: nothing is kept of it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Again, ALL_WAYS } from '../support/again.ts'

/**
 * The soak does it a million times. Here a tenth or a hundredth of this still shows what is
 * counted, and what takes one KiB, or ten, each time.
 */
const TIMES = 10_000

let again: Again
before(async () => {
  again = await Again.start()
})
after(() => again[Symbol.asyncDispose]())

for (const way of ALL_WAYS.keys()) {
  test(`again and again nothing is kept: ${way}`, async (t) => {
    const { faults, states } = await again.run(way, TIMES)
    t.diagnostic(JSON.stringify(states.map(({ heaps }) => heaps)))
    assert.deepEqual(faults, [])
  })
}
