/** Time that a test owns: it stands still until it is advanced. */
import { checkMs, refusal } from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import { SkynetError } from '../base/errors.ts'
import { CLOCK_ROUNDS_MAX } from '../base/limits.ts'

/** A node whose timers follow the clock. */
export interface Follower {
  /** When something may be due; undefined: never. */
  nextDue(): number | undefined
  clockMoved(): void
  /** Names of the services with timers that are due. */
  dueServices(): readonly string[]
  /** Resolves when nothing is left to do. @param what What the clock is at, for people. */
  settled(what: string): Promise<void>
}

/** Timers of these services set others for the same moment, and would do so for ever. */
export function clockStuck(clock: FakeClock, services: readonly string[]): SkynetError {
  const info = { now: clock.now(), rounds: clock.roundsMax, services: services.join(', ') }
  return new SkynetError('ERR_TEST_CLOCK', info)
}

export class FakeClock implements Clock {
  /** @internal */
  readonly isManual = true
  /** @internal Tests of ours make it less. */
  roundsMax: number = CLOCK_ROUNDS_MAX
  #now = 0
  readonly #followers = new Set<Follower>()
  /** Resolves when all advances so far are done. */
  #advanced: Promise<unknown> = Promise.resolve()

  /** It begins at 0, and there is nothing to choose. */
  constructor(...options: readonly never[]) {
    if (options.length === 0) return
    throw refusal('value', 'make a fake clock', 'options', 'left out', options[0])
  }

  /** Milliseconds since the clock was made, all of them advanced. */
  now(): number {
    return this.#now
  }

  /** @internal Called by `testNode`. */
  attach(follower: Follower): void {
    this.#followers.add(follower)
  }

  /** @internal */
  detach(follower: Follower): void {
    this.#followers.delete(follower)
  }

  /**
   * Let time pass. Every timer that comes due fires in its order, each at its own time, and what it
   * leads to is done before the next. Resolves when nothing is left to do.
   *
   * Advances do not overlap: one that is asked for while another is under way, also by a timer that
   * the other fires, begins when the other is done. Who awaits it there goes on after both.
   *
   * @throws {RangeError} Unless `ms` is a number in 0..`TIMER_MS_MAX`.
   * @throws {SkynetError} `ERR_TEST_CLOCK` when timers set timers for the same moment, again and
   * again: time would never go on. `ERR_TEST_UNSETTLED` when services of a node go on without
   * timers.
   */
  async advance(ms: number): Promise<void> {
    checkMs('advance a clock', 'ms', ms)
    const pass = (): Promise<void> => this.#pass(ms)
    const passed = this.#advanced.then(pass, pass)
    this.#advanced = passed
    return passed
  }

  async #pass(ms: number): Promise<void> {
    const target = this.#now + ms
    await this.#settled()
    let rounds = 0
    for (let due = this.#nextDue(); due <= target; due = this.#nextDue()) {
      rounds = due > this.#now ? 0 : rounds + 1
      if (rounds > this.roundsMax) {
        throw clockStuck(
          this,
          [...this.#followers].flatMap((each) => each.dueServices()),
        )
      }
      await this.#moveTo(due)
    }
    await this.#moveTo(target)
  }

  async #moveTo(time: number): Promise<void> {
    this.#now = Math.max(this.#now, time)
    for (const follower of this.#followers) follower.clockMoved()
    await this.#settled()
  }

  #nextDue(): number {
    const dues = [...this.#followers].map((each) => each.nextDue() ?? Number.POSITIVE_INFINITY)
    return Math.min(...dues)
  }

  async #settled(): Promise<void> {
    for (const follower of this.#followers) await follower.settled('advance a clock')
  }
}
