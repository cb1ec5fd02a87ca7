/**
 * How long a store has said what cannot be, by what is known of it. A server that has just begun to
 * lead may not have caught up with what it leads. And a time in which none answers says nothing:
 * only answers count, each for as long as there was none before, and for `partMs` at most.
 */
export class Hesitation {
  readonly #partMs: number
  #ms = 0
  /** Of the last such answer; undefined: there is none. */
  #at: number | undefined

  constructor(partMs: number) {
    this.#partMs = partMs
  }

  get isThere(): boolean {
    return this.#at !== undefined
  }

  /** One more such answer. @returns How long there have been only such. */
  add(now: number): number {
    this.#ms = this.#at === undefined ? 0 : this.#ms + Math.min(now - this.#at, this.#partMs)
    this.#at = now
    return this.#ms
  }

  end(): void {
    this.#at = undefined
  }
}
