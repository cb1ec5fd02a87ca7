/** A soak of a simulation: one seed after the other, until a promise is broken. */

const REPORT_MS = 10_000

/**
 * The first seed is `SKYNET_SEED`, else one from the clock; `SKYNET_RUNS` says how many.
 *
 * @param simulate Throws when a promise was broken.
 * @param what Of its runs: `schedules`.
 * @param batch So many, then what ends with a turn of the event loop is let end.
 */
export async function simulateSeeds(
  simulate: (seed: number) => unknown,
  what: string,
  batch: number,
): Promise<void> {
  const first = Number(process.env.SKYNET_SEED ?? Date.now()) >>> 0
  const runs = Number(process.env.SKYNET_RUNS ?? 1_000_000)
  console.log(`${runs} ${what} from seed ${first}`)
  const startedAt = performance.now()
  let reportedAt = startedAt
  for (let run = 0; run < runs; run++) {
    simulate((first + run) >>> 0)
    if (run % batch > 0) continue
    await new Promise(setImmediate)
    const now = performance.now()
    if (now - reportedAt < REPORT_MS) continue
    reportedAt = now
    const perSecond = (run / (now - startedAt)) * 1000
    console.log(`${run} ${what}, ${perSecond.toFixed(0)} a second, seed ${(first + run) >>> 0}`)
  }
  console.log(`${runs} ${what} kept every promise`)
}
