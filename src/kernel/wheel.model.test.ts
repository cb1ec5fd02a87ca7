/** The wheel beside a sorted list that does what the wheel promises. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TIMER_MS_MAX } from '../base/limits.ts'
import { Timer } from './timer.ts'
import { NO_TIMER } from './timers.ts'
import { Wheel } from './wheel.ts'

const OWNERS = 3

interface Entry {
  readonly due: number
  readonly id: number
}
/** What a timer that fires adds: how far from now. */
type Spawn = (id: number) => number | undefined

class SortedList {
  #timers: Entry[] = []
  /** Where the wheel stands: behind the clock when it had to stop. */
  tick: number
  #count = 0

  constructor(now: number) {
    this.tick = Math.floor(now)
  }

  /** Ids count up, as those of the wheel do. */
  add(dueMs: number): void {
    this.#timers.push({ due: Math.max(Math.ceil(dueMs), this.tick), id: this.#count++ })
  }

  has(id: number): boolean {
    return this.#timers.some((timer) => timer.id === id)
  }

  drop(isDropped: (id: number) => boolean): void {
    this.#timers = this.#timers.filter(({ id }) => !isDropped(id))
  }

  /** Fire at most `limit`; returns their ids. */
  advance(now: number, limit: number, spawn: Spawn): number[] {
    const target = Math.max(this.tick, Math.floor(now))
    const due = this.#timers.filter((timer) => timer.due <= target)
    due.sort((a, b) => a.due - b.due) // stable
    const fired = due.slice(0, limit).map(({ id }) => id)
    this.tick = due[limit]?.due ?? target
    this.drop((id) => fired.includes(id))
    for (const id of fired) {
      const delay = spawn(id)
      if (delay !== undefined) this.add(now + delay)
    }
    return fired
  }

  get size(): number {
    return this.#timers.length
  }

  get earliest(): number {
    return Math.min(...this.#timers.map(({ due }) => due))
  }
}

const distance = fc.oneof(
  fc.nat(3),
  fc.double({ min: -10, max: 5000, noNaN: true }),
  fc.nat(600_000),
  fc.nat(0x7fffffff).map((n) => n * 2 + 1), // up to TIMER_MS_MAX
  fc.constantFrom(2047, 2048, 2049, 2 ** 18 - 1, 2 ** 18, 2 ** 25 - 1, 2 ** 25, TIMER_MS_MAX),
)
const budget = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(3))
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ add: distance, spawn: fc.option(distance) }) },
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ cancelAll: fc.nat(OWNERS - 1) }) },
  { weight: 3, arbitrary: fc.record({ go: distance, limit: budget }) },
  { weight: 2, arbitrary: fc.record({ toNext: fc.constant(true), limit: budget }) },
)
const starts = fc.oneof(
  fc.nat(1000),
  fc.nat(6000).map((n) => 2 ** 32 - 3000 + n),
  fc.nat(),
)

/** Never too late; and exact in the current stretch of 2048 ticks. */
function checkNextDue(next: number, { earliest, tick }: SortedList): void {
  assert.equal(Number.isFinite(next), Number.isFinite(earliest))
  assert.ok(next <= earliest)
  if (Math.floor(earliest / 2048) === Math.floor(tick / 2048)) assert.equal(next, earliest)
}

test('the wheel behaves as a sorted list for any adds, cancels and advances', () => {
  fc.assert(
    fc.property(starts, fc.array(step, { maxLength: 150, size: 'max' }), (start, steps) => {
      const wheel = new Wheel(start, assert.ifError)
      const model = new SortedList(start)
      const timers: Timer[] = []
      const spawns = new Map<number, number>()
      const fired: number[] = []
      let now = start
      const timerFired = (id: unknown): void => {
        fired.push(id as number)
        const delay = spawns.get(id as number)
        if (delay !== undefined) add(now + delay)
      }
      const owners = Array.from({ length: OWNERS }, () => ({ firstTimer: NO_TIMER, timerFired }))
      const add = (dueMs: number): void => {
        const id = timers.length
        timers.push(new Timer(wheel.timers, wheel.add(dueMs, owners[id % OWNERS]!, id)))
      }
      for (const each of steps) {
        if ('add' in each) {
          if (each.spawn !== null) spawns.set(timers.length, each.spawn)
          add(now + each.add)
          model.add(now + each.add)
        } else if ('cancel' in each) {
          if (timers.length === 0) continue
          const id = each.cancel % timers.length
          assert.equal(timers[id]!.pending, model.has(id))
          timers[id]!.cancel()
          model.drop((other) => other === id)
        } else if ('cancelAll' in each) {
          wheel.cancelAll(owners[each.cancelAll]!)
          model.drop((id) => id % OWNERS === each.cancelAll)
        } else {
          const next = 'go' in each ? now + each.go : wheel.nextDue()
          if (Number.isFinite(next)) now = Math.max(now, next)
          wheel.advance(now, (count) => count < each.limit)
          const expected = model.advance(now, each.limit, (id) => spawns.get(id))
          assert.deepEqual(fired.splice(0), expected)
        }
        assert.equal(wheel.size, model.size)
        checkNextDue(wheel.nextDue(), model)
      }
    }),
    { numRuns: 500, seed: 20_260 },
  )
})
