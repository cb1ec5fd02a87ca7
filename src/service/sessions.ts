/** What waits for an answer: calls that a service makes, and requests that it answers later. */

/** Slots at the start: a power of two. */
const SLOTS_MIN = 8

/** Keeps the session it was given. */
export interface Waiting {
  session: number
}

/**
 * Requests under way, by session: numbers that count up, each in the slot `session % slots`. A
 * session whose slot is taken by one that still waits is not given out.
 *
 * Instead of a Map: one that things enter and leave all the time is rebuilt again and again, and
 * its old tables, each of which points to the next, fill the old space until a full collection.
 */
export class Sessions<T extends Waiting> {
  #slots: (T | undefined)[] = new Array<T | undefined>(SLOTS_MIN).fill(undefined)
  #last = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Give `item` a session, from 1 up, never twice. */
  add(item: T): number {
    if (this.#size * 2 >= this.#slots.length) this.#resize(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    // In 32 bits a number up to 2^53 keeps its lowest ones.
    let session = this.#last + 1
    while (this.#slots[session & mask] !== undefined) session++
    this.#last = session
    this.#slots[session & mask] = item
    this.#size++
    item.session = session
    return session
  }

  /** The item of `session`, which it gives up; undefined when nobody waits under it any more. */
  take(session: number): T | undefined {
    const slot = session & (this.#slots.length - 1)
    const item = this.#slots[slot]
    if (item === undefined || item.session !== session) return undefined
    this.#slots[slot] = undefined
    // What a burst has needed is not kept for ever.
    if (--this.#size === 0 && this.#slots.length > 1024) this.#resize(SLOTS_MIN)
    return item
  }

  /** The item of `session`, which it keeps. */
  get(session: number): T | undefined {
    const item = this.#slots[session & (this.#slots.length - 1)]
    return item?.session === session ? item : undefined
  }

  /** All that wait, in no order. */
  items(): T[] {
    return this.#slots.filter((item) => item !== undefined)
  }

  /** All that wait; they wait no longer. */
  takeAll(): T[] {
    const all = this.items()
    this.#slots.fill(undefined)
    this.#size = 0
    return all
  }

  /** Two that share no slot of few share none of many: their sessions differ in the lower bits. */
  #resize(length: number): void {
    const old = this.#slots
    this.#slots = new Array<T | undefined>(length).fill(undefined)
    for (const item of old) {
      if (item !== undefined) this.#slots[item.session & (length - 1)] = item
    }
  }
}
