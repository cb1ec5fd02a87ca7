/**
 * FIFO on a circular array that doubles. `shift` of an empty queue is `undefined`.
 *
 *      head            tail
 *        ▼               ▼
 *   │ · │ a │ b │ c │ d │ · │ · │ · │      capacity is a power of two: index & mask
 */
export class Queue<T> {
  #items: (T | undefined)[]
  #head = 0
  #length = 0

  /** @param capacity Slots at the start: a power of two. */
  constructor(capacity = 16) {
    this.#items = new Array<T | undefined>(capacity).fill(undefined)
  }

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
    return item
  }

  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#items[this.#head]
  }

  /** True when `test` is, for an item; from the oldest on, stopping there. */
  some(test: (item: T) => boolean): boolean {
    const mask = this.#items.length - 1
    for (let i = 0; i < this.#length; i++) {
      if (test(this.#items[(this.#head + i) & mask] as T)) return true
    }
    return false
  }

  #grow(): void {
    const { length } = this.#items
    const items = new Array<T | undefined>(length * 2).fill(undefined)
    for (let i = 0; i < length; i++) items[i] = this.#items[(this.#head + i) & (length - 1)]
    this.#items = items
    this.#head = 0
  }
}
