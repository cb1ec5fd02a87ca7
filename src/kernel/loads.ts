/**
 * How many services each worker has, counted from the moment their launch is ordered, and which
 * incarnation of that worker has them: a worker that died is replaced by one that has none.
 *
 *   cell    incarnation (8) │ closed (1) │ count (23)
 *
 * In one cell, so that both change at once: an order that was counted for one incarnation is never
 * taken from the count of the next.
 */
import { WORKERS_MAX } from '../base/limits.ts'

const INCARNATION_SHIFT = 24
const CLOSED = 1 << 23
const COUNT_MASK = CLOSED - 1
/** Of two workers the one with the lower number is chosen: any open one before any closed one. */
const RANK_MASK = CLOSED | COUNT_MASK

/** A worker and its incarnation in one number. */
export type Place = number

export const workerAt = (place: Place): number => place % WORKERS_MAX

export class Loads {
  readonly #cells: Int32Array
  /** Workers for anybody: the first ones. Behind them are the places of dedicated ones. */
  readonly workers: number
  #next: number

  /** @param worker Where to begin when several are equal, so that not all choose the first. */
  constructor(memory: SharedArrayBuffer, worker: number, workers = memory.byteLength / 4) {
    this.#cells = new Int32Array(memory)
    this.workers = workers
    this.#next = worker
  }

  static memory(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(workers * 4)
  }

  /** Every worker that has services, dedicated ones too, and all that are for anybody. */
  inUse(): number[] {
    const all = Array.from(this.#cells.keys())
    return all.filter((worker) => worker < this.workers || this.of(worker) > 0)
  }

  /** The worker with the fewest services; of equals, each in turn. */
  least(): number {
    const length = this.workers
    let best = this.#next % length
    for (let step = 1; step < length; step++) {
      const worker = (this.#next + step) % length
      if (this.#rank(worker) < this.#rank(best)) best = worker
    }
    this.#next = (best + 1) % length
    return best
  }

  #rank(worker: number): number {
    return Atomics.load(this.#cells, worker) & RANK_MASK
  }

  /** Nobody is there at the moment: others are chosen. */
  close(worker: number): void {
    Atomics.or(this.#cells, worker, CLOSED)
  }

  open(worker: number): void {
    Atomics.and(this.#cells, worker, ~CLOSED)
  }

  /** Count one more. Returns whom it was counted for. */
  add(worker: number): Place {
    return placeOf(worker, Atomics.add(this.#cells, worker, 1))
  }

  /** One less, if the worker is still the one that it was counted for. */
  remove(place: Place): void {
    const worker = workerAt(place)
    for (;;) {
      const seen = Atomics.load(this.#cells, worker)
      if (placeOf(worker, seen) !== place || (seen & COUNT_MASK) === 0) return
      if (Atomics.compareExchange(this.#cells, worker, seen, seen - 1) === seen) return
    }
  }

  of(worker: number): number {
    return Atomics.load(this.#cells, worker) & COUNT_MASK
  }

  /** The worker as it is now. */
  placeOf(worker: number): Place {
    return placeOf(worker, Atomics.load(this.#cells, worker))
  }

  /** The worker died: what comes in its place has nothing. Returns the one that is gone. */
  restart(worker: number): Place {
    for (;;) {
      const seen = Atomics.load(this.#cells, worker)
      const next = ((seen >>> INCARNATION_SHIFT) + 1) << INCARNATION_SHIFT
      if (Atomics.compareExchange(this.#cells, worker, seen, next) === seen) {
        return placeOf(worker, seen)
      }
    }
  }
}

function placeOf(worker: number, cell: number): Place {
  return (cell >>> INCARNATION_SHIFT) * WORKERS_MAX + worker
}
