/** One way from one place to another: what goes in comes out in that order, or not at all. */
import type { Random } from '../sim/random.ts'
import type { Agenda } from './agenda.ts'

export interface SimParcel {
  arrive(): void
  /** It never arrives. Who has sent it may find out. */
  lost(): void
}

/** What a way takes, in milliseconds: mostly the least, now and then up to the most. */
export interface Delays {
  readonly least: number
  readonly most: number
}

export class Pipe {
  readonly #agenda: Agenda
  readonly #random: Random
  readonly #delays: Delays
  #lastArrival = 0
  /** What has come to a place where the way is cut. */
  #held: SimParcel[] | undefined

  constructor(agenda: Agenda, random: Random, delays: Delays) {
    this.#agenda = agenda
    this.#random = random
    this.#delays = delays
  }

  get isCut(): boolean {
    return this.#held !== undefined
  }

  send(parcel: SimParcel): void {
    const { least, most } = this.#delays
    const delay = this.#random.oneIn(8) ? least + this.#random.below(most - least + 1) : least
    this.#lastArrival = Math.max(this.#lastArrival, this.#agenda.now + delay)
    this.#agenda.at(this.#lastArrival, () => {
      if (this.#held === undefined) parcel.arrive()
      else this.#held.push(parcel)
    })
  }

  cut(): void {
    this.#held ??= []
  }

  /** @param isLost What was held does not come late, but never. */
  heal(isLost: boolean): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const parcel of held) {
      if (isLost) parcel.lost()
      else parcel.arrive()
    }
  }
}
