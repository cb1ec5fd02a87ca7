/** Who has something to do, and when: the earliest first. A binary heap; nobody has a timer. */

export interface Due {
  /** When, in ms. Only the heap writes it. */
  dueAt: number
  /** Its place in the heap; -1: it has nothing to do. Only the heap writes it. */
  place: number
}

export class DueHeap<T extends Due> {
  readonly #heap: T[] = []

  /** The earliest; undefined: nobody has anything to do. */
  get first(): T | undefined {
    return this.#heap[0]
  }

  get size(): number {
    return this.#heap.length
  }

  /**
   * It has something to do at `at`. One that comes up too early is asked again: so what is put off
   * stays where it is, which costs nothing.
   */
  set(item: T, at: number): void {
    if (item.place >= 0 && at >= item.dueAt) return
    item.dueAt = at
    if (item.place < 0) item.place = this.#heap.push(item) - 1
    this.#up(item)
  }

  remove(item: T): void {
    const { place } = item
    if (place < 0) return
    item.place = -1
    const last = this.#heap.pop()!
    if (last === item) return
    last.place = place
    this.#heap[place] = last
    this.#up(last)
    this.#down(last)
  }

  #up(item: T): void {
    const heap = this.#heap
    let { place } = item
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = heap[above]!
      if (other.dueAt <= item.dueAt) break
      heap[place] = other
      other.place = place
      place = above
    }
    heap[place] = item
    item.place = place
  }

  #down(item: T): void {
    const heap = this.#heap
    let { place } = item
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && heap[below + 1]!.dueAt < heap[below]!.dueAt) below++
      const other = heap[below]!
      if (other.dueAt >= item.dueAt) break
      heap[place] = other
      other.place = place
      place = below
    }
    heap[place] = item
    item.place = place
  }
}
