/**
 * The timing wheel of one thread: ticks of 1 ms, timers within a tick in the order they were added,
 * never early, add and cancel in O(1).
 *
 *   bits of a tick (u32)   31…26   25…20   19…14   13…8    7…0
 *                          level 3 level 2 level 1 level 0 near
 *   slots                    64      64      64      64    256
 *
 * A timer sits in the level of the highest bits in which it differs from the current tick. When
 * the tick reaches the first of a slot's stretch, its cascade point, the slot's timers move down.
 * One bit per slot says whether it may hold something, so that idle stretches are jumped over.
 */
import assert from 'node:assert/strict'
import { TIMER_MS_MAX } from '../base/limits.ts'

const NEAR = 256
const LEVELS = 4
const LEVEL = 64
const SLOTS = NEAR + LEVELS * LEVEL
const LAST = LEVELS - 1
/** Level n counts stretches of 2^(8 + 6n) ticks. */
const shiftOf = (level: number): number => 8 + 6 * level
/** From this distance on a tick of a later round can look like a near one: level 3 it is. */
const FAR_TICKS = 2 ** shiftOf(LAST)
assert.equal(FAR_TICKS * LEVEL, TIMER_MS_MAX + 1, 'the wheel spans every delay there may be')

/** The target while no advance is under way: before every time there is. */
const IDLE = Number.NEGATIVE_INFINITY

const nothing = (): void => {}

/** A link of a list: a timer, or the fixed end of a slot's ring (`a` ⇄ end ⇄ `b` ⇄ … ⇄ `a`). */
class Link {
  next: Link = this
  previous: Link = this

  get isAlone(): boolean {
    return this.next === this
  }

  /** Put `link`, which is alone, last into the list whose end this is. */
  append(link: Link): void {
    link.previous = this.previous
    link.next = this
    this.previous.next = link
    this.previous = link
  }

  unlink(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
    this.next = this
    this.previous = this
  }

  /** Put all of `from` behind what is here, in order. */
  takeAll(from: Link): void {
    if (from.isAlone) return
    const first = from.next
    const last = from.previous
    from.next = from
    from.previous = from
    first.previous = this.previous
    this.previous.next = first
    last.next = this
    this.previous = last
  }
}

/** What users of a wheel hold. */
export interface Timer {
  /** It will not fire. Harmless when it has fired or is cancelled. */
  cancel(): void
  /** Neither fired nor cancelled yet; false while it fires. */
  readonly pending: boolean
}

/** Made by `Wheel.add`; the fields are the wheel's. */
export class TimerNode extends Link implements Timer {
  readonly due: number
  readonly #tally: Tally
  #fire: () => void

  constructor(due: number, fire: () => void, tally: Tally) {
    super()
    this.due = due
    this.#fire = fire
    this.#tally = tally
  }

  get pending(): boolean {
    return !this.isAlone
  }

  cancel(): void {
    if (!this.isAlone) this.takeOut()
  }

  /** Out of its list and the count. Returns the callback, which nobody holds any longer. */
  takeOut(): () => void {
    const fire = this.#fire
    this.#fire = nothing
    this.unlink()
    this.#tally.size--
    return fire
  }
}

interface Tally {
  size: number
}

export class Wheel {
  /** Every timer up to this tick has fired, but for late ones in its slot. */
  #tick: number
  /** Where the advance under way will end. */
  #target = IDLE
  readonly #slots = Array.from({ length: SLOTS }, () => new Link())
  /** Bit per slot. Cancelling leaves it set: whoever finds the slot empty clears it. */
  readonly #busy = new Int32Array(SLOTS / 32)
  /** The timers of the tick that fires now. */
  readonly #firing = new Link()
  /** Added by callbacks and due already: they wait for the next advance. */
  readonly #late = new Link()
  readonly #tally: Tally = { size: 0 }
  readonly #onError: (error: unknown) => void

  /**
   * @param now Milliseconds, of the clock that `advance` gets.
   * @param onError Told what a callback threw; the others fire all the same.
   */
  constructor(now: number, onError: (error: unknown) => void) {
    this.#tick = Math.floor(now)
    this.#onError = onError
  }

  /** Timers that are neither fired nor cancelled. */
  get size(): number {
    return this.#tally.size
  }

  /**
   * Call `fire` at the first tick that is not before `dueMs`. What is due already fires in the next
   * advance, behind the timers of the current tick; so does what a callback adds.
   *
   * @param dueMs Absolute. Doors refuse delays above `TIMER_MS_MAX`; here they are only slower.
   */
  add(dueMs: number, fire: () => void): TimerNode {
    assert.ok(Number.isFinite(dueMs), 'a timer has a finite time')
    const node = new TimerNode(Math.ceil(dueMs), fire, this.#tally)
    this.#tally.size++
    if (node.due <= this.#target) this.#late.append(node)
    else this.#place(node)
    return node
  }

  /**
   * Fire everything due at `now`, oldest first. Callbacks may add and cancel timers; what they add
   * fires in a later advance, so this one always ends.
   *
   * @returns How many fired.
   */
  advance(now: number): number {
    assert.equal(this.#target, IDLE, 'advance() is not reentrant')
    // A clock that stands still, or goes back, fires what is late and moves nothing.
    const target = Math.max(Math.floor(now), this.#tick)
    let count = 0
    this.#target = target
    try {
      for (;;) {
        const next = this.#nextPoint()
        if (next === undefined || next > target) break
        this.#tick = next
        if ((next & (NEAR - 1)) === 0) this.#cascade()
        count += this.#fireTick()
      }
      this.#tick = target
    } finally {
      this.#target = IDLE
      // Only when onError threw is something left of the tick that was firing.
      this.#placeAll(this.#firing)
      this.#placeAll(this.#late)
    }
    return count
  }

  /**
   * The earliest millisecond at which `advance` may have something to do: exact for the current
   * stretch of 256 ticks, else the cascade point before the next timer. Undefined: no timers.
   */
  nextDue(): number | undefined {
    if (this.#tally.size === 0) return undefined
    return this.#target === IDLE ? this.#nextPoint() : this.#target
  }

  #fireTick(): number {
    const slot = this.#tick & (NEAR - 1)
    const firing = this.#firing
    let count = 0
    this.#takeFrom(slot, firing)
    while (!firing.isAlone) {
      const fire = (firing.next as TimerNode).takeOut()
      count++
      try {
        fire()
      } catch (error) {
        this.#onError(error)
      }
    }
    return count
  }

  /** Move the timers whose stretch begins with this tick down, in their order. */
  #cascade(): void {
    let level = 0
    while (level < LAST && ((this.#tick >>> shiftOf(level)) & (LEVEL - 1)) === 0) level++
    const moving = new Link()
    this.#takeFrom(slotOf(level, this.#tick), moving)
    this.#placeAll(moving)
  }

  #placeAll(from: Link): void {
    while (!from.isAlone) {
      const node = from.next as TimerNode
      node.unlink()
      this.#place(node)
    }
  }

  #place(node: TimerNode): void {
    const tick = this.#tick
    const due = Math.max(node.due, tick)
    const differing = (due ^ tick) >>> 0
    let slot = due & (NEAR - 1)
    if (due - tick >= FAR_TICKS) {
      // From more than a round away it comes back here until its round has come.
      slot = slotOf(LAST, due)
    } else if (differing >= NEAR) {
      let level = 0
      while (level < LAST && differing >>> shiftOf(level + 1) !== 0) level++
      slot = slotOf(level, due)
    }
    this.#slots[slot].append(node)
    this.#busy[slot >>> 5] |= 1 << (slot & 31)
  }

  #takeFrom(slot: number, to: Link): void {
    to.takeAll(this.#slots[slot])
    this.#busy[slot >>> 5] &= ~(1 << (slot & 31))
  }

  /** The first tick, from the current one on, whose slot fires or cascades. */
  #nextPoint(): number | undefined {
    const tick = this.#tick
    const near = this.#firstBusy(tick & (NEAR - 1), NEAR)
    if (near >= 0) return tick - (tick & (NEAR - 1)) + near
    // A lower level holds nothing behind its parent's current stretch: the first hit is earliest.
    for (let level = 0; level < LEVELS; level++) {
      const first = NEAR + level * LEVEL
      const span = 2 ** shiftOf(level)
      const current = slotOf(level, tick)
      const start = tick - (tick % (span * LEVEL))
      const slot = this.#firstBusy(current + 1, first + LEVEL)
      if (slot >= 0) return start + (slot - first) * span
      if (level < LAST) continue
      // The last level goes round: up to and including the current slot is its next round.
      const wrapped = this.#firstBusy(first, current + 1)
      if (wrapped >= 0) return start + (LEVEL + wrapped - first) * span
    }
    return undefined
  }

  /** The first slot of `from`..`end` that holds a timer, or -1. */
  #firstBusy(from: number, end: number): number {
    for (let slot = from; slot < end; ) {
      const word = this.#busy[slot >>> 5] >>> (slot & 31)
      if (word === 0) {
        slot = (slot | 31) + 1
        continue
      }
      slot += 31 - Math.clz32(word & -word)
      if (slot >= end) return -1
      if (!this.#slots[slot].isAlone) return slot
      this.#busy[slot >>> 5] &= ~(1 << (slot & 31))
      slot++
    }
    return -1
  }
}

const slotOf = (level: number, tick: number): number =>
  NEAR + level * LEVEL + ((tick >>> shiftOf(level)) & (LEVEL - 1))
