/**
 * What a thread has reserved in a ring and not published yet. A thread that is terminated in
 * between would leave a gap that no reader gets over: its row says where, and whoever clears up
 * after it publishes the gap as padding.
 *
 * A thread ends only where V8 looks for interrupts: at the entry of a function and at the end of a
 * round of a loop, never between two statements. So a reservation and its claim, publishing and the
 * end of the claim, stand side by side in one function each, with nothing to call between them.
 */
import { layout } from './layout.ts'

/** One thread, on a cache line of its own. All written by that thread. */
export const CLAIM = layout({
  ring: 1, // number of the ring + 1; 0: nothing is reserved
  unit: 1, // where in the ring, in units of 8 bytes
  units: 1, // how much
  unused: 13,
})

export const createClaims = (threads: number): SharedArrayBuffer =>
  new SharedArrayBuffer(threads * CLAIM.CELLS * 4)

/** How a writer names itself and a ring. */
export interface ClaimWriter {
  readonly claims: SharedArrayBuffer
  readonly thread: number
  /** Number of the ring among those of the node. */
  readonly ring: number
}

export const claimOf = (claims: SharedArrayBuffer, thread: number): Int32Array =>
  new Int32Array(claims, thread * CLAIM.CELLS * 4, CLAIM.CELLS)
