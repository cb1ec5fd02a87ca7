/**
 * What happens to a cluster over NATS, again and again: `node dist/test/soak/nats.soak.js
 * [--rounds 20] [--only held]`. Each round begins anew, with servers and nodes of its own. The exit
 * code is 1 when one fails.
 */
import { parseArgs } from 'node:util'
import { messageOf } from '../../src/base/thrown.ts'
import { type Measured, NATS_SCENARIOS } from '../support/nats-scenarios.ts'
import { isNatsInstalled, NATS_LEFT_OUT } from '../support/nats-server.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
  },
})
const rounds = Number(values.rounds)

async function repeat(what: string, act: () => Promise<Measured>): Promise<void> {
  const seen = new Map<string, number[]>()
  let faults = 0
  for (let round = 1; round <= rounds; round++) {
    try {
      for (const [name, ms] of Object.entries(await act())) {
        seen.set(name, [...(seen.get(name) ?? []), ms])
      }
    } catch (error) {
      faults++
      console.log(`  FAULT in round ${round} of '${what}': ${messageOf(error)}`)
      process.exitCode = 1
    }
  }
  const figures = [...seen].map(([name, all]) => {
    const sorted = all.sort((one, other) => one - other).map(Math.round)
    return `${name} ${sorted[sorted.length >> 1]} (most ${sorted.at(-1)})`
  })
  console.log(`  ${what}: ${rounds - faults} of ${rounds}; ${figures.join(', ')}`)
}

if (isNatsInstalled()) {
  const wanted = Object.entries(NATS_SCENARIOS).filter(([what]) => what.includes(values.only))
  console.log(`${wanted.length} scenarios, ${rounds} rounds each; milliseconds, in the middle`)
  for (const [what, act] of wanted) await repeat(what, act)
} else console.log(NATS_LEFT_OUT)
