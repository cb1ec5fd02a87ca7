/** Connections are cut, agents and workers die: what clients believe is what was done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seedOf } from '../support/seed.ts'
import { sessionChaos } from '../support/session-chaos.ts'

/** The soak has a thousand, each cut off twenty times. */
const BOTS = 60
const CUTS = 6
const DEATHS = 12

// Proves: docs/session.md#resume
// Proves: docs/client.md#once, #events
test('each call runs once, no event is missing or twice, whatever is cut', async (t) => {
  const seed = seedOf()
  t.diagnostic(`SEED=${seed}`)
  const result = await sessionChaos({ bots: BOTS, cuts: CUTS, deaths: 0, gateDeaths: 0, seed })
  t.diagnostic(result.table)
  assert.deepEqual(result.faults, [])
  assert.ok(result.cuts >= BOTS * CUTS)
  assert.deepEqual([result.failed, result.renewed], [0, 0], 'nothing fails, no session is lost')
})

// Proves: docs/session.md#agent-ends
// Proves: docs/client.md#never-silent
test('agents and workers die meanwhile: every client is told the truth', async (t) => {
  const seed = seedOf()
  t.diagnostic(`SEED=${seed}`)
  const result = await sessionChaos({ bots: BOTS, cuts: CUTS, deaths: DEATHS, gateDeaths: 0, seed })
  t.diagnostic(result.table)
  assert.deepEqual(result.faults, [])
  assert.ok(result.renewed > 0, 'sessions have died with their agents')
  assert.ok(result.answered > result.failed)
})

// Proves: docs/session.md#gate-ends
test('the worker of the gate dies meanwhile: clients and agents are told the truth', async (t) => {
  const seed = seedOf()
  t.diagnostic(`SEED=${seed}`)
  const few = { bots: BOTS / 2, cuts: CUTS, deaths: 0, gateDeaths: 2 }
  const result = await sessionChaos({ ...few, seed })
  t.diagnostic(result.table)
  assert.deepEqual(result.faults, [])
  assert.ok(result.gateDeaths > 0 && result.renewed > 0, 'gates have died with their sessions')
})
