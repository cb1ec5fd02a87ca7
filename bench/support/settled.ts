/** Memory after garbage collection. For processes started with --expose-gc. */
import { setTimeout as sleep } from 'node:timers/promises'
import { collector } from '../../src/base/collector.ts'

const gc = collector()

export interface Memory {
  /** Of this thread alone. */
  readonly heap: number
  /** Of the whole process. */
  readonly rss: number
}

/** Collect the garbage of this thread, until nothing more is found. */
export async function collect(): Promise<void> {
  let before = Number.POSITIVE_INFINITY
  for (let round = 0; round < 8; round++) {
    gc()
    // Finalizers, and the pages that V8 gives back, come after.
    await sleep(20)
    const { heapUsed, external } = process.memoryUsage()
    const now = heapUsed + external
    if (now > before * 0.999) return
    before = now
  }
}

export async function settledMemory(): Promise<Memory> {
  await collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

export async function settledRss(): Promise<number> {
  await collect()
  return process.memoryUsage.rss()
}
