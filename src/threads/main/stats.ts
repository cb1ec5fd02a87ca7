/** Asking the workers of a node, from the main thread, what they hold. */
import type { WorkerStats } from '../../service/stats.ts'
import type { Thread } from './thread.ts'

/** Of those that answer within `statsMs`. */
export async function askWorkers(
  threads: readonly Thread[],
  statsMs: number,
): Promise<WorkerStats[]> {
  const answers = threads.map((thread) => thread.ask({ kind: 'stats' }, 'stats', statsMs))
  const found = (await Promise.all(answers)).flatMap((answer) => answer?.stats ?? [])
  return found.sort((a, b) => a.worker - b.worker)
}
