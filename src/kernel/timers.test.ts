import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collector } from '../base/collector.ts'
import { setTimer } from '../testing/timers.ts'
import { NO_TIMER, Timers } from './timers.ts'
import { Wheel } from './wheel.ts'

const newOwner = () => {
  const tasks: unknown[] = []
  const timerFired = (task: unknown): void => void tasks.push(task)
  return { firstTimer: NO_TIMER, timerFired, tasks }
}
const newWheel = (): Wheel => new Wheel(0, (error) => assert.fail(String(error)))

test('cancelAll drops the timers of one owner, wherever they are, and no others', () => {
  const wheel = newWheel()
  const [one, other] = [newOwner(), newOwner()]
  for (const due of [1, 1, 300, 70_000, 2 ** 31, 3]) {
    wheel.add(due, one, 'one')
    wheel.add(due, other, due)
  }
  wheel.advance(2)
  assert.deepEqual(
    [one.tasks, other.tasks],
    [
      ['one', 'one'],
      [1, 1],
    ],
  )
  wheel.cancelAll(one)
  wheel.cancelAll(one)
  assert.deepEqual([one.firstTimer, wheel.size], [NO_TIMER, 4])
  wheel.advance(2 ** 31)
  assert.deepEqual([one.tasks.length, other.tasks], [2, [1, 1, 3, 300, 70_000, 2 ** 31]])
  assert.equal(other.firstTimer, NO_TIMER)
})

test('an owner that cancels all in a timer gets no other of the same tick', () => {
  const wheel = newWheel()
  const owner = { firstTimer: NO_TIMER, timerFired: () => wheel.cancelAll(owner) }
  const other = newOwner()
  for (let i = 0; i < 5; i++) {
    wheel.add(7, owner)
    wheel.add(7, other, i)
  }
  assert.equal(wheel.advance(7), 6)
  assert.deepEqual(other.tasks, [0, 1, 2, 3, 4])
})

// Proves: docs/semantics.md#end-takes
test('what a timer held is free once it fired, was cancelled, or its owner ended', async () => {
  const gc = collector()
  const wheel = newWheel()
  const keeper = newOwner()
  const held: WeakRef<object>[] = []
  const hold = (): object => {
    const task = {}
    held.push(new WeakRef(task))
    return task
  }
  const use = (): void => {
    const owner = { firstTimer: NO_TIMER, timerFired: () => {} }
    held.push(new WeakRef(owner))
    wheel.add(1, owner, hold())
    wheel.add(1000, owner, hold())
    wheel.add(1000, keeper, hold())
    wheel.advance(1)
    wheel.cancelAll(owner)
  }
  use()
  await new Promise(setImmediate)
  gc()
  const isAlive = held.map((each) => each.deref() !== undefined)
  assert.deepEqual(isAlive, [false, false, false, true], 'the last one is still set')
})

test('records are used again, and the room of a rush is given back after it', () => {
  const timers = new Timers(1)
  const owner = newOwner()
  const rush = (count: number): number => {
    const set = Array.from({ length: count }, () => {
      const timer = timers.add(0, owner, undefined)
      timers.append(0, timer)
      return timer
    })
    for (const timer of set) timers.remove(timer)
    return timers.capacity
  }
  assert.equal(rush(3), 1025)
  assert.equal(rush(1024), 1025)
  assert.equal(rush(1025), 2050)
  const most = rush(100_000)
  assert.ok(most > 100_000 && most < 200_002)
  assert.equal(rush(100_000), most, 'another rush finds its room')
  for (let i = 0; i < 3; i++) assert.equal(rush(1), 1025)
})

test('a million timers of a thousand owners are dropped with their owners', () => {
  const wheel = newWheel()
  const owners = Array.from({ length: 1000 }, newOwner)
  for (let i = 0; i < 1_000_000; i++) wheel.add(1 + (i % 5000), owners[(i * 7) % 1000]!, i)
  for (const owner of owners.slice(0, 999)) wheel.cancelAll(owner)
  assert.equal(wheel.size, 1000)
  const last = owners[999]!
  assert.equal(wheel.advance(5000), 1000)
  assert.equal(last.tasks.length, 1000)
  assert.ok(last.tasks.every((task) => ((task as number) * 7) % 1000 === 999))
})

test('owners may set timers again after they dropped all', () => {
  const wheel = newWheel()
  const owner = newOwner()
  setTimer(wheel, 5, () => {})
  wheel.add(5, owner, 'dropped')
  wheel.cancelAll(owner)
  wheel.add(5, owner, 'kept')
  wheel.advance(5)
  assert.deepEqual(owner.tasks, ['kept'])
})

test('a timer that came into no ring, as the stack ended, can be removed like any other', () => {
  const timers = new Timers(2)
  const owner = { firstTimer: NO_TIMER, timerFired: () => {} }
  const used = timers.add(1, owner, undefined)
  const others = [timers.add(2, owner, undefined), timers.add(3, owner, undefined)]
  for (const timer of [used, ...others]) timers.append(1, timer)
  timers.remove(used)
  // Its record is that of the one before, whose neighbours it must not have.
  const lost = timers.add(4, owner, undefined)
  assert.equal(lost, used)
  timers.remove(lost)
  assert.deepEqual([timers.shift(1), timers.shift(1), timers.first(1)], [...others, 1])
})
