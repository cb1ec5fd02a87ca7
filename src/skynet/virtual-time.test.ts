/** Timeouts, intervals, sleeps and deadlines of a service whose time is what the test says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scheduler } from '../kernel/scheduler.ts'
import { Wheel } from '../kernel/wheel.ts'
import { Service, type ServiceRuntime } from '../service/service.ts'
import { Waiter } from '../service/wait.ts'
import { WorkerTimers } from '../service/worker-timers.ts'
import { VirtualClock } from '../testing/timers.ts'
import type { Site } from './site.ts'
import { Skynet } from './skynet.ts'

const DAY = 86_400_000

/** A service with nothing but time: it has no mailbox, no router, no sockets. */
function setUp(now = 0.25) {
  const clock = new VirtualClock(now)
  const wheel = new Wheel(now, (error) => assert.fail(String(error)))
  const afterMail: Scheduler['afterMail'] = (_context, then) => then()
  const scheduler = { timerAdded() {}, running() {}, afterMail } as unknown as Scheduler
  const timers = new WorkerTimers({ clock, wheel, scheduler })
  const runtime = {
    get now() {
      return clock.now()
    },
    wheel,
    scheduler,
    addTimer: (ms, owner, task) => timers.addTimer(ms, owner, task),
    addTimerAt: (due, owner, task) => timers.addTimerAt(due, owner, task),
  } satisfies Partial<ServiceRuntime> as unknown as ServiceRuntime
  const origin = { isUnique: false, onFault: 'log' } as const
  const service = new Service(runtime, 1, 'file:///virtual.ts', 'virtual', origin)
  const skynet = new Skynet(service, {} as Site)
  /** Time passes, then the worker has its turn. */
  const pass = (ms: number): number => {
    clock.move(ms)
    return wheel.advance(clock.now())
  }
  return { service, skynet, wheel, clock, pass }
}

test('timeout() runs at its time, days away too, and not before', () => {
  const { skynet, wheel, pass } = setUp()
  const fired: string[] = []
  skynet.timeout(40 * DAY, () => fired.push('days'))
  skynet.timeout(1.5, () => fired.push('soon'))
  pass(1.5) // 1.75: the tick that is not early begins at 2
  assert.deepEqual(fired, [])
  pass(0.25)
  assert.deepEqual(fired, ['soon'])
  pass(40 * DAY - 2)
  assert.deepEqual([fired.length, wheel.size], [1, 1])
  pass(1)
  assert.deepEqual(fired, ['soon', 'days'])
})

test('sleep() ends at its time', async () => {
  const { skynet, wheel, pass } = setUp()
  let isAwake = false
  const sleep = skynet.sleep(DAY).then(() => {
    isAwake = true
  })
  pass(DAY - 1)
  await Promise.resolve()
  assert.equal(isAwake, false)
  pass(2)
  await sleep
  assert.equal(wheel.size, 0)
})

test('a deadline passes at its time, or goes with what it limits', async () => {
  const { service, wheel, pass } = setUp()
  const late = (ms: number): Error => new Error(`late after ${ms}`)
  const about = { kind: 'wait', what: 'a test', late } as const
  const wait = (): Waiter<void> => new Waiter<void>(service, about, { timeoutMs: 100.5 })
  const [first, second] = [wait(), wait()]
  pass(100)
  second.resolve()
  assert.deepEqual([first.isOver, wheel.size], [false, 1])
  pass(2)
  await assert.rejects(first.promise, { message: 'late after 100.5' })
  await second.promise
})

// Proves: docs/semantics.md#interval
test('interval() keeps to its plan whatever runs late', () => {
  const { skynet, clock, pass } = setUp(0)
  const at: number[] = []
  skynet.interval(10.1, () => at.push(clock.now()))
  pass(11) // planned for 10.1
  pass(9.5) // 20.5: 20.2 begins its tick at 21
  pass(3.5) // 24
  pass(7) // 31: 30.3
  for (let i = 0; i < 1000 * 101; i++) pass(0.1)
  assert.deepEqual(at.slice(0, 3), [11, 24, 31])
  assert.equal(at.length, 3 + 1000, 'as many as the plan has: none drifted away')
  for (const time of at.slice(3)) {
    const behind = (time + 1e-6) % 10.1
    assert.ok(behind < 1.2, `${time} is ${behind} behind the plan`)
  }
})

// Proves: docs/semantics.md#interval
test('interval() leaves out what was missed altogether, and keeps to its plan', () => {
  const { skynet, clock, pass } = setUp(0)
  const at: number[] = []
  skynet.interval(10, () => at.push(clock.now()))
  for (const ms of [37, 2, 1, 20, 10]) pass(ms)
  assert.deepEqual(at, [37, 40, 60, 70])
})

// Proves: docs/semantics.md#timer-cancel
test('interval() ends when it is cancelled, also by its own task', () => {
  const { skynet, wheel, pass } = setUp()
  let runs = 0
  const timer = skynet.interval(10, () => {
    assert.equal(timer.pending, true, 'the next one is set')
    if (++runs === 3) timer.cancel()
  })
  const other = skynet.interval(5, () => {})
  for (let i = 0; i < 10; i++) pass(10)
  assert.deepEqual([runs, timer.pending, wheel.size], [3, false, 1])
  other.cancel()
  assert.equal(wheel.size, 0)
})

// Proves: docs/semantics.md#delay-range
test('a delay is 0 to 2^32-1 milliseconds, of an interval at least 1', async () => {
  const { skynet, wheel, pass } = setUp()
  const task = (): void => {}
  const refused = [-1, -0.001, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, '5', undefined]
  for (const ms of refused as number[]) {
    const kind = typeof ms === 'number' ? RangeError : TypeError
    assert.throws(() => skynet.timeout(ms, task), kind, String(ms))
    assert.throws(() => skynet.interval(ms, task), kind, String(ms))
    await assert.rejects(skynet.sleep(ms), kind, String(ms))
  }
  for (const ms of [0, 0.999]) assert.throws(() => skynet.interval(ms, task), RangeError)
  assert.equal(wheel.size, 0, 'what is refused leaves nothing')
  const delays = [0, -0, 0.001, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1]
  const fired: number[] = []
  for (const ms of delays) skynet.timeout(ms, () => fired.push(ms))
  skynet.interval(2 ** 32 - 1, () => fired.push(-1))
  pass(1)
  assert.deepEqual(fired, [0, -0, 0.001])
  pass(2 ** 31 - 2)
  assert.equal(fired.length, 4)
  pass(3)
  assert.equal(fired.length, 7)
  pass(2 ** 31)
  assert.deepEqual(fired.slice(7), [2 ** 32 - 1, -1])
})
