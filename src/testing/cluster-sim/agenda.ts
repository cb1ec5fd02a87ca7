/** What will happen in a simulated world, and when: nothing else moves its time. */

interface Item {
  readonly time: number
  readonly number: number
  readonly run: () => void
}

/** A heap: the first is the earliest, and of the same time the one that was put down first. */
export class Agenda {
  /** Milliseconds. */
  now = 0
  readonly #items: Item[] = []
  #count = 0

  at(time: number, run: () => void): void {
    const item = { time: Math.max(time, this.now), number: this.#count++, run }
    const items = this.#items
    let place = items.length
    items.push(item)
    while (place > 0) {
      const above = (place - 1) >> 1
      if (!isBefore(item, items[above]!)) break
      items[place] = items[above]!
      place = above
    }
    items[place] = item
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run)
  }

  /** Let time pass until then, and everything happen that is due. */
  until(time: number): void {
    while (this.#items.length > 0 && this.#items[0]!.time <= time) {
      const item = this.#take()
      this.now = item.time
      item.run()
    }
    this.now = time
  }

  #take(): Item {
    const items = this.#items
    const first = items[0]!
    const last = items.pop()!
    if (items.length === 0) return first
    let place = 0
    for (;;) {
      let below = place * 2 + 1
      if (below >= items.length) break
      if (below + 1 < items.length && isBefore(items[below + 1]!, items[below]!)) below++
      if (!isBefore(items[below]!, last)) break
      items[place] = items[below]!
      place = below
    }
    items[place] = last
    return first
  }
}

const isBefore = (one: Item, other: Item): boolean =>
  one.time < other.time || (one.time === other.time && one.number < other.number)
