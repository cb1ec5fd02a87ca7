/**
 * What V8 is told of the heap of a worker that has a `memoryLimitMb`; heap-guard.ts says why it is
 * far more. Of the main thread.
 */
import { nodeFlags } from '../../base/node-flags.ts'

/** A table that takes all of the limit needs twice as much besides, to grow. */
const ROOM_FACTOR = 2
/** Tables that are small when one looks have grown to so much at the next look. */
const ROOM_MB_MIN = 512

/** What V8 is told. It is address space: what is not used is not touched. */
export const v8LimitMb = (memoryLimitMb: number): number =>
  memoryLimitMb + Math.max(memoryLimitMb * ROOM_FACTOR, ROOM_MB_MIN)

/** A flag of Node.js is the limit of every heap of the process, whatever a worker is given. */
export function isHeapSetByFlag(): boolean {
  return /--max[-_](old[-_]space|heap)[-_]size/.test(nodeFlags())
}
