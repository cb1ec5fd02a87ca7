/**
 * What a thread which is over has left: in the rings a record that it has not published, and
 * messages that nobody will take; objects outside JavaScript. Of the main thread.
 */

import { COMMAND_RING_BYTES, RING_BYTES } from '../../base/limits.ts'
import { BLOCK_FLAG } from '../../kernel/record-type.ts'
import { freeObjects } from '../../os/openssl.ts'
import { CLAIM, claimOf } from '../../shm/claim.ts'
import type { Doorbells } from '../../shm/doorbell.ts'
import type { Blocks } from '../../shm/memory.ts'
import { NativeObjects } from '../../shm/native-objects.ts'
import { ManyRing } from '../../shm/ring.ts'
import { commandRingOf, type NodeMemory, socketThreadOf } from '../memory.ts'

/** How much of a ring is read before it is freed for the next. */
const RECORDS_PER_READ = 1024

/** It may have ended between a reservation and its publishing: no reader gets over that. */
export function endReservation(memory: NodeMemory, bells: Doorbells, worker: number): void {
  const claim = claimOf(memory.claims, worker)
  const number = claim[CLAIM.ring]! - 1
  if (number < 0) return
  const isCommand = number === commandRingOf(memory)
  const buffer = isCommand ? memory.commands : memory.messages[number]!
  const { ring } = ringOf(buffer, isCommand ? COMMAND_RING_BYTES : RING_BYTES)
  ring.abandon(claim[CLAIM.unit]!, claim[CLAIM.units]!)
  claim.fill(0)
  bells.ring(isCommand ? socketThreadOf(memory) : number)
}

export function freeNatives(memory: NodeMemory, worker: number): void {
  freeObjects(NativeObjects.takeAll(memory.natives, worker))
}

/** No reader is left: free the blocks that messages lead to. */
export function dropMessages(memory: NodeMemory, blocks: Blocks): void {
  for (const buffer of memory.messages) {
    const { ring, bytes } = ringOf(buffer, RING_BYTES)
    while (
      ring.read(RECORDS_PER_READ, (type, _a, _b, _session, at) => {
        const address = (type & BLOCK_FLAG) === 0 ? 0 : bytes.readDoubleLE(at)
        // 0: it was taken, and the record not yet freed.
        if (address !== 0) blocks.drop(address)
      }) > 0
    );
  }
}

function ringOf(buffer: SharedArrayBuffer, capacity: number): { ring: ManyRing; bytes: Buffer } {
  const region = { buffer, bytes: Buffer.from(buffer), address: 0 }
  return { ring: new ManyRing(region, 0, capacity), bytes: region.bytes }
}
