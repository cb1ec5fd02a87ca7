/**
 * Multicast channels: which workers have subscribers. One table for all threads.
 *
 *   id (53 bits)   stamp (u32) │ slot (16)
 *   slot           stamp │ one bit for each worker, and one more: MIRROR
 *
 * The stamp is odd while the channel is there. It goes up by one when the channel is made and when
 * it is ended, so a stale id stays dead. A worker alone sets and clears its own bit:
 *
 *   join                                   end
 *   1  set the own bit                     1  stamp + 1, by compare-and-swap
 *   2  load the stamp; if it moved: undo   2  load the bits, tell those workers
 *
 * Each stores, then loads what the other stores. So either `end` sees the bit and tells the worker,
 * or `join` sees the end: no subscriber waits for a channel that is gone.
 *
 * MIRROR is of a channel that stands for one of another node (cluster/shared-channels.ts). It is
 * found by that when the worker that has made it is gone.
 *
 * A slot is taken again only when no bit is left in it, that is when every worker has dealt with
 * the end of the channel before. So nobody clears a bit that means the next channel.
 */
import assert from 'node:assert/strict'
import { SkynetError } from '../base/errors.ts'
import { CHANNELS_MAX } from '../base/limits.ts'

const SLOTS_PER_ID = 65_536
assert.ok(CHANNELS_MAX <= SLOTS_PER_ID, 'the low 16 bits of a channel id are its slot')
/** Any thread, by atomic add: the slot to try first for the next channel. */
const NEXT = 0
const HEADER_CELLS = 16
const cellsPerSlot = (workers: number): number => 1 + Math.ceil((workers + 1) / 32)

export class Channels {
  readonly #cells: Int32Array
  /** Their bits are 0 … workers - 1, that of MIRROR is behind them. */
  readonly #workers: number
  readonly #slotCells: number
  readonly #slots: number

  /** Every thread makes its own object over the same memory. */
  constructor(memory: SharedArrayBuffer, workers: number) {
    this.#cells = new Int32Array(memory)
    this.#workers = workers
    this.#slotCells = cellsPerSlot(workers)
    this.#slots = (this.#cells.length - HEADER_CELLS) / this.#slotCells
  }

  /** @param channels Fewer than the real `CHANNELS_MAX` are for tests. */
  static memory(workers: number, channels = CHANNELS_MAX): SharedArrayBuffer {
    return new SharedArrayBuffer((HEADER_CELLS + channels * cellsPerSlot(workers)) * 4)
  }

  /**
   * The id of a new channel. Any thread.
   *
   * @throws {SkynetError} `ERR_CHANNEL_LIMIT`.
   */
  create(): number {
    const cells = this.#cells
    for (let tries = this.#slots; tries > 0; tries--) {
      const slot = (Atomics.add(cells, NEXT, 1) >>> 0) % this.#slots
      const at = HEADER_CELLS + slot * this.#slotCells
      const stamp = Atomics.load(cells, at)
      if (stamp & 1 || this.#next(at, 0) >= 0) continue
      if (Atomics.compareExchange(cells, at, stamp, (stamp + 1) | 0) !== stamp) continue
      return ((stamp + 1) >>> 0) * SLOTS_PER_ID + slot
    }
    throw new SkynetError('ERR_CHANNEL_LIMIT', { limit: this.#slots })
  }

  /** Is the channel there now? Any thread; any number. */
  has(id: number): boolean {
    const slot = id % SLOTS_PER_ID
    if (!(slot >= 0 && slot < this.#slots && Number.isSafeInteger(id))) return false
    const stamp = Atomics.load(this.#cells, HEADER_CELLS + slot * this.#slotCells) >>> 0
    return (stamp & 1) === 1 && stamp === Math.floor(id / SLOTS_PER_ID)
  }

  /** False: it was not there (any more). Then tell the workers of `nextWorker`. Any thread. */
  end(id: number): boolean {
    if (!this.has(id)) return false
    const stamp = Math.floor(id / SLOTS_PER_ID) | 0
    return Atomics.compareExchange(this.#cells, this.#at(id), stamp, (stamp + 1) | 0) === stamp
  }

  /** From now on `worker` has subscribers. False: the channel is not there. That worker alone. */
  join(id: number, worker: number): boolean {
    if (!this.has(id)) return false
    this.#setBit(id, worker)
    if (this.has(id)) return true
    this.leave(id, worker)
    return false
  }

  /** After `join` only: `worker` has no subscribers any more. That worker alone. */
  leave(id: number, worker: number): void {
    Atomics.and(this.#cells, this.#at(id) + 1 + (worker >>> 5), ~(1 << (worker & 31)))
  }

  /** It stands for one of another node, or not any more. The worker of the cluster alone. */
  setMirror(id: number, isMirror: boolean): void {
    if (isMirror) this.#setBit(id, this.#workers)
    else this.leave(id, this.#workers)
  }

  /** Those that stand for channels of other nodes. */
  mirrors(): number[] {
    const found: number[] = []
    for (let slot = 0; slot < this.#slots; slot++) {
      const at = HEADER_CELLS + slot * this.#slotCells
      const stamp = Atomics.load(this.#cells, at) >>> 0
      if (this.#next(at, this.#workers) >= 0) found.push(stamp * SLOTS_PER_ID + slot)
    }
    return found
  }

  /** The worker died: it has no subscribers. Whoever clears up after it, before the next joins. */
  forget(worker: number): void {
    for (let slot = 0; slot < this.#slots; slot++) {
      const at = HEADER_CELLS + slot * this.#slotCells
      Atomics.and(this.#cells, at + 1 + (worker >>> 5), ~(1 << (worker & 31)))
    }
  }

  /** The first worker from number `from` on that has subscribers, or -1. */
  nextWorker(id: number, from: number): number {
    const found = this.#next(this.#at(id), from)
    return found < this.#workers ? found : -1
  }

  #setBit(id: number, bit: number): void {
    Atomics.or(this.#cells, this.#at(id) + 1 + (bit >>> 5), 1 << (bit & 31))
  }

  #at(id: number): number {
    return HEADER_CELLS + (id % SLOTS_PER_ID) * this.#slotCells
  }

  /** The first bit from number `from` on, that of MIRROR included. */
  #next(at: number, from: number): number {
    for (let bit = from; bit <= this.#workers; ) {
      const bits = Atomics.load(this.#cells, at + 1 + (bit >>> 5)) >>> (bit & 31)
      if (bits !== 0) return bit + 31 - Math.clz32(bits & -bits)
      bit = (bit | 31) + 1
    }
    return -1
  }
}
