import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TIMER_MS_MAX } from '../base/limits.ts'
import { type TimerNode, Wheel } from './wheel.ts'

const DAY = 86_400_000

function newWheel(now = 0) {
  const fired: string[] = []
  const errors: unknown[] = []
  const wheel = new Wheel(now, (error) => errors.push(error))
  const add = (dueMs: number, name = `${dueMs}`): TimerNode =>
    wheel.add(dueMs, () => fired.push(name))
  /** What fires when the clock says `now`. */
  const at = (now: number): string[] => {
    const count = wheel.advance(now)
    assert.equal(count, fired.length)
    return fired.splice(0)
  }
  return { wheel, add, at, errors, fired }
}

/** Goes from one `nextDue` to the next until something fires; returns when, and how many stops. */
function runToNext(wheel: Wheel): { now: number; stops: number } {
  for (let stops = 1; ; stops++) {
    const now = wheel.nextDue()
    assert.ok(now !== undefined)
    if (wheel.advance(now) > 0) return { now, stops }
  }
}

test('advance fires oldest first, and within a tick in the order of adding', () => {
  const { add, at } = newWheel()
  for (const due of [7, 5, 300, 6]) {
    add(due, `${due}a`)
    add(due, `${due}b`)
  }
  assert.deepEqual(at(300), ['5a', '5b', '6a', '6b', '7a', '7b', '300a', '300b'])
  assert.deepEqual(at(301), [])
})

test('advance keeps the order within a tick for timers added from near and far', () => {
  const { add, at } = newWheel()
  const due = 70_000
  for (const now of [0, 65_536, 69_000, 69_900, 69_999]) {
    at(now)
    add(due, `${now}`)
  }
  assert.deepEqual(at(due), ['0', '65536', '69000', '69900', '69999'])
})

test('advance is never early, for times with fractions on either side', () => {
  const { add, at } = newWheel(0.7)
  add(5.2)
  add(5)
  assert.deepEqual(at(4.99), [])
  assert.deepEqual(at(5.1), ['5'])
  assert.deepEqual(at(5.9), [])
  assert.deepEqual(at(6), ['5.2'])
})

test('add of what is due already fires in the next advance, behind nothing else', () => {
  const { wheel, add, at } = newWheel(100)
  add(101)
  add(100)
  add(3)
  assert.equal(wheel.nextDue(), 100)
  assert.deepEqual(at(100), ['100', '3'])
  assert.deepEqual(at(101), ['101'])
})

test('add of a time before the start of the clock is due at once', () => {
  const { wheel, add, at } = newWheel()
  add(-1)
  add(-0.5)
  assert.equal(wheel.nextDue(), 0)
  assert.deepEqual(at(0), ['-1', '-0.5'])
})

test('advance with a clock that stands still or goes back moves nothing', () => {
  const { add, at } = newWheel(50)
  add(60)
  assert.deepEqual(at(50), [])
  assert.deepEqual(at(20), [])
  assert.deepEqual(at(59), [])
  assert.deepEqual(at(60), ['60'])
})

test('callbacks add timers for a later advance, also ones that are due', () => {
  const { wheel, add, fired } = newWheel()
  add(15)
  wheel.add(10, () => {
    for (const due of [20, 5, 30]) add(due)
    assert.equal(wheel.nextDue(), 25)
  })
  add(25)
  assert.equal(wheel.advance(25), 3)
  assert.equal(wheel.nextDue(), 25)
  add(25, 'behind')
  // What the callback added, as due in the tick where that advance ended.
  assert.equal(wheel.advance(25), 3)
  assert.deepEqual(fired, ['15', '25', '20', '5', 'behind'])
  assert.equal(wheel.advance(30), 1)
})

test('cancel takes a timer out wherever it is, once', () => {
  const { wheel, add, at } = newWheel()
  const timers = [5, 300, 20_000, 2_000_000, 200_000_000].map((due) => add(due))
  add(6)
  assert.equal(wheel.size, 6)
  for (const timer of timers) {
    assert.equal(timer.pending, true)
    timer.cancel()
    timer.cancel()
    assert.equal(timer.pending, false)
  }
  assert.equal(wheel.size, 1)
  assert.equal(wheel.nextDue(), 6)
  assert.deepEqual(at(4 * DAY), ['6'])
  assert.equal(wheel.nextDue(), undefined)
})

test('callbacks cancel timers of their own tick, of later ones, and themselves', () => {
  const { wheel, add, at } = newWheel()
  const victims: TimerNode[] = []
  const killer = wheel.add(5, () => {
    assert.equal(killer.pending, false)
    for (const timer of [killer, ...victims]) timer.cancel()
  })
  victims.push(add(5), add(6), add(700))
  add(7)
  assert.equal(wheel.size, 5)
  wheel.advance(6)
  assert.equal(wheel.size, 1)
  assert.deepEqual(at(700).length, 1)
})

test('a throwing callback costs no other its turn', () => {
  const { wheel, add, errors } = newWheel()
  const later = add(6)
  wheel.add(5, () => {
    throw new Error('one')
  })
  wheel.add(5, () => {
    throw new Error('two')
  })
  const same = add(5)
  assert.equal(wheel.advance(6), 4)
  assert.deepEqual(errors.map(String), ['Error: one', 'Error: two'])
  assert.deepEqual([later.pending, same.pending], [false, false])
})

test('an onError that throws ends the advance, and the next one goes on', () => {
  const order: number[] = []
  const wheel = new Wheel(0, (error) => {
    throw error
  })
  wheel.add(5, () => {
    wheel.add(1, () => order.push(1))
    throw new Error('stop')
  })
  wheel.add(5, () => order.push(5))
  wheel.add(6, () => order.push(6))
  assert.throws(() => wheel.advance(9), /stop/)
  assert.equal(wheel.size, 3)
  assert.equal(wheel.advance(9), 3)
  assert.deepEqual(order, [5, 1, 6])
})

test('advance asserts when a callback calls it', () => {
  const { wheel, errors } = newWheel()
  wheel.add(1, () => wheel.advance(2))
  wheel.advance(1)
  assert.ok(errors[0] instanceof assert.AssertionError)
})

test('nextDue is exact when near, and leads to far timers in few stops', () => {
  for (const start of [0, 255, 12_345, 2 ** 26 - 1, 2 ** 32 - 7, 2 ** 33 + 99]) {
    for (const delay of [1, 256, 257, 16_384, 70_001, DAY, 30 * DAY, TIMER_MS_MAX]) {
      const { wheel, add } = newWheel(start)
      assert.equal(wheel.nextDue(), undefined)
      add(start + delay)
      const { now, stops } = runToNext(wheel)
      assert.equal(now, start + delay)
      assert.ok(stops <= 5, `${stops} stops for ${delay} from ${start}`)
    }
  }
})

test('advance over days of nothing takes no time, and catches up in order', () => {
  const { add, at } = newWheel()
  add(40 * DAY)
  add(1)
  add(20 * DAY)
  const started = performance.now()
  assert.deepEqual(at(41 * DAY), ['1', `${20 * DAY}`, `${40 * DAY}`])
  for (let day = 42; day < 1042; day++) {
    add(day * DAY)
    assert.equal(at(day * DAY).length, 1)
  }
  assert.ok(performance.now() - started < 1000)
})

test('timers cross the wrap of the 32-bit tick, each round', () => {
  for (const round of [1, 2, 3]) {
    const wrap = round * 2 ** 32
    const { add, at } = newWheel(wrap - 3)
    for (const due of [wrap + 300, wrap, wrap - 1, wrap + 1, wrap + 2 ** 27]) add(due)
    assert.deepEqual(at(wrap - 2), [])
    assert.deepEqual(at(wrap - 1), [`${wrap - 1}`])
    assert.deepEqual(at(wrap), [`${wrap}`])
    assert.deepEqual(at(wrap + 300), [`${wrap + 1}`, `${wrap + 300}`])
    assert.deepEqual(at(wrap + 2 ** 27 - 1), [])
    assert.deepEqual(at(wrap + 2 ** 27), [`${wrap + 2 ** 27}`])
  }
})

test('a delay of TIMER_MS_MAX, and beyond, is not early', () => {
  for (const start of [0, 5, 2 ** 26 + 77, 2 ** 32 - 1]) {
    for (const delay of [TIMER_MS_MAX - 9, TIMER_MS_MAX, TIMER_MS_MAX + 9, 3 * TIMER_MS_MAX]) {
      const { add, at } = newWheel(start)
      add(start + delay)
      assert.deepEqual(at(start + 10), [])
      assert.deepEqual(at(start + delay - 1), [])
      assert.deepEqual(at(start + delay), [`${start + delay}`])
    }
  }
  assert.throws(() => newWheel().add(Number.NaN), assert.AssertionError)
  assert.throws(() => newWheel().add(Number.POSITIVE_INFINITY), assert.AssertionError)
})

test('a million timers are added, cancelled and fired quickly', () => {
  const wheel = new Wheel(0, assert.ifError)
  let last = 0
  let count = 0
  const timers: TimerNode[] = []
  const started = performance.now()
  for (let i = 0; i < 1_000_000; i++) {
    const due = 1 + ((i * 7919) % 600_000)
    const fire = () => {
      assert.ok(due >= last)
      last = due
      count++
    }
    timers.push(wheel.add(due, fire))
  }
  for (let i = 0; i < timers.length; i += 2) timers[i].cancel()
  for (let now = 0; now <= 600_000; now += 5) wheel.advance(now)
  assert.equal(count, 500_000)
  assert.equal(wheel.size, 0)
  assert.ok(performance.now() - started < 10_000)
})

/** A sorted list that does what the wheel promises. */
class Reference {
  #timers: { due: number; id: number }[] = []
  #tick: number

  constructor(now: number) {
    this.#tick = Math.floor(now)
  }

  add(dueMs: number, id: number): void {
    this.#timers.push({ due: Math.max(Math.ceil(dueMs), this.#tick), id })
  }

  cancel(id: number): boolean {
    const at = this.#timers.findIndex((timer) => timer.id === id)
    if (at >= 0) this.#timers.splice(at, 1)
    return at >= 0
  }

  /** `spawn` says what a firing timer adds: the delay from `now`, or nothing. */
  advance(now: number, spawn: (id: number) => { dueMs: number; id: number } | undefined): number[] {
    this.#tick = Math.max(this.#tick, Math.floor(now))
    const isDue = (timer: { due: number }): boolean => timer.due <= this.#tick
    const due = this.#timers.filter(isDue).sort((a, b) => a.due - b.due) // stable
    this.#timers = this.#timers.filter((timer) => !isDue(timer))
    for (const { id } of due) {
      const child = spawn(id)
      if (child) this.add(child.dueMs, child.id)
    }
    return due.map((timer) => timer.id)
  }

  get size(): number {
    return this.#timers.length
  }

  get earliest(): number | undefined {
    return this.#timers.reduce<number | undefined>(
      (least, { due }) => (least === undefined ? due : Math.min(least, due)),
      undefined,
    )
  }
}

const distance = fc.oneof(
  fc.nat(3),
  fc.double({ min: -10, max: 600, noNaN: true }),
  fc.nat(70_000),
  fc.nat(0x7fffffff).map((n) => n * 2 + 1), // up to TIMER_MS_MAX
  fc.constantFrom(255, 256, 257, 16_383, 16_384, 2 ** 20, 2 ** 26 - 1, 2 ** 26, TIMER_MS_MAX),
)
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ add: distance, spawn: fc.option(distance) }) },
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ go: distance }) },
  { weight: 2, arbitrary: fc.record({ toNext: fc.constant(true) }) },
)
const starts = fc.oneof(
  fc.nat(1000),
  fc.nat(600).map((n) => 2 ** 32 - 300 + n),
  fc.nat(),
)

/** Never too late; and exact in the current stretch of 256 ticks. */
function checkNextDue(next: number | undefined, earliest: number | undefined, now: number): void {
  if (earliest === undefined || next === undefined) {
    assert.equal(next, earliest)
    return
  }
  assert.ok(next <= earliest)
  if (Math.floor(earliest / 256) === Math.floor(now / 256)) assert.equal(next, earliest)
}

test('the wheel behaves as a sorted list for any adds, cancels and advances', () => {
  fc.assert(
    fc.property(starts, fc.array(step, { maxLength: 150, size: 'max' }), (start, steps) => {
      const wheel = new Wheel(start, assert.ifError)
      const model = new Reference(start)
      const timers: TimerNode[] = []
      const spawns = new Map<number, number>()
      const fired: number[] = []
      let now = start
      const add = (dueMs: number): number => {
        const id = timers.length
        const fire = () => {
          fired.push(id)
          const delay = spawns.get(id)
          if (delay !== undefined) add(now + delay)
        }
        timers.push(wheel.add(dueMs, fire))
        return id
      }
      for (const each of steps) {
        if ('add' in each) {
          const id = add(now + each.add)
          model.add(now + each.add, id)
          if (each.spawn !== null) spawns.set(id, each.spawn)
        } else if ('cancel' in each) {
          if (timers.length === 0) continue
          const id = each.cancel % timers.length
          assert.equal(timers[id].pending, model.cancel(id))
          timers[id].cancel()
        } else {
          now = 'go' in each ? Math.max(now, now + each.go) : (wheel.nextDue() ?? now)
          let nextId = timers.length
          wheel.advance(now)
          const expected = model.advance(now, (id) => {
            const delay = spawns.get(id)
            return delay === undefined ? undefined : { dueMs: now + delay, id: nextId++ }
          })
          assert.deepEqual(fired.splice(0), expected)
        }
        assert.equal(wheel.size, model.size)
        checkNextDue(wheel.nextDue(), model.earliest, now)
      }
    }),
    { numRuns: 500 },
  )
})
