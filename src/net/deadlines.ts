/**
 * When sockets must be looked at again. There are few different delays, so each has a FIFO: its
 * first entry is its earliest, and nothing is ever sorted. Lives on the socket thread.
 */
export class Deadlines<T> {
  readonly #byDelay = new Map<number, Map<T, number>>()
  readonly #delayOf = new Map<T, number>()

  /** Look at `item` again `delayMs` after `now`, instead of any time set before. */
  set(item: T, delayMs: number, now: number): void {
    this.clear(item)
    let queue = this.#byDelay.get(delayMs)
    if (queue === undefined) {
      queue = new Map()
      this.#byDelay.set(delayMs, queue)
    }
    queue.set(item, now + delayMs)
    this.#delayOf.set(item, delayMs)
  }

  clear(item: T): void {
    const delayMs = this.#delayOf.get(item)
    if (delayMs === undefined) return
    this.#delayOf.delete(item)
    this.#byDelay.get(delayMs)!.delete(item)
  }

  /** The earliest time, or undefined when there is none. */
  next(): number | undefined {
    if (this.#delayOf.size === 0) return undefined
    let earliest: number | undefined
    for (const queue of this.#byDelay.values()) {
      for (const at of queue.values()) {
        if (earliest === undefined || at < earliest) earliest = at
        break
      }
    }
    return earliest
  }

  /** Take an item whose time has come, or undefined. */
  take(now: number): T | undefined {
    if (this.#delayOf.size === 0) return undefined
    for (const queue of this.#byDelay.values()) {
      for (const [item, at] of queue) {
        if (at > now) break
        this.clear(item)
        return item
      }
    }
    return undefined
  }
}
