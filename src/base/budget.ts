/**
 * How much of one kind of work a thread does before others have their turns: so much, or for so
 * long, whichever ends first. Nobody knows before what a piece takes, so the clock is looked at
 * after the first ones, then after twice as many, … up to COST_PER_LOOK: of pieces that take long
 * each, few are done, and of short ones a look is a small part.
 */
import type { Clock } from './clock.ts'

/** What may be spent between two looks at the clock, unless the first is further away. */
const COST_PER_LOOK = 32
/** So many bytes of a piece cost as much as the piece itself. */
const BYTES_PER_COST_SHIFT = 9

/** What a piece of so many bytes costs. */
export const costOf = (bytes: number): number => 1 + (bytes >>> BYTES_PER_COST_SHIFT)

export class Budget {
  /** Nothing, or less, once it is spent or its time is over. */
  left = 0
  readonly #clock: Clock
  readonly #cost: number
  readonly #ms: number
  #endsAt = 0
  readonly #firstLook: number
  #perLook = 1
  #untilLook = 1

  /** @param firstLook What is spent before the clock is looked at. */
  constructor(clock: Clock, cost: number, ms: number, firstLook = 1) {
    this.#clock = clock
    this.#cost = cost
    this.#ms = ms
    this.#firstLook = firstLook
  }

  /** @param now Of the same clock. */
  begin(now: number): void {
    this.left = this.#cost
    this.#endsAt = now + this.#ms
    this.#perLook = this.#firstLook
    this.#untilLook = this.#firstLook
  }

  /** A piece was done. False: it was the last one for now. */
  spend(cost: number): boolean {
    this.take(cost)
    return this.lasts()
  }

  /** A piece was done, which may be the last there is: the clock is not looked at for it. */
  take(cost: number): void {
    this.left -= cost
    this.#untilLook -= cost
  }

  /** May one piece more be done? */
  lasts(): boolean {
    if (this.#untilLook <= 0) this.#look()
    return this.left > 0
  }

  #look(): void {
    if (this.#perLook < COST_PER_LOOK) this.#perLook *= 2
    this.#untilLook = this.#perLook
    if (this.#clock.now() >= this.#endsAt) this.left = 0
  }
}
