/** How many services each worker has, counted from the moment their launch is ordered. */
export class Loads {
  readonly #cells: Int32Array
  #next: number

  /** @param worker Where to begin when several are equal, so that not all choose the first. */
  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#cells = new Int32Array(memory)
    this.#next = worker
  }

  static memory(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(workers * 4)
  }

  get workers(): number {
    return this.#cells.length
  }

  /** The worker with the fewest services; of equals, each in turn. */
  least(): number {
    const { length } = this.#cells
    let best = this.#next % length
    for (let step = 1; step < length; step++) {
      const worker = (this.#next + step) % length
      if (Atomics.load(this.#cells, worker) < Atomics.load(this.#cells, best)) best = worker
    }
    this.#next = (best + 1) % length
    return best
  }

  add(worker: number): void {
    Atomics.add(this.#cells, worker, 1)
  }

  remove(worker: number): void {
    Atomics.sub(this.#cells, worker, 1)
  }

  of(worker: number): number {
    return Atomics.load(this.#cells, worker)
  }
}
