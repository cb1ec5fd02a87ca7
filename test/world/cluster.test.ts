/** Nodes of a cluster are killed, held, cut off, while calls, messages, a name are under way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runScenario, SCENARIOS } from '../support/cluster-scenarios.ts'
import { isNatsInstalled, NATS_LEFT_OUT } from '../support/nats-server.ts'
import { seeded, seedOf } from '../support/seed.ts'

const seed = seedOf()

for (const scenario of SCENARIOS) {
  const { what, way } = scenario
  // Proves: docs/cluster.md#call-ends, #sent, #order, #death, #again, #outage, #one-owner
  // Proves: docs/cluster.md#monitor, #references, #redirect
  // Proves: docs/cluster-nats.md#nobody-dies, #cut-server
  test(`${what} over ${way}: each call ends, once, and says whether it was sent`, async (t) => {
    if (way === 'nats' && !isNatsInstalled()) return t.diagnostic(NATS_LEFT_OUT)
    t.diagnostic(`SEED=${seed}`)
    const outcome = await runScenario(scenario, seeded(seed))
    if (typeof outcome === 'string') return t.diagnostic(outcome)
    const { faults, ends, answered, sends, watches, lateMs, noticedMs } = outcome
    t.diagnostic(`${sends} messages, ${watches} ends; calls: ${JSON.stringify(ends)}`)
    t.diagnostic(`late by ${lateMs.toFixed(0)} ms; death noticed after ${noticedMs?.toFixed(0)} ms`)
    assert.deepEqual(faults, [])
    assert.ok(answered > 0 && watches > 0)
  })
}
