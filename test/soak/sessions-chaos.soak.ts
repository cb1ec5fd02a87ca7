/**
 * A thousand clients over every way there is, each cut off twenty times, while agents, workers and
 * gates die. What each believes is compared with what the agents did. `BOTS`, `CUTS`, `DEATHS` and
 * `GATE_DEATHS` of the environment are other numbers, `SEED` repeats what was chosen by chance. The
 * exit code is 1 when a call ran twice, or an answer, an event or an error was not true.
 */
import { seedOf } from '../support/seed.ts'
import { sessionChaos } from '../support/session-chaos.ts'

const { BOTS = 1000, CUTS = 20, DEATHS = 60, GATE_DEATHS = 10 } = process.env
const numbers = [BOTS, CUTS, DEATHS, GATE_DEATHS].map(Number)
const [bots, cuts, deaths, gateDeaths] = numbers as [number, number, number, number]
const seed = seedOf()

console.log(`${bots} clients, each cut off ${cuts} times, ${deaths} deaths`)
console.log(`${gateDeaths} deaths of gates, SEED=${seed}`)
const result = await sessionChaos({ bots, cuts, deaths, gateDeaths, seed })
console.log(result.table)
const { answered, failed, renewed, ways, faults, gateDeaths: died } = result
console.log(`  over ${ways.join(', ')}: ${answered} calls answered, ${failed} failed with a code`)
console.log(`  ${renewed} sessions died with agents and ${died} gates, and had one behind them`)
for (const fault of faults) console.log(`  FAULT: ${fault}`)
process.exitCode = faults.length > 0 ? 1 : 0
