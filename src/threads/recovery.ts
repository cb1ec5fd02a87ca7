/**
 * What a worker that died has left in shared memory, and how it is mended. Runs on the main thread,
 * after that thread has ended and before another takes its number. docs/architecture.md has the
 * table of what can be left how.
 */
import { CLAIM, claimOf } from '../base/claim.ts'
import type { Doorbells } from '../base/doorbell.ts'
import { delay } from '../base/event-loop.ts'
import { COMMAND_RING_BYTES, RING_BYTES } from '../base/limits.ts'
import type { Blocks } from '../base/memory.ts'
import { ManyRing } from '../base/ring.ts'
import { Channels } from '../kernel/channels.ts'
import { Env } from '../kernel/env.ts'
import { Handles } from '../kernel/handles.ts'
import { Loads, type Place } from '../kernel/loads.ts'
import { Names } from '../kernel/names.ts'
import { Snapshots } from '../kernel/snapshots.ts'
import { Slots } from '../net/slots.ts'
import { commandRingOf, mainThreadOf, type NodeMemory, socketThreadOf } from './memory.ts'

/** Between two looks at a lock that a living thread has. */
const LOOK_MS = 1

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

/** It may have ended between a reservation and its publishing: no reader gets over that. */
function endReservation(memory: NodeMemory, bells: Doorbells, worker: number): void {
  const claim = claimOf(memory.claims, worker)
  const number = claim[CLAIM.ring]! - 1
  if (number < 0) return
  const isCommand = number === commandRingOf(memory)
  const buffer = isCommand ? memory.commands : memory.messages[number]!
  const region = { buffer, bytes: Buffer.from(buffer), address: 0 }
  const ring = new ManyRing(region, 0, isCommand ? COMMAND_RING_BYTES : RING_BYTES)
  ring.abandon(claim[CLAIM.unit]!, claim[CLAIM.units]!)
  claim.fill(0)
  bells.ring(isCommand ? socketThreadOf(memory) : number)
}
