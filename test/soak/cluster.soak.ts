/**
 * Nodes of a cluster are killed, held and cut off, each 20 times over each way between nodes, while
 * calls, messages and a name are under way. `ROUNDS` of the environment is another number, `WAY` is
 * one of the ways (`tcp`, `tls`, `nats`), `WHAT` one kind of harm, `SEED` repeats a run. The exit
 * code is 1 when a call had not ended in time, or not truthfully, when a message was lost, or a
 * death was noticed too late.
 */
import { loadavg } from 'node:os'
import {
  isDecidedLate,
  runScenario,
  SCENARIOS,
  type Scenario,
} from '../support/cluster-scenarios.ts'
import { isNatsInstalled, NATS_LEFT_OUT } from '../support/nats-server.ts'
import { seeded, seedOf } from '../support/seed.ts'

/** With a lease of 3 s. Faults name the load of the machine: one that is busy is late by itself. */
const NOTICED_MS_MAX = 3500
/** And where servers choose a leader first: docs/cluster-nats.md. */
const CHOSEN_MS_MAX = 10_000
const LATE_MS_MAX = 500
const SUMS = ['calls', 'answered', 'failed', 'sends', 'deaths'] as const

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
  const tally = { calls: 0, answered: 0, failed: 0, sends: 0, deaths: 0, lateMs: 0 }
  const ends: Record<string, number> = {}
  const noticed: number[] = []
  const noticedMsMax = NOTICED_MS_MAX + (isDecidedLate(scenario) ? CHOSEN_MS_MAX : 0)
  for (let round = 0; round < rounds; round++) {
    const outcome = await runScenario(scenario, seeded(seed + round))
    if (typeof outcome === 'string') {
      console.log(`  ${outcome}`)
      return
    }
    const { faults, lateMs, noticedMs = 0 } = outcome
    for (const key of SUMS) tally[key] += outcome[key]
    for (const [end, count] of Object.entries(outcome.ends)) ends[end] = (ends[end] ?? 0) + count
    tally.lateMs = Math.max(tally.lateMs, lateMs)
    noticed.push(noticedMs)
    if (lateMs > LATE_MS_MAX) fault(round, `a call has ended ${lateMs.toFixed(0)} ms late`)
    if (noticedMs > noticedMsMax) fault(round, `noticed after ${noticedMs.toFixed(0)} ms`)
    for (const each of faults) fault(round, each)
  }
  const { calls, answered, failed, sends, deaths, lateMs } = tally
  console.log(`  ${calls} calls: ${answered} answered, ${failed} failed; ${sends} messages`)
  console.log(`  ${JSON.stringify(ends)}`)
  const [middleMs, mostMs] = [noticed.sort((a, b) => a - b)[noticed.length >> 1]!, noticed.at(-1)!]
  console.log(
    `  ${deaths} deaths, noticed after ${middleMs.toFixed(0)} ms, at most ${mostMs.toFixed(0)}`,
  )
  console.log(`  late by ${lateMs.toFixed(0)} ms at most`)
}

function fault(round: number, text: string): void {
  console.log(`  FAULT in round ${round}: ${text} (load ${loadavg()[0]!.toFixed(1)})`)
  process.exitCode = 1
}
