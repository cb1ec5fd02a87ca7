/**
 * Nodes of a cluster are killed, held and cut off, each 20 times over each way between nodes, while
 * calls, messages and a name are under way. `ROUNDS` of the environment is another number, `WAY` is
 * one of the ways (`tcp`, `tls`, `nats`), `SEED` repeats a run. The exit code is 1 when a call had
 * not ended in time, or not truthfully, when a message was lost, or a death was noticed too late.
 */
import { runScenario, SCENARIOS, type Scenario } from '../support/cluster-scenarios.ts'
import { isNatsInstalled, NATS_LEFT_OUT } from '../support/nats-server.ts'
import { seeded, seedOf } from '../support/seed.ts'

/** With a lease of 3 s. */
const NOTICED_MS_MAX = 3500
const LATE_MS_MAX = 500

const rounds = Number(process.env.ROUNDS ?? 20)
const seed = seedOf()
console.log(`${rounds} rounds of each, SEED=${seed}`)
if (!isNatsInstalled()) console.log(NATS_LEFT_OUT)
for (const scenario of SCENARIOS) {
  if (scenario.way === 'nats' && !isNatsInstalled()) continue
  await soak(scenario)
}

async function soak(scenario: Scenario): Promise<void> {
  console.log(`${scenario.what} over ${scenario.way}`)
  const tally = { calls: 0, answered: 0, failed: 0, sends: 0, lateMs: 0, noticedMs: 0 }
  for (let round = 0; round < rounds; round++) {
    const outcome = await runScenario(scenario, seeded(seed + round))
    if (typeof outcome === 'string') {
      console.log(`  ${outcome}`)
      return
    }
    const { faults, lateMs, noticedMs = 0 } = outcome
    for (const key of ['calls', 'answered', 'failed', 'sends'] as const) tally[key] += outcome[key]
    tally.lateMs = Math.max(tally.lateMs, lateMs)
    tally.noticedMs = Math.max(tally.noticedMs, noticedMs)
    if (lateMs > LATE_MS_MAX) fault(round, `a call has ended ${lateMs.toFixed(0)} ms late`)
    if (noticedMs > NOTICED_MS_MAX) fault(round, `noticed after ${noticedMs.toFixed(0)} ms`)
    for (const each of faults) fault(round, each)
  }
  const { calls, answered, failed, sends, lateMs, noticedMs } = tally
  console.log(`  ${calls} calls: ${answered} answered, ${failed} failed; ${sends} messages`)
  console.log(`  late by ${lateMs.toFixed(0)} ms, noticed after ${noticedMs.toFixed(0)}, at most`)
}

function fault(round: number, text: string): void {
  console.log(`  FAULT in round ${round}: ${text}`)
  process.exitCode = 1
}
