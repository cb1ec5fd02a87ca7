/**
 * A million inputs for each parser that sees the bytes of a peer. `SKYNET_SEED` is the first seed,
 * by default one from the clock; `SKYNET_RUNS` says how many; names of parsers choose those: `node
 * dist/test/soak/fuzz.soak.js json`. The exit code is 1 when one has a fault.
 */
import { fuzz } from '../support/fuzz.ts'
import { PARSERS } from '../support/parsers.ts'

const first = Number(process.env.SKYNET_SEED ?? Date.now()) >>> 0
const count = Number(process.env.SKYNET_RUNS ?? 1_000_000)
const wanted = process.argv.slice(2)

console.log(`${count} inputs for each parser from seed ${first}`)
for (const { name } of PARSERS) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const startedAt = performance.now()
  const fault = await fuzz(name, { first, count })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  console.log(fault === undefined ? `  ${name}: well, ${seconds} s` : `  FAULT: ${fault}`)
  if (fault !== undefined) process.exitCode = 1
}
