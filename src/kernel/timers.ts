/**
 * The timers of one thread as records in arrays, not as objects: a million that wait are nothing
 * for the garbage collector to follow, and setting one allocates nothing.
 *
 * A timer is the index of its record, from `ends` on; the indexes below are the fixed ends of rings
 * (`a` ⇄ end ⇄ `b` ⇄ … ⇄ `a`). An end whose neighbours are 0 has none but itself: so nothing of
 * the 2,434 records of ends is touched at the start of a worker. An index is used again once its
 * timer is over; its serial, of which there is one for each timer ever set, is not.
 */

/** Whose timers go together: a service, or one wait. */
export interface TimerOwner {
  /** First of its timers that are pending, or `NO_TIMER`. Only the timers write it. */
  firstTimer: number
  /** A timer of this owner is due. It is over: `task` is what it was set with. */
  timerFired(task: unknown): void
}

/** An index that is no timer: the end of the first ring. */
export const NO_TIMER = 0

/** Room at first, in records; it doubles. */
const CAPACITY_MIN = 1024
/** When the last timer is over, room is given back of which less than one in so many was used. */
const ROOMY = 4

// A record is half a cache line. Its cells of 32 bits: neighbours in the ring (a free record has
// only NEXT, the next free one), and in the list of the owner, whose ends are NO_TIMER.
const CELLS = 8
const NEXT = 0
const PREVIOUS = 1
const NEXT_OWNED = 2
const PREVIOUS_OWNED = 3
// Behind them numbers of 64 bits: when it is due, and its serial, or 0 while the record is free.
const NUMBERS = 4
const DUE = 2
const SERIAL = 3
// What it holds on to is in an array of its own.
const HELD = 2
const OWNER = 0
const TASK = 1

export class Timers {
  readonly #ends: number
  #size = 0
  #serial = 0
  /** Records ever used since there was none; those of them that are free are in a list. */
  #used = 0
  #free = NO_TIMER
  /** Two views of the same records. */
  #cells!: Int32Array
  #numbers!: Float64Array
  /** Of the records behind the ends: those hold nothing. */
  #held!: unknown[]

  /** @param ends How many rings there are: 0 to `ends` - 1. All are empty. */
  constructor(ends: number) {
    this.#ends = ends
    this.#begin()
  }

  /** Timers that are pending. */
  get size(): number {
    return this.#size
  }

  /** Records there is room for. */
  get capacity(): number {
    return this.#cells.length / CELLS
  }

  /** A new timer of `owner`, in a ring of its own: the caller puts it into another at once. */
  add(due: number, owner: TimerOwner, task: unknown): number {
    let timer = this.#free
    if (timer === NO_TIMER) {
      timer = this.#used++
      if (timer === this.capacity) this.#makeRoom(2 * timer)
    } else {
      this.#free = this.#cells[timer * CELLS + NEXT]!
    }
    this.#size++
    this.#numbers[timer * NUMBERS + DUE] = due
    this.#numbers[timer * NUMBERS + SERIAL] = ++this.#serial
    const at = (timer - this.#ends) * HELD
    this.#held[at + OWNER] = owner
    this.#held[at + TASK] = task
    const cells = this.#cells
    // If the caller gets no further, as its stack ends, it never fires, and can be removed.
    cells[timer * CELLS + NEXT] = timer
    cells[timer * CELLS + PREVIOUS] = timer
    const first = owner.firstTimer
    cells[timer * CELLS + NEXT_OWNED] = first
    cells[timer * CELLS + PREVIOUS_OWNED] = NO_TIMER
    if (first !== NO_TIMER) cells[first * CELLS + PREVIOUS_OWNED] = timer
    owner.firstTimer = timer
    return timer
  }

  /** How many are pending: one step each. */
  countOf(owner: TimerOwner): number {
    let count = 0
    let timer = owner.firstTimer
    for (; timer !== NO_TIMER; timer = this.#cells[timer * CELLS + NEXT_OWNED]!) count++
    return count
  }

  /** Is one of them due at `at`? One step each. */
  hasDue(owner: TimerOwner, at: number): boolean {
    let timer = owner.firstTimer
    while (timer !== NO_TIMER && this.dueOf(timer) > at) {
      timer = this.#cells[timer * CELLS + NEXT_OWNED]!
    }
    return timer !== NO_TIMER
  }

  dueOf(timer: number): number {
    return this.#numbers[timer * NUMBERS + DUE]!
  }

  /** Of NO_TIMER it is NaN, which is equal to nothing. */
  serialOf(timer: number): number {
    return this.#numbers[timer * NUMBERS + SERIAL]!
  }

  /** Out of its ring and away from its owner: it is over. Only a timer that is pending. */
  remove(timer: number): void {
    // The stack of a service may end at a call: this one comes before all else.
    this.#unlink(timer)
    const cells = this.#cells
    const held = this.#held
    const at = (timer - this.#ends) * HELD
    const owner = held[at + OWNER] as TimerOwner
    held[at + OWNER] = undefined
    held[at + TASK] = undefined
    const next = cells[timer * CELLS + NEXT_OWNED]!
    const previous = cells[timer * CELLS + PREVIOUS_OWNED]!
    if (previous === NO_TIMER) owner.firstTimer = next
    else cells[previous * CELLS + NEXT_OWNED] = next
    if (next !== NO_TIMER) cells[next * CELLS + PREVIOUS_OWNED] = previous
    this.#numbers[timer * NUMBERS + SERIAL] = 0
    cells[timer * CELLS + NEXT] = this.#free
    this.#free = timer
    if (--this.#size === 0) this.#clear()
  }

  /** Remove a timer and tell its owner. */
  fire(timer: number): void {
    const at = (timer - this.#ends) * HELD
    const owner = this.#held[at + OWNER] as TimerOwner
    const task = this.#held[at + TASK]
    this.remove(timer)
    owner.timerFired(task)
  }

  /** First timer of a ring, or the end itself when it is empty. */
  first(end: number): number {
    return this.#cells[end * CELLS + NEXT]! || end
  }

  /** Put a timer that is in no other ring last into that of `end`: without a call, so wholly. */
  append(end: number, timer: number): void {
    const cells = this.#cells
    const last = cells[end * CELLS + PREVIOUS]! || end
    cells[last * CELLS + NEXT] = timer
    cells[timer * CELLS + PREVIOUS] = last
    cells[timer * CELLS + NEXT] = end
    cells[end * CELLS + PREVIOUS] = timer
  }

  /** Take the first timer out of a ring that has one. */
  shift(end: number): number {
    const timer = this.first(end)
    this.#unlink(timer)
    return timer
  }

  /** Put all of the ring `from` behind what is in the ring `to`, in order. */
  takeAll(to: number, from: number): void {
    const first = this.first(from)
    if (first === from) return
    this.#join(this.#cells[to * CELLS + PREVIOUS]! || to, first)
    this.#join(this.#cells[from * CELLS + PREVIOUS]!, to)
    this.#join(from, from)
  }

  #join(left: number, right: number): void {
    this.#cells[left * CELLS + NEXT] = right
    this.#cells[right * CELLS + PREVIOUS] = left
  }

  /** Wholly, too, and into a ring of its own. */
  #unlink(timer: number): void {
    const cells = this.#cells
    const next = cells[timer * CELLS + NEXT]!
    const previous = cells[timer * CELLS + PREVIOUS]!
    cells[previous * CELLS + NEXT] = next
    cells[next * CELLS + PREVIOUS] = previous
    cells[timer * CELLS + NEXT] = timer
    cells[timer * CELLS + PREVIOUS] = timer
  }

  /** None is left: begin anew, with records side by side, and without the room of past rushes. */
  #clear(): void {
    const used = this.#used
    this.#free = NO_TIMER
    this.#used = this.#ends
    const { capacity } = this
    if (capacity > this.#ends + CAPACITY_MIN && used * ROOMY < capacity) this.#begin()
  }

  #begin(): void {
    this.#used = this.#ends
    this.#held = []
    this.#cells = new Int32Array(0)
    this.#makeRoom(this.#ends + CAPACITY_MIN)
    this.#numbers[NO_TIMER * NUMBERS + SERIAL] = Number.NaN
  }

  #makeRoom(capacity: number): void {
    const cells = new Int32Array(capacity * CELLS)
    cells.set(this.#cells)
    this.#cells = cells
    this.#numbers = new Float64Array(cells.buffer)
  }
}
