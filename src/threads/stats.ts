/** Asking the workers of a node, from the main thread, what they hold. */
import type { WorkerStats } from '../service/stats.ts'
import type { Thread } from './thread.ts'
import { within } from './within.ts'

/** Of those that answer within `statsMs`. */
export async function askWorkers(
  threads: readonly Thread[],
  statsMs: number,
): Promise<WorkerStats[]> {
  const found: WorkerStats[] = []
  const answers = threads.map(async (thread) => {
    const answer = thread.next('stats')
    thread.tell({ kind: 'stats' })
    const report = await answer
    if (report.kind === 'stats') found.push(report.stats)
  })
  await within(statsMs, Promise.allSettled(answers))
  return found.sort((a, b) => a.worker - b.worker)
}
