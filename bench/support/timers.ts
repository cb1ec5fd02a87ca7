/** Many timers at once, of whatever kind. The same code for both sides. */
import type { Measure } from './bench.ts'
import { type Memory, settledMemory } from './settled.ts'

const DELAY_MS_MAX = 1000

export interface Timers<T> {
  set(ms: number, fire: () => void): T
  cancel(timer: T): void
}

/**
 * Set `count` timers and wait until all have fired. They take a second to come due: what counts is
 * how much time the processor spent, in the whole process.
 */
export async function fireAll<T>({ set }: Timers<T>, count: number): Promise<Measure> {
  const before = process.cpuUsage()
  let fired = 0
  await new Promise<void>((resolve) => {
    const fire = (): void => {
      fired++
      if (fired === count) resolve()
    }
    for (let i = 0; i < count; i++) set(delay(), fire)
  })
  const { user, system } = process.cpuUsage(before)
  return { completed: fired, value: (fired * 1e6) / (user + system) }
}

/** Set `count` timers, then cancel them all. Throws when one fires all the same. */
export async function cancelAll<T>({ set, cancel }: Timers<T>, count: number): Promise<Measure> {
  let fired = 0
  const timers: T[] = []
  const startedAt = performance.now()
  const fire = (): void => {
    fired++
  }
  // Further away than any of this takes.
  for (let i = 0; i < count; i++) timers.push(set(60_000 + delay(), fire))
  for (const timer of timers) cancel(timer)
  const value = (count * 1000) / (performance.now() - startedAt)
  if (fired > 0) throw new Error(`${fired} cancelled timers fired`)
  return { completed: count, value }
}

/** What the process has grown by `count` timers that wait, and that nobody else refers to. */
export async function holdAll<T>({ set }: Timers<T>, count: number): Promise<Memory> {
  const before = await settledMemory()
  const fire = (): void => {}
  // Further away than the measuring takes.
  for (let i = 0; i < count; i++) set(60_000 + delay(), fire)
  const after = await settledMemory()
  return { heap: after.heap - before.heap, rss: after.rss - before.rss }
}

const delay = (): number => 1 + Math.floor(Math.random() * DELAY_MS_MAX)
