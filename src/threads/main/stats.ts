/** What a node holds: counted by the main thread, and asked of its workers. */

import type { WorkerStats } from '../../debug/stats.ts'
import type { Handles } from '../../kernel/handles.ts'
import { Loads } from '../../kernel/loads.ts'
import { Slots } from '../../net/slots.ts'
import { type SocketTotals, Totals } from '../../net/totals.ts'
import type { NodeMemory } from '../memory.ts'
import type { Thread } from './thread.ts'

/** What a node holds at one moment. */
export interface NodeStats {
  readonly services: number
  /** Socket slots in use, listeners included. */
  readonly sockets: number
  /** Services on each worker, also those being launched; behind, of dedicated ones in use. */
  readonly load: readonly number[]
  /** What the sockets did since the node began: also those that are gone. */
  readonly socketTotals: SocketTotals
}

/** @param shared How many workers are for anybody. */
export function countNode(memory: NodeMemory, handles: Handles, shared: number): NodeStats {
  const slots = new Slots(memory.slots)
  const loads = new Loads(memory.loads, 0, shared)
  return {
    services: handles.count,
    sockets: slots.countUsed(),
    load: loads.inUse().map((worker) => loads.of(worker)),
    socketTotals: new Totals(memory.totals, slots).read(),
  }
}

/** Of those that answer within `statsMs`. */
export async function askWorkers(
  threads: readonly Thread[],
  statsMs: number,
): Promise<WorkerStats[]> {
  const answers = threads.map((thread) => thread.ask({ kind: 'stats' }, 'stats', statsMs))
  const found = (await Promise.all(answers)).flatMap((answer) => answer?.stats ?? [])
  return found.sort((a, b) => a.worker - b.worker)
}
