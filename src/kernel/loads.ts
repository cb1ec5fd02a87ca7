/**
 * How many services each worker has, counted from the moment their launch is ordered, and which
 * incarnation of that worker has them: a worker that died is replaced by one that has none.
 *
 *   cell    incarnation (7) │ closed (1) │ count (24)
 *
 * In one cell, so that all change at once: an order that was counted for one incarnation is never
 * taken from the count of the next.
 *
 * Each is written with one atomic step. The count: whoever orders a launch raises it, and lowers it
 * when the order cannot be given; the worker lowers it when a service ends. The rest: the main
 * thread. It begins the next incarnation when the worker has died (`restart`), and once more when
 * no other could be started in its place (`close`), which closes it in the same step until one runs
 * (`open`). After `restart` and `close` it tells the other workers which incarnation is gone.
 *
 * Whoever gives an order counts it, looks whether the incarnation that it was counted for is open
 * (`isOpen`), and gives it or takes it from the count again; all in one turn, at whose end it is
 * noted who waits. So the order is refused, or a worker reads it, or the news that its incarnation
 * is gone comes after that turn: nobody waits for ever. An order that is never read would be taken
 * for one of today after 128 incarnations, that is 64 shortages with nobody there in between.
 */
import assert from 'node:assert/strict'
import { HANDLE_ID_MAX, WORKERS_MAX } from '../base/limits.ts'

const INCARNATION_SHIFT = 25
const CLOSED = 1 << 24
const COUNT_MASK = CLOSED - 1
assert.ok(COUNT_MASK >= HANDLE_ID_MAX, 'one worker may have all services there can be')
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

  /** Count one more. Returns whom it was counted for: look if that `isOpen`, then order it. */
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

  /** False: that worker is gone, or takes no orders at the moment. */
  isOpen(place: Place): boolean {
    const seen = Atomics.load(this.#cells, workerAt(place))
    return (seen & CLOSED) === 0 && placeOf(workerAt(place), seen) === place
  }

  /** The worker died: what comes in its place has nothing. Returns the one that is gone. */
  restart(worker: number): Place {
    return this.#renew(worker, 0)
  }

  /**
   * Nothing comes in its place at the moment: others are chosen, and orders are refused. Returns
   * the one that is gone, for which some may have been given since the death.
   */
  close(worker: number): Place {
    return this.#renew(worker, CLOSED)
  }

  /** There is one again. */
  open(worker: number): void {
    Atomics.and(this.#cells, worker, ~CLOSED)
  }

  #renew(worker: number, closed: number): Place {
    for (;;) {
      const seen = Atomics.load(this.#cells, worker)
      const next = (((seen >>> INCARNATION_SHIFT) + 1) << INCARNATION_SHIFT) | closed
      if (Atomics.compareExchange(this.#cells, worker, seen, next) === seen) {
        return placeOf(worker, seen)
      }
    }
  }
}

function placeOf(worker: number, cell: number): Place {
  return (cell >>> INCARNATION_SHIFT) * WORKERS_MAX + worker
}
