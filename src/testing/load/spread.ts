/** How long things took, in counts of steps: it stays small however much is counted. */

/** A step is so much longer than the one before: percentiles are that exact. */
const STEP = Math.log(1.02)
const LEAST_MS = 0.001

export class Spread {
  readonly #counts: number[] = []
  #count = 0
  #max = 0

  get count(): number {
    return this.#count
  }

  get maxMs(): number {
    return this.#max
  }

  add(ms: number): void {
    const at = ms <= LEAST_MS ? 0 : Math.ceil(Math.log(ms / LEAST_MS) / STEP)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#max = Math.max(this.#max, ms)
    this.#count++
  }

  /** So long, or shorter, took that share of them. 0 when there are none. */
  at(share: number): number {
    let left = this.#count * share
    for (const [at, count] of this.#counts.entries()) {
      left -= count ?? 0
      if (left <= 0) return Math.min(this.#max, LEAST_MS * Math.exp(at * STEP))
    }
    return this.#max
  }
}
