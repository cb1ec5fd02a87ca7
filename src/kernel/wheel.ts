/**
 * The timing wheel of one thread: ticks of 1 ms, timers within a tick in the order they were added,
 * never early, add and cancel in O(1).
 *
 *   bits of a tick (u32)   31…25   24…18   17…11   10…0
 *                          level 2 level 1 level 0 near
 *   slots                    128     128     128    2048
 *
 * A timer sits in the level of the highest bits in which it differs from the current tick. When
 * the tick reaches the first of a slot's stretch, its cascade point, the slot's timers move down.
 * One bit per slot says whether it may hold something, so that idle stretches are jumped over.
 */
import assert from 'node:assert/strict'
import { TIMER_MS_MAX } from '../base/limits.ts'
import { NO_TIMER, type TimerOwner, Timers } from './timers.ts'

/** Two seconds: most timers never move. */
const NEAR_BITS = 11
const LEVEL_BITS = 7
const NEAR = 1 << NEAR_BITS
const LEVELS = 3
const LEVEL = 1 << LEVEL_BITS
const SLOTS = NEAR + LEVELS * LEVEL
const LAST = LEVELS - 1
/** Level n counts stretches of 2^(11 + 7n) ticks. */
const shiftOf = (level: number): number => NEAR_BITS + LEVEL_BITS * level
/** From this distance on a tick of a later round can look like a near one: the last level it is. */
const FAR_TICKS = 2 ** shiftOf(LAST)
assert.equal(FAR_TICKS * LEVEL, TIMER_MS_MAX + 1, 'the wheel spans every delay there may be')

/** Rings behind those of the slots: due, but added while others fire; on their way down. */
const LATE = SLOTS
const MOVING = LATE + 1
const RINGS = MOVING + 1

/** The target while no advance is under way: before every time there is. */
const IDLE = Number.NEGATIVE_INFINITY
/** The next point while there are no timers. */
const NEVER = Number.POSITIVE_INFINITY

const always = (): boolean => true

export class Wheel {
  /** The rings of its slots, and what is in them. */
  readonly timers = new Timers(RINGS)
  /** Every timer before this tick has fired, but for late ones in its slot. */
  #tick: number
  /** Where the advance under way will end. */
  #target = IDLE
  /** Bit per slot. Cancelling leaves it set: whoever finds the slot empty clears it. */
  readonly #busy = new Int32Array(SLOTS / 32)
  readonly #onError: (error: unknown) => void

  /**
   * @param now Milliseconds, of the clock that `advance` gets.
   * @param onError Told what an owner threw; the other timers fire all the same.
   */
  constructor(now: number, onError: (error: unknown) => void) {
    this.#tick = Math.floor(now)
    this.#onError = onError
  }

  /** Timers that are neither fired nor cancelled. */
  get size(): number {
    return this.timers.size
  }

  /**
   * Hand `task` to `owner` at the first tick that is not before `dueMs`. What is due already fires
   * in the next advance, behind the timers of the current tick; so does what is added while timers
   * fire.
   *
   * @param dueMs Absolute. Doors refuse delays above `TIMER_MS_MAX`; here they are only slower.
   * @returns Its index, for a `Timer`.
   */
  add(dueMs: number, owner: TimerOwner, task?: unknown): number {
    assert.ok(Number.isFinite(dueMs), 'a timer has a finite time')
    const due = Math.ceil(dueMs)
    const timer = this.timers.add(due, owner, task)
    if (due <= this.#target) this.timers.append(LATE, timer)
    else this.#place(timer, due)
    return timer
  }

  /** None of the timers of `owner` will fire. */
  cancelAll(owner: TimerOwner): void {
    while (owner.firstTimer !== NO_TIMER) this.timers.remove(owner.firstTimer)
  }

  /**
   * Fire everything due at `now`, oldest first. Owners may add and cancel timers meanwhile; what
   * they add fires in a later advance, so this one always ends.
   *
   * @param mayFire Asked before each timer, with how many have fired. False ends the advance; the
   * next one goes on from there.
   * @returns How many fired.
   */
  advance(now: number, mayFire: (fired: number) => boolean = always): number {
    assert.equal(this.#target, IDLE, 'advance() is not reentrant')
    // A clock that stands still, or goes back, fires what is late and moves nothing.
    const target = Math.max(Math.floor(now), this.#tick)
    let fired = 0
    this.#target = target
    try {
      for (let next = this.#nextPoint(); next <= target; next = this.#nextPoint()) {
        this.#tick = next
        const slot = next & (NEAR - 1)
        if (slot === 0) this.#cascade()
        for (;;) {
          const timer = this.timers.first(slot)
          if (timer === slot) break
          if (!mayFire(fired)) return fired
          fired++
          this.#fire(timer)
        }
      }
      this.#tick = target
    } finally {
      this.#target = IDLE
      this.#placeAll(LATE)
    }
    return fired
  }

  /**
   * The earliest millisecond at which `advance` may have something to do: exact for the current
   * stretch of 2048 ticks, else the cascade point before the next timer. Infinity: no timers.
   */
  nextDue(): number {
    if (this.timers.size === 0) return NEVER
    return this.#target === IDLE ? this.#nextPoint() : this.#target
  }

  #fire(timer: number): void {
    try {
      this.timers.fire(timer)
    } catch (error) {
      this.#onError(error)
    }
  }

  /** Move the timers whose stretch begins with this tick down, in their order. */
  #cascade(): void {
    let level = 0
    while (level < LAST && ((this.#tick >>> shiftOf(level)) & (LEVEL - 1)) === 0) level++
    // By way of a ring of its own: some may come back to where they were.
    this.timers.takeAll(MOVING, slotOf(level, this.#tick))
    this.#placeAll(MOVING)
  }

  #placeAll(from: number): void {
    const { timers } = this
    while (timers.first(from) !== from) {
      const timer = timers.shift(from)
      this.#place(timer, timers.dueOf(timer))
    }
  }

  #place(timer: number, dueMs: number): void {
    const tick = this.#tick
    const due = Math.max(dueMs, tick)
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
    this.timers.append(slot, timer)
    this.#busy[slot >>> 5] |= 1 << (slot & 31)
  }

  /** The first tick, from the current one on, whose slot fires or cascades. */
  #nextPoint(): number {
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
    return NEVER
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
      if (this.timers.first(slot) !== slot) return slot
      this.#busy[slot >>> 5] &= ~(1 << (slot & 31))
      slot++
    }
    return -1
  }
}

const slotOf = (level: number, tick: number): number =>
  NEAR + level * LEVEL + ((tick >>> shiftOf(level)) & (LEVEL - 1))
