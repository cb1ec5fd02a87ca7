/**
 * Writes from any thread but the socket thread straight to the kernel, where the rules of slots.ts
 * let it: nothing waits before them, and nobody else writes at the same time.
 */
import type { Clock } from '../../base/clock.ts'
import { isTransient } from '../../os/errno.ts'
import type { DatagramBatch, Os } from '../../os/os.ts'
import { tryLock, unlock } from '../../shm/lock.ts'
import { owe, PROTOCOL, SLOT, type Slots } from '../slots.ts'
import { STATE } from '../state.ts'
import { TOTAL, type TotalsRow } from '../totals.ts'

export interface DirectWritesOptions {
  readonly os: Os
  readonly slots: Slots
  readonly clock: Clock
  /** The row of this thread. */
  readonly row: TotalsRow
  /** The number of this thread among the doorbells. */
  readonly self: number
}

export class DirectWrites {
  readonly #options: DirectWritesOptions

  constructor(options: DirectWritesOptions) {
    this.#options = options
  }

  /** Count a send before its command is given: whoever looks sees it, and does not overtake it. */
  announce(id: number, length: number): void {
    const { slots } = this.#options
    const at = slots.at(id)
    Atomics.add(slots.cells, at + SLOT.pending, 1)
    Atomics.add(slots.cells, at + SLOT.queued, length)
  }

  /** Returns how much has left, or -1: it may not be written now. The rest is owed. */
  write(id: number, bytes: Uint8Array, length: number): number {
    const { os, slots, clock, row, self } = this.#options
    const { cells, floats } = slots
    const at = slots.at(id)
    if (!this.#isFree(id, at)) return -1
    if (!tryLock(cells, at + SLOT.token, self + 1)) return -1
    try {
      // Looked at again under the token: rule 3.
      if (!this.#isFree(id, at) || slots.protocolOf(id) !== PROTOCOL.stream) return -1
      const result = os.write(cells[at + SLOT.fd]!, bytes, 0, length)
      const written = Math.max(0, result)
      floats[(at + SLOT.bytesOut) >> 1]! += written
      row.add(TOTAL.sent, written)
      cells[at + SLOT.writeAt] = clock.now() | 0
      if (written < length) {
        this.announce(id, length - written)
        // An error is told once: the socket thread would find a socket without one.
        const hasFailed = result < 0 && !isTransient(result)
        Atomics.store(cells, at + SLOT.remainder, owe(self, hasFailed ? result : 0))
      }
      return written
    } finally {
      unlock(cells, at + SLOT.token)
    }
  }

  /**
   * Datagrams, in order, as far as they can leave now.
   *
   * @param failed Called for one that the system refused: it is lost, others go on.
   * @returns How many are done with: sent, or refused.
   */
  sendBatch(
    id: number,
    batch: DatagramBatch,
    count: number,
    failed: (errno: number) => void,
  ): number {
    const { slots, self } = this.#options
    const at = slots.at(id)
    if (!this.#isFree(id, at) || !tryLock(slots.cells, at + SLOT.token, self + 1)) return 0
    try {
      return this.#isFree(id, at) ? this.#sendNow(at, batch, count, failed) : 0
    } finally {
      unlock(slots.cells, at + SLOT.token)
    }
  }

  #sendNow(
    at: number,
    batch: DatagramBatch,
    count: number,
    failed: (errno: number) => void,
  ): number {
    const { os, slots, clock, row } = this.#options
    const { cells, floats } = slots
    let done = 0
    while (done < count) {
      const sent = os.sendBatch(cells[at + SLOT.fd]!, batch, done, count - done)
      if (isTransient(sent)) break
      if (sent < 0) {
        failed(sent)
        done++
        continue
      }
      for (let slot = done; slot < done + sent; slot++) {
        floats[(at + SLOT.bytesOut) >> 1]! += batch.lengths[slot]!
        row.add(TOTAL.sent, batch.lengths[slot]!)
      }
      cells[at + SLOT.writeAt] = clock.now() | 0
      done += sent
    }
    return done
  }

  #isFree(id: number, at: number): boolean {
    const { slots } = this.#options
    if (slots.stateOf(id) !== STATE.CONNECTED) return false
    return Atomics.load(slots.cells, at + SLOT.pending) === 0
  }
}
