/** Servers under load, compared by the clock and by the CPU time that they take. */
import type { BenchOptions, Measure, Row } from './bench.ts'
import type { Child } from './child.ts'
import { contest, type Side, twofold } from './contest.ts'

/** A server, and what keeps it busy. */
export interface Served {
  readonly name: string
  readonly server: Child
  /** Keep it busy for so many seconds: completions a second. */
  load(seconds: number): Promise<Measure>
}

/** Two rows: as fast as it is, and for each second of CPU of all threads of the server. */
export async function contestByCpu(
  what: string,
  ours: Served,
  other: Served,
  options: BenchOptions,
): Promise<Row[]> {
  const unit = '/s' as const
  const [mine, mineByCpu] = sidesOf(ours, options)
  const [theirs, theirsByCpu] = sidesOf(other, options)
  const perCpu = `${what}: per second of CPU`
  return [
    ...(await contest({ what, unit, ours: mine, others: [theirs] }, options)),
    ...(await contest({ what: perCpu, unit, ours: mineByCpu, others: [theirsByCpu] }, options)),
  ]
}

function sidesOf(
  { name, server, load }: Served,
  { seconds, warmSeconds }: BenchOptions,
): readonly [Side, Side] {
  return twofold(name, async () => {
    await load(warmSeconds)
    const before = await server.request<number>('cpuMs')
    const byClock = await load(seconds)
    const cpuMs = (await server.request<number>('cpuMs')) - before
    const { completed } = byClock
    return [byClock, { completed, value: (completed * 1000) / cpuMs }]
  })
}
