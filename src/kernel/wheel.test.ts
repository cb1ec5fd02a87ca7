import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TIMER_MS_MAX } from '../base/limits.ts'
import { setTimer } from '../testing/timers.ts'
import { Timer } from './timer.ts'
import { NO_TIMER } from './timers.ts'
import { Wheel } from './wheel.ts'

const DAY = 86_400_000

function newWheel(now = 0) {
  const fired: string[] = []
  const errors: unknown[] = []
  const wheel = new Wheel(now, (error) => errors.push(error))
  const add = (dueMs: number, name = `${dueMs}`): Timer =>
    setTimer(wheel, dueMs, () => fired.push(name))
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
    assert.ok(Number.isFinite(now))
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
  const due = 300_000
  for (const now of [0, 262_144, 297_000, 299_900, 299_999]) {
    at(now)
    add(due, `${now}`)
  }
  assert.deepEqual(at(due), ['0', '262144', '297000', '299900', '299999'])
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
  setTimer(wheel, 10, () => {
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
  assert.equal(wheel.nextDue(), Number.POSITIVE_INFINITY)
})

test('callbacks cancel timers of their own tick, of later ones, and themselves', () => {
  const { wheel, add, at } = newWheel()
  const victims: Timer[] = []
  const killer = setTimer(wheel, 5, () => {
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
  setTimer(wheel, 5, () => {
    throw new Error('one')
  })
  setTimer(wheel, 5, () => {
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
  setTimer(wheel, 5, () => {
    setTimer(wheel, 1, () => order.push(1))
    throw new Error('stop')
  })
  setTimer(wheel, 5, () => order.push(5))
  setTimer(wheel, 6, () => order.push(6))
  assert.throws(() => wheel.advance(9), /stop/)
  assert.equal(wheel.size, 3)
  assert.equal(wheel.advance(9), 3)
  assert.deepEqual(order, [5, 1, 6])
})

test('advance asserts when a callback calls it', () => {
  const { wheel, errors } = newWheel()
  setTimer(wheel, 1, () => wheel.advance(2))
  wheel.advance(1)
  assert.ok(errors[0] instanceof assert.AssertionError)
})

test('nextDue is exact when near, and leads to far timers in few stops', () => {
  for (const start of [0, 2047, 12_345, 2 ** 25 - 1, 2 ** 32 - 7, 2 ** 33 + 99]) {
    for (const delay of [1, 2048, 2049, 2 ** 18, 300_001, DAY, 30 * DAY, TIMER_MS_MAX]) {
      const { wheel, add } = newWheel(start)
      assert.equal(wheel.nextDue(), Number.POSITIVE_INFINITY)
      add(start + delay)
      const { now, stops } = runToNext(wheel)
      assert.equal(now, start + delay)
      assert.ok(stops <= 5, `${stops} stops for ${delay} from ${start}`)
    }
  }
})

test('advance over days of nothing catches up in order', () => {
  const { add, at } = newWheel()
  add(40 * DAY)
  add(1)
  add(20 * DAY)
  assert.deepEqual(at(41 * DAY), ['1', `${20 * DAY}`, `${40 * DAY}`])
  for (let day = 42; day < 1042; day++) {
    add(day * DAY)
    assert.equal(at(day * DAY).length, 1)
  }
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

test('a million timers fire once each, never early, in order within a tick', () => {
  const wheel = new Wheel(0, (error) => assert.fail(String(error)))
  const count = 1_000_000
  const dues = Float64Array.from({ length: count }, (_, i) => ((i * 7919) % 600_000) / 2)
  const fired = new Uint8Array(count)
  let now = 0
  let last = 0
  let lastTick = 0
  const timerFired = (task: unknown): void => {
    const i = task as number
    const tick = Math.ceil(dues[i]!)
    fired[i]!++
    if (dues[i]! > now || tick < lastTick || (tick === lastTick && i < last)) {
      assert.fail(`${i} of ${dues[i]} fired at ${now} behind ${last}`)
    }
    last = i
    lastTick = tick
  }
  const owner = { firstTimer: NO_TIMER, timerFired }
  const timers = Array.from(dues, (due, i) => new Timer(wheel.timers, wheel.add(due, owner, i)))
  const isCancelled = (i: number): boolean => i % 3 === 0
  for (const [i, timer] of timers.entries()) if (isCancelled(i)) timer.cancel()
  for (; wheel.size > 0; now += 7.3) wheel.advance(now)
  assert.ok(fired.every((times, i) => times === (isCancelled(i) ? 0 : 1)))
})

test('advance that may fire no more goes on later where it was, in order', () => {
  const { wheel, add, fired } = newWheel()
  for (const due of [5, 6, 3000]) for (const name of ['a', 'b', 'c']) add(due, `${due}${name}`)
  setTimer(wheel, 6, () => add(4, 'late'))
  const upTo = (limit: number): number => wheel.advance(9, (count) => count < limit)
  assert.equal(upTo(0), 0)
  assert.equal(upTo(2), 2)
  assert.equal(wheel.nextDue(), 5)
  add(5, '5 added')
  add(2, 'due before')
  assert.equal(upTo(4), 4)
  assert.deepEqual(fired, ['5a', '5b', '5c', '5 added', 'due before', '6a'])
  assert.equal(wheel.nextDue(), 6)
  assert.equal(upTo(3), 3)
  assert.equal(wheel.nextDue(), 9, 'what was added meanwhile is due')
  assert.equal(wheel.advance(3000), 4)
  assert.deepEqual(fired.slice(6), ['6b', '6c', 'late', '3000a', '3000b', '3000c'])
})
