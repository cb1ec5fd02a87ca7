/**
 * What a worker that died has left in shared memory, and how it is mended. Runs on the main thread,
 * after that thread has ended and before another takes its number. docs/architecture.md has the
 * table of what can be left how.
 */

import { delay } from '../../base/event-loop.ts'
import { Channels } from '../../kernel/channels.ts'
import { Env } from '../../kernel/env.ts'
import { Handles } from '../../kernel/handles.ts'
import { Loads, type Place } from '../../kernel/loads.ts'
import { Names } from '../../kernel/names.ts'
import { Snapshots } from '../../kernel/snapshots.ts'
import { Slots } from '../../net/slots.ts'
import type { Doorbells } from '../../shm/doorbell.ts'
import type { Blocks } from '../../shm/memory.ts'
import { mainThreadOf, type NodeMemory } from '../memory.ts'
import { dropMessages, endReservation, freeNatives } from './lost-records.ts'

/** Between two looks at a lock that a living thread has. */
const LOOK_MS = 1

/** What went with a worker. */
export interface Loss {
  readonly place: Place
  /** Its services. */
  readonly handles: readonly number[]
}

export async function clearUp(
  memory: NodeMemory,
  harbor: number,
  bells: Doorbells,
  blocks: Blocks,
  worker: number,
): Promise<Loss> {
  endReservation(memory, bells, worker)
  freeNatives(memory, worker)
  // Nobody counts or routes anything for it from here on.
  const place = new Loads(memory.loads, 0).restart(worker)
  const handles = new Handles(memory.handles, harbor)
  const { dead, named } = handles.retireAll(worker)
  new Slots(memory.slots).inheritTokens(worker, mainThreadOf(memory))
  const holder = mainThreadOf(memory) + 1
  new Channels(memory.channels, memory.workers).forget(worker)
  new Env(memory.env, {}, holder).repair(worker + 1)
  new Snapshots(memory.snapshots, blocks, holder).repair(worker + 1)
  const names = new Names(memory.names, handles, holder)
  while (!names.repair(named, worker + 1)) await delay(LOOK_MS)
  return { place, handles: dead }
}

/**
 * A node is over, and no thread of it is left: free what its memory leads to and the garbage
 * collector does not know, which is shared data and messages beside the ring that nobody has taken.
 */
export function dropBlocks(memory: NodeMemory, bells: Doorbells, blocks: Blocks): void {
  const snapshots = new Snapshots(memory.snapshots, blocks, mainThreadOf(memory) + 1)
  // As after any death: a worker that was ended by force may have a lock, or not have published.
  for (let worker = 0; worker < memory.workers; worker++) {
    snapshots.repair(worker + 1)
    endReservation(memory, bells, worker)
    freeNatives(memory, worker)
  }
  snapshots.clear()
  dropMessages(memory, blocks)
}
