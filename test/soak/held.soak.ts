/**
 * Three hundred times each a handler is asked for its stack while it is in native code, and comes
 * back at a random moment; the monitor leaves it alone, or ends its worker. `ROUNDS` of the
 * environment is another number, `SEED` repeats a run. A thread that stands for ever is a hang.
 */
import { heldRounds } from '../support/held.ts'
import { seedOf } from '../support/seed.ts'

const rounds = Number(process.env.ROUNDS ?? 300)
const seed = seedOf()

console.log(`${rounds} rounds, SEED=${seed}`)
for (const action of ['keep', 'kill'] as const) {
  const { answered, dead, others } = await heldRounds(rounds, seed, action)
  console.log(`  ${action}: ${answered} calls were answered, ${dead} ended with their worker`)
  if (others.length > 0) console.log('  and what should not be:', others)
  if (answered + dead !== rounds) process.exitCode = 1
}
