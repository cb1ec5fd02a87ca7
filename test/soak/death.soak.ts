/**
 * A thousand times a worker of a busy node is ended at a random moment. `KILLS` of the environment
 * is another number, `SEED` repeats a run. The exit code is 1 when a request had no answer and no
 * error with a code. One that never ends is a hang.
 */
import { endWorkers } from '../support/death.ts'
import { seedOf } from '../support/seed.ts'

const kills = Number(process.env.KILLS ?? 1000)
const seed = seedOf()

console.log(`${kills} workers are ended, SEED=${seed}`)
const { tally, code } = await endWorkers(kills, seed)
const { begun, answered, failed, wrong } = tally
console.log(`  ${begun} requests: ${answered} answered, ${failed} failed with a code`)
for (const error of wrong) console.log(`  FAULT: ${error}`)
const lost = begun - answered - failed
if (lost > 0) console.log(`  FAULT: ${lost} requests have not ended`)
if (code !== 0) console.log(`  FAULT: the node ended with code ${code}`)
process.exitCode = wrong.length === 0 && lost === 0 && code === 0 ? 0 : 1
