/**
 * Hostile peers against a real node: `node dist/test/soak/hostile.soak.js [--seconds 60]
 * [--scale 1] [names…]`. A name chooses every scenario that contains it. The exit code is 1 when a
 * well-behaved client has lost something, or the node has leaked, or taken too much memory.
 */
import { parseArgs } from 'node:util'
import { descriptorsMax } from '../../bench/support/descriptors.ts'
import { attack } from './support/attack.ts'
import { Rig } from './support/rig.ts'
import { SCENARIOS, type Scenario } from './support/scenarios.ts'

/** Twice 5,000 idle clients and 1,000 busy ones end in one process. */
const DESCRIPTORS_FULL = 12_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    scale: { type: 'string', default: '1' },
  },
})
const seconds = positive('seconds', values.seconds)
const scale = positive('scale', values.scale)
const chosen = SCENARIOS.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
)
if (chosen.length === 0) {
  const names = SCENARIOS.map(({ name }) => `  ${name}\n`).join('')
  process.stderr.write(`Cannot find a scenario named '${positionals.join(' ')}'\n${names}`)
  process.exitCode = 1
}
for (const scenario of chosen) if (!(await run(scenario))) process.exitCode = 1

/** A node of its own for each: memory that one has touched hides what the next one takes. */
async function run(scenario: Scenario): Promise<boolean> {
  const possible = Math.min(scale, descriptorsMax() / DESCRIPTORS_FULL)
  if (possible < scale) console.log(`scaled to ${possible.toFixed(2)}: too few descriptors`)
  try {
    await using rig = await Rig.start()
    const { lines, faults } = await attack(rig, scenario, { seconds, scale: possible })
    for (const line of lines) console.log(line)
    for (const fault of faults) console.log(`  FAULT: ${fault}`)
    return faults.length === 0
  } catch (error) {
    console.log(`${scenario.name}\n  FAULT: ${(error as Error).message}`)
    return false
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0) return value
  throw new RangeError(`Cannot run as '${name}' must be above 0: current value is ${text}`)
}
