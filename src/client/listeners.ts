/** Functions that are told something, in the order in which they were added. */
import { aFunction } from './check.ts'
import { FULL } from './full.ts'

export class Listeners<Values extends readonly unknown[]> {
  readonly #uncaught: (error: unknown) => void
  readonly #all = new Set<{ readonly listener: (...values: Values) => void }>()
  /** What is told now, and what happened meanwhile. */
  readonly #news: Values[] = []

  /** @param uncaught Is told what a listener throws. */
  constructor(uncaught: (error: unknown) => void) {
    this.#uncaught = uncaught
  }

  get isEmpty(): boolean {
    return this.#all.size === 0
  }

  /** The same function twice is told twice. @returns Takes it away again. */
  add(listener: (...values: Values) => void): () => void {
    if (FULL) aFunction('listen', 'listener', listener)
    const entry = { listener }
    this.#all.add(entry)
    return () => {
      this.#all.delete(entry)
    }
  }

  /**
   * What one throws keeps nothing from the others: `uncaught` is told. What one of them causes is
   * told when all know of what it was told.
   */
  tell(...values: Values): void {
    if (this.#news.push(values) > 1) return
    for (const next of this.#news) {
      for (const { listener } of [...this.#all]) {
        try {
          listener(...next)
        } catch (error) {
          this.#uncaught(error)
        }
      }
    }
    this.#news.length = 0
  }
}
