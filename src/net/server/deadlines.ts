/**
 * When sockets must be looked at again: a heap, the earliest on top. What it takes follows from how
 * many sockets have a deadline, whatever their delays are. Lives on the socket thread.
 */

/** One look at `item`, wanted at `at`. */
interface Entry<T> {
  readonly item: T
  readonly at: number
  /** Where it is in the heap. */
  place: number
}

export class Deadlines<T> {
  /** The parent of place i, (i - 1) / 2, is never later than what is at i. */
  readonly #heap: Entry<T>[] = []
  readonly #entryOf = new Map<T, Entry<T>>()

  get size(): number {
    return this.#heap.length
  }

  has(item: T): boolean {
    return this.#entryOf.has(item)
  }

  /** Look at `item` again `delayMs` after `now`, instead of any time set before. */
  set(item: T, delayMs: number, now: number): void {
    this.clear(item)
    const entry = { item, at: now + delayMs, place: 0 }
    this.#entryOf.set(item, entry)
    this.#heap.push(entry)
    this.#rise(entry, this.#heap.length - 1)
  }

  clear(item: T): void {
    const entry = this.#entryOf.get(item)
    if (entry === undefined) return
    this.#entryOf.delete(item)
    const last = this.#heap.pop()!
    if (last === entry) return
    // The last one takes its place, and goes from there to its own.
    if (last.at < entry.at) this.#rise(last, entry.place)
    else this.#sink(last, entry.place)
  }

  /** The earliest time, or undefined when there is none. */
  next(): number | undefined {
    return this.#heap[0]?.at
  }

  /** Take the item whose time was the earliest, if it has come. */
  take(now: number): T | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.at > now) return undefined
    this.clear(first.item)
    return first.item
  }

  #rise(entry: Entry<T>, from: number): void {
    const heap = this.#heap
    let place = from
    while (place > 0) {
      const parent = heap[(place - 1) >> 1]!
      if (parent.at <= entry.at) break
      this.#put(parent, place)
      place = (place - 1) >> 1
    }
    this.#put(entry, place)
  }

  #sink(entry: Entry<T>, from: number): void {
    const heap = this.#heap
    let place = from
    for (;;) {
      const left = 2 * place + 1
      const right = heap[left + 1]
      const isRight = right !== undefined && right.at < heap[left]!.at
      const child = isRight ? right : heap[left]
      if (child === undefined || child.at >= entry.at) break
      this.#put(child, place)
      place = isRight ? left + 1 : left
    }
    this.#put(entry, place)
  }

  #put(entry: Entry<T>, place: number): void {
    this.#heap[place] = entry
    entry.place = place
  }
}
