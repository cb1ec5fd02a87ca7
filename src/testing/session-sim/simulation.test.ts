/** Both ends of sessions, over a simulated network that fails on purpose. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countSessions, findBrokenSessions, simulateSessions } from './simulation.ts'
import { BROKEN_SESSIONS } from './variants.ts'

/** The same ones each time; test/long/session-simulation.test.ts makes more of them. */
const RUNS = 300
/** What is rare may take so many; the first one that finds out is the last one. */
const BROKEN_RUNS = 1500

// Proves: docs/session-protocol.md#once, #no-push-missing, #old-connections
test('sessions keep their promises in 300 schedules, the same each time', () => {
  for (let seed = 0; seed < RUNS; seed++) simulateSessions(seed)
})

test('what may happen to sessions does happen in these schedules', () => {
  const sums = new Map<string, number>()
  for (let seed = 0; seed < RUNS; seed++) {
    for (const [name, count] of countSessions(seed)) sums.set(name, (sums.get(name) ?? 0) + count)
  }
  const wanted = [
    ...['entered', 'admitted', 'resumed', 'lost', 'expired', 'answersGone', 'pushesReplaced'],
    ...['login-timeout', 'silent', 'overflow', 'superseded', 'unknown', 'drain', 'bye'],
  ]
  for (const name of wanted) assert.ok(sums.get(name)! >= 10, `${name}: ${sums.get(name)}`)
})

for (const variant of BROKEN_SESSIONS) {
  test(`sessions are found out that have ${variant.name}`, () => {
    assert.notEqual(findBrokenSessions(variant, 0, BROKEN_RUNS), undefined)
  })
}
