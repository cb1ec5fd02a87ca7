/**
 * A thousand times services wait for each other in every way there is, and one of them or a worker
 * is ended at a random moment. `ROUNDS` of the environment is another number, `SEED` repeats a run.
 * The exit code is 1 when a wait did not end, or not with a code that it may have.
 */
import { hangRounds } from '../support/hangs.ts'
import { seedOf } from '../support/seed.ts'

const rounds = Number(process.env.ROUNDS ?? 1000)
const seed = seedOf()

console.log(`${rounds} rounds, SEED=${seed}`)
const { tally, code } = await hangRounds(rounds, seed)
console.log(
  `  ${tally.rounds} rounds: ${tally.answered} waits ended well, ${tally.failed} by a code`,
)
for (const error of tally.wrong) console.log(`  FAULT: ${error}`)
if (code !== 0) console.log(`  FAULT: the node ended with code ${code}`)
process.exitCode = tally.wrong.length === 0 && tally.rounds === rounds && code === 0 ? 0 : 1
