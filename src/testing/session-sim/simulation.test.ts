/** Both ends of sessions, over a simulated network that fails on purpose. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findBrokenSessions, simulateSessions } from './simulation.ts'
import { BROKEN_SESSIONS } from './variants.ts'

/** The same ones each time; test/long/session-simulation.test.ts makes more of them. */
const RUNS = 300
/** What is rare may take so many; the first one that finds out is the last one. */
const BROKEN_RUNS = 1500

// Proves: docs/session-protocol.md#once, #no-push-missing, #old-connections
test('sessions keep their promises in 300 schedules, in which all happens that may', () => {
  const counts = new Map<string, number>()
  for (let seed = 0; seed < RUNS; seed++) simulateSessions(seed, counts)
  const wanted = [
    ...['entered', 'admitted', 'resumed', 'lost', 'expired', 'answersGone', 'pushesReplaced'],
    ...['login-timeout', 'silent', 'overflow', 'superseded', 'unknown', 'drain', 'bye'],
  ]
  for (const name of wanted) assert.ok(counts.get(name)! >= 10, `${name}: ${counts.get(name)}`)
})

for (const variant of BROKEN_SESSIONS) {
  test(`sessions are found out that have ${variant.name}`, () => {
    assert.notEqual(findBrokenSessions(variant, 0, BROKEN_RUNS), undefined)
  })
}
