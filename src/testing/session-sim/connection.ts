/** One simulated connection: messages in order, both ways, until it is cut anywhere. */
import type { Agenda } from '../cluster-sim/agenda.ts'
import type { Random } from '../sim/random.ts'

/** What the end of a direction hears. */
interface Ear {
  heard(message: Uint8Array): void
  ended(): void
}

interface Parcel {
  /** Undefined: the end. */
  readonly message: Uint8Array | undefined
  time: number
}

const LATENCY_MS = 40

/** Messages on their way to one end. Those that have not arrived can be lost from any one on. */
export class Direction {
  /** Of what was sent, and has not arrived. */
  bytes = 0
  readonly #agenda: Agenda
  readonly #random: Random
  readonly #ear: Ear
  readonly #queue: Parcel[] = []
  #last = 0
  #isClosed = false

  constructor(agenda: Agenda, random: Random, ear: Ear) {
    this.#agenda = agenda
    this.#random = random
    this.#ear = ear
  }

  /** @param message Undefined: the end. */
  send(message: Uint8Array | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = message === undefined
    this.bytes += message?.length ?? 0
    const time = this.#agenda.now + 1 + this.#random.below(LATENCY_MS)
    this.#last = Math.max(this.#last, time)
    this.#queue.push({ message, time: this.#last })
    this.#agenda.at(this.#last, () => this.#arrive())
  }

  /** Nothing arrives for so long: also what is sent later does not. */
  stall(ms: number): void {
    this.#last = Math.max(this.#last, this.#agenda.now) + ms
    for (const parcel of this.#queue) {
      parcel.time = this.#last
      this.#agenda.at(this.#last, () => this.#arrive())
    }
  }

  /** What was stalled goes on at once. */
  release(): void {
    this.#last = this.#agenda.now
    for (const parcel of this.#queue) parcel.time = this.#last
    for (const _ of this.#queue) this.#agenda.at(this.#last, () => this.#arrive())
  }

  /**
   * Some of what is on its way still arrives, nothing behind it.
   *
   * @param isTold The end is told, else it hears nothing for ever.
   */
  cut(isTold: boolean): void {
    for (const { message } of this.#queue.splice(this.#random.below(this.#queue.length + 1))) {
      this.bytes -= message?.length ?? 0
    }
    this.#isClosed = false
    if (isTold) this.send(undefined)
    this.#isClosed = true
  }

  #arrive(): void {
    const [first] = this.#queue
    if (first === undefined || first.time > this.#agenda.now) return
    this.#queue.shift()
    this.bytes -= first.message?.length ?? 0
    if (first.message === undefined) this.#ear.ended()
    else this.#ear.heard(first.message)
  }
}
