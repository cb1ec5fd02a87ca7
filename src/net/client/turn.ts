/** What one thread gathers in a turn of its event loop, to hand it on at the end of the turn. */
import { nextTick } from '../../base/event-loop.ts'

/** Something that gathers. */
export interface Gatherer {
  /** Hand on what was gathered. */
  flush(): void
}

export class Turn {
  readonly #ended: () => void
  #dirty: Gatherer[] = []
  #spare: Gatherer[] = []
  #isEndScheduled = false

  /** @param ended Called at the end of each turn, when all gatherers have handed on. */
  constructor(ended: () => void) {
    this.#ended = ended
  }

  /** `gatherer` has something to hand on at the end of this turn. */
  markDirty(gatherer: Gatherer): void {
    this.#dirty.push(gatherer)
    this.scheduleEnd()
  }

  scheduleEnd(): void {
    if (this.#isEndScheduled) return
    this.#isEndScheduled = true
    // A tick runs when the microtasks of this turn are done: after the services, before sleeping.
    nextTick(this.end)
  }

  /** Hand on everything that this turn gathered. */
  readonly end = (): void => {
    this.#isEndScheduled = false
    this.flush()
    this.#ended()
  }

  /** Each gatherer hands on, in the order in which they began. The turn goes on. */
  flush(): void {
    const dirty = this.#dirty
    if (dirty.length === 0) return
    this.#dirty = this.#spare
    for (const gatherer of dirty) {
      try {
        gatherer.flush()
      } catch (error) {
        tellFault(error)
      }
    }
    dirty.length = 0
    this.#spare = dirty
  }
}

/** A gatherer that throws has no part in whose turn it is, and the others have to leave too. */
function tellFault(error: unknown): void {
  nextTick(() => {
    throw error
  })
}
