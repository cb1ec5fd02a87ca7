/** What may be said: so much at once, and so much a second after that. Both ends count with it. */
export class Allowance {
  readonly #most: number
  readonly #perMs: number
  #left: number
  #at: number

  /** @param now Milliseconds of a clock that never goes back. */
  constructor(most: number, perSecond: number, now: number) {
    this.#most = most
    this.#perMs = perSecond / 1000
    this.#left = most
    this.#at = now
  }

  /** How long the next one has to wait: whole milliseconds. */
  waitMs(now: number): number {
    this.#left = Math.min(this.#most, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    return Math.max(0, Math.ceil((1 - this.#left) / this.#perMs))
  }

  /** So many are said: also those that should have waited, for which the next ones wait longer. */
  take(count: number): void {
    this.#left -= count
  }
}
