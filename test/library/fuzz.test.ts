/** Whatever a peer sends, a little of it. `test/long/fuzz.test.ts` has more, and the harness. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PARSERS } from '../support/parsers.ts'
import { feed } from '../support/trial.ts'

const SEEDS = { first: 0, count: 200 }
const nothing = (): void => {}

for (const parser of PARSERS) {
  // Proves: docs/codec.md#hostile
  // Proves: docs/frames.md#hostile
  test(`${parser.name}: what a peer sends is taken, or refused with a code`, async () => {
    assert.equal(await feed(parser, SEEDS, nothing, nothing), undefined)
  })
}
