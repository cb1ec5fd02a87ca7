/** How long things took, in a few numbers. */

export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Counts in steps of 5 %, so that it stays small however much is counted. */
const STEP = Math.log(1.05)
const SMALLEST_MS = 0.01

export class Latency {
  #counts: number[] = []
  #max = 0
  #count = 0

  add(ms: number): void {
    const at = Math.max(0, Math.ceil(Math.log(ms / SMALLEST_MS) / STEP))
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#max = Math.max(this.#max, ms)
    this.#count++
  }

  clear(): void {
    this.#counts = []
    this.#max = 0
    this.#count = 0
  }

  spread(): Spread {
    return { count: this.#count, p50: this.#at(0.5), p99: this.#at(0.99), max: this.#max }
  }

  #at(share: number): number {
    let left = this.#count * share
    for (const [at, count] of this.#counts.entries()) {
      left -= count ?? 0
      if (left <= 0) return Math.min(this.#max, SMALLEST_MS * Math.exp(at * STEP))
    }
    return this.#max
  }
}

export const spreadText = ({ p50, p99, max }: Spread): string =>
  `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(0)} ms`
