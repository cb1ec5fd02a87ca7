import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Budget, costOf } from '../base/budget.ts'
import type { Clock } from '../base/clock.ts'
import { RING_PAYLOAD_BYTES_MAX } from '../base/limits.ts'
import { createDoorbellMemory, Doorbells } from '../shm/doorbell.ts'
import { setTimer, VirtualClock } from '../testing/timers.ts'
import { UNBOUND } from '../wire/service-id.ts'
import { BusyCells, BusyWatch, createBusyMemory } from './busy.ts'
import { Context } from './context.ts'
import type { Message } from './message.ts'
import { batchSize, type Inlet, Scheduler, weightOf } from './scheduler.ts'
import { NO_TIMER } from './timers.ts'
import { Wheel } from './wheel.ts'

const message = (value: unknown): Message => ({ type: 10, source: 1, session: 0, value })

function setUp(
  t: { after(fn: () => void): void },
  worker = 0,
  clock: Clock = { now: () => performance.now() },
) {
  const wheel = new Wheel(clock.now(), (error) => assert.fail(String(error)))
  const bells = new Doorbells(createDoorbellMemory(worker + 2), { thread: worker + 1, wake() {} })
  const overloads: number[] = []
  const monitorMemory = createBusyMemory(worker + 1)
  const scheduler = new Scheduler({
    clock,
    wheel,
    bells,
    worker,
    monitor: new BusyCells(monitorMemory, worker),
    yield: () => {},
    onOverload: (_context, length) => overloads.push(length),
  })
  t.after(() => scheduler.stop())
  /** A service that hands its messages to `receive`. */
  const service = (receive: (value: unknown) => void): Context =>
    new Context(2, 'service', {
      receive: ({ value }) => receive(value),
      ...UNBOUND,
    })
  const post = (to: Context, value?: unknown): void => scheduler.deliver(to, message(value))
  const monitor = new BusyWatch(monitorMemory, worker + 1)
  return { scheduler, wheel, clock, bells, worker, overloads, monitor, service, post }
}

/** Settles when `finish` is called. */
function gate() {
  let finish!: () => void
  const opened = new Promise<void>((resolve) => {
    finish = resolve
  })
  return { opened, finish }
}

/** Keeps the event loop going: a scheduler that sleeps for its doorbell does not. */
function stayAlive(t: { after(fn: () => void): void }): void {
  const timer = setInterval(() => {}, 1000)
  t.after(() => clearInterval(timer))
}

test('weightOf is the table of Skynet', () => {
  const rows: [from: number, to: number, weight: number][] = [
    [0, 4, -1],
    [4, 8, 0],
    [8, 16, 1],
    [16, 24, 2],
    [24, 32, 3],
    [32, 1024, 0],
  ]
  for (const [from, to, weight] of rows) {
    for (let worker = from; worker < to; worker++) assert.equal(weightOf(worker), weight)
  }
})

test('batchSize is 1, or the length halved by the weight, and never 0', () => {
  assert.deepEqual([batchSize(1000, -1), batchSize(1000, 0), batchSize(1000, 3)], [1, 1000, 125])
  assert.equal(batchSize(1, 3), 1)
})

test('a thread that finds nothing to do comes round, and is held by nothing', async (t) => {
  const { scheduler, monitor, service, post } = setUp(t)
  scheduler.start([], [])
  const taken: unknown[] = []
  post(
    service((value) => taken.push(value)),
    'mail',
  )
  await new Promise(setImmediate)
  assert.deepEqual(taken, ['mail'])
  for (let round = 0; round < 5; round++) {
    assert.deepEqual(monitor.check(), [], `round ${round}`)
    await new Promise(setImmediate)
  }
})

for (const [worker, batch] of [
  [0, 1],
  [4, 100],
  [8, 50],
] as const) {
  test(`a flooded service delays another by a batch of ${batch} (worker ${worker})`, async (t) => {
    // A turn that takes long ends a batch early: here no time passes.
    const { scheduler, service, post } = setUp(t, worker, new VirtualClock())
    const order: string[] = []
    const { opened, finish } = gate()
    const flooded = service(() => order.push('flooded'))
    const other = service(() => {
      order.push('other')
      finish()
    })
    for (let i = 0; i < 100; i++) post(flooded)
    post(other)
    scheduler.start([], [])
    await opened
    assert.equal(order.indexOf('other'), batch)
  })
}

test('messages to one service are handled in order, also those it sends to itself', async (t) => {
  const { scheduler, service, post } = setUp(t)
  const seen: unknown[] = []
  const { opened, finish } = gate()
  const context = service((value) => {
    seen.push(value)
    if (value === 1) post(context, 3)
    if (value === 3) finish()
  })
  scheduler.start([], [])
  post(context, 1)
  post(context, 2)
  await opened
  assert.deepEqual(seen, [1, 2, 3])
  assert.equal(context.handled, 3)
})

test('endless messages between services leave the event loop its turns', async (t) => {
  const { scheduler, wheel, clock, service, post } = setUp(t)
  let isOver = false
  let handled = 0
  const ping: Context = service(() => {
    handled++
    if (!isOver) post(pong)
  })
  const pong: Context = service(() => post(ping))
  scheduler.start([], [])
  post(ping)
  const due = clock.now() + 5
  const fired = gate()
  setTimer(wheel, due, fired.finish)
  scheduler.timerAdded(due)
  await new Promise(setImmediate)
  await new Promise((resolve) => setTimeout(resolve, 1))
  await fired.opened
  assert.ok(handled > 0)
  isOver = true
})

test('handlers that take long give the event loop a turn before all is done', async (t) => {
  const { scheduler, service, post } = setUp(t)
  const slow = service(() => {
    for (const until = performance.now() + 0.5; performance.now() < until; );
  })
  scheduler.start([], [])
  for (let i = 0; i < 1000; i++) post(slow)
  await new Promise(setImmediate)
  assert.ok(slow.mailbox!.length > 0)
})

// Proves: docs/semantics.md#timer-turns
test('timers due at once leave messages and the event loop their turns', async (t) => {
  const { scheduler, wheel, service, post } = setUp(t)
  const TIMERS = 10_000
  let fired = 0
  const firedAt: number[] = []
  const all = gate()
  for (let i = 0; i < TIMERS; i++) {
    setTimer(wheel, 0, () => ++fired === TIMERS && all.finish())
  }
  scheduler.start([], [])
  post(service(() => firedAt.push(fired)))
  await new Promise(setImmediate)
  firedAt.push(fired)
  await all.opened
  assert.equal(firedAt.length, 2)
  for (const count of firedAt) assert.ok(count > 0 && count < TIMERS, `${count}`)
})

// Proves: docs/semantics.md#timer-turns
test('timers that take long leave messages their turn before all have fired', async (t) => {
  const { scheduler, wheel, service, post } = setUp(t)
  let fired = 0
  const slow = (): void => {
    fired++
    for (const until = performance.now() + 0.5; performance.now() < until; );
  }
  for (let i = 0; i < 200; i++) setTimer(wheel, 0, slow)
  const { opened, finish } = gate()
  post(service(finish))
  scheduler.start([], [])
  await opened
  assert.ok(fired > 0 && fired < 200)
})

test('timers of one turn are at most 4096, the others follow round by round', async (t) => {
  // Without any timer of Node.js: what is due is not waited for.
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { scheduler, wheel } = setUp(t, 0, new VirtualClock())
  let fired = 0
  for (let i = 0; i < 100_000; i++) setTimer(wheel, 0, () => fired++)
  scheduler.start([], [])
  assert.equal(fired, 4096)
  for (let round = 0; round < 100; round++) await new Promise(setImmediate)
  assert.equal(fired, 100_000)
})

test('onOverload is told when a mailbox is too long', async (t) => {
  const { scheduler, service, post, overloads } = setUp(t)
  const { opened, finish } = gate()
  const context = service((value) => value === 2000 && finish())
  for (let i = 1; i <= 2000; i++) post(context, i)
  scheduler.start([], [])
  await opened
  assert.deepEqual(overloads, [2000])
})

/** Records that another thread wrote: how many there are is all that counts. */
/** What a record beside the ring costs at least. */
const LARGE = costOf(RING_PAYLOAD_BYTES_MAX)

class FakeInlet implements Inlet {
  records = 0
  #read = 0
  readonly #receive: () => void
  readonly #cost: number

  constructor(receive: () => void, cost = 1) {
    this.#receive = receive
    this.#cost = cost
  }

  get isEmpty(): boolean {
    return this.records === 0
  }

  get written(): number {
    return this.#read + this.records
  }

  hasRead(mark: number): boolean {
    return this.#read >= mark
  }

  drain(limit: number, budget: Budget): number {
    let count = 0
    while (count < limit && this.records > 0) {
      count++
      this.records--
      this.#read++
      this.#receive()
      if (!budget.spend(this.#cost)) break
    }
    return count
  }
}

test('a scheduler that sleeps is woken by its doorbell, and handles all there is', async (t) => {
  stayAlive(t)
  const { scheduler, bells, worker, service, post } = setUp(t)
  let left = 3000
  const { opened, finish } = gate()
  const context = service(() => --left === 0 && finish())
  const inlet = new FakeInlet(() => post(context))
  scheduler.start([inlet], [])
  await asleep(bells)
  inlet.records = 3000
  bells.ring(worker)
  await opened
  assert.equal(inlet.records, 0)
})

test('what comes while a scheduler lies down is not left until the next ring', async (t) => {
  stayAlive(t)
  const { scheduler, bells, service, post } = setUp(t)
  const { opened, finish } = gate()
  const context = service(finish)
  const inlet = new FakeInlet(() => post(context))
  const lieDown = bells.lieDown.bind(bells)
  // The record is published after the last look, and before the bell is up.
  bells.lieDown = (thread) => {
    inlet.records = 1
    bells.lieDown = lieDown
    lieDown(thread)
  }
  scheduler.start([inlet], [])
  await opened
})

test('who waits for room tries once more after the bell is up, and before sleep', async (t) => {
  stayAlive(t)
  const { scheduler, bells } = setUp(t)
  let isDown = false
  const { opened, finish } = gate()
  const lieDown = bells.lieDown.bind(bells)
  bells.lieDown = (thread) => {
    isDown = true
    lieDown(thread)
  }
  const sleep = bells.sleep.bind(bells)
  let hasTried = false
  bells.sleep = (thread) => {
    assert.equal(hasTried, true)
    finish()
    return sleep(thread)
  }
  const retry = (): boolean => {
    hasTried = isDown
    return false
  }
  scheduler.start([], [{ retry }])
  await opened
})

test('stayUp() takes what comes without a ring, and the next one wakes it again', async (t) => {
  const { scheduler, bells, worker, inlet, handled } = withInlet(t)
  for (let round = 0; round < 3; round++) {
    await resting(scheduler)
    scheduler.stayUp()
    assert.equal(scheduler.isAsleep, false)
    // Whoever rang now would find it awake, and wake nobody.
    inlet.records = 1
    await handled()
    await resting(scheduler)
    inlet.records = 1
    bells.ring(worker)
    await handled()
  }
})

test('stayUp() between a ring and the turn that it brings loses nothing', async (t) => {
  const { scheduler, bells, worker, inlet, handled } = withInlet(t)
  for (let round = 0; round < 3; round++) {
    await resting(scheduler)
    bells.ring(worker)
    scheduler.stayUp()
    inlet.records = 1
    await handled()
  }
})

test('stop ends the turns', async (t) => {
  const { scheduler, service, post } = setUp(t)
  let handled = 0
  const context = service(() => handled++)
  scheduler.start([], [])
  scheduler.stop()
  post(context)
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
  assert.equal(handled, 0)
})

test('records that take long leave mailboxes, timers and the other ring their turns', async (t) => {
  const clock = new VirtualClock()
  const { scheduler, wheel, service, post } = setUp(t, 0, clock)
  const order: string[] = []
  const { opened, finish } = gate()
  const slow = new FakeInlet(() => {
    clock.move(100)
    order.push('slow')
    if (slow.records === 0) finish()
  }, LARGE)
  const other = new FakeInlet(() => order.push('other'))
  const neighbour: Context = service(() => {
    order.push('mail')
    post(neighbour)
  })
  const timers = { firstTimer: NO_TIMER, timerFired: () => again() }
  const again = (): void => {
    order.push('timer')
    wheel.add(clock.now() + 1, timers)
  }
  wheel.add(1, timers)
  slow.records = 20
  other.records = 20
  post(neighbour)
  scheduler.start([slow, other], [])
  await opened
  const first = order.slice(0, order.indexOf('slow', order.indexOf('slow') + 1))
  assert.ok(first.includes('mail') && first.includes('other'), first.join())
  const second = order.slice(first.length + 1)
  assert.ok(second.slice(0, second.indexOf('slow')).includes('timer'))
  scheduler.stop()
})

test('what waits for room is sent piece by piece, and before the thread sleeps', async (t) => {
  stayAlive(t)
  const clock = new VirtualClock()
  const { scheduler, bells } = setUp(t, 0, clock)
  let left = 5
  const perTry: number[] = []
  const retry = (budget: Budget): boolean => {
    let sent = 0
    perTry.push(0)
    for (; left > 0; left--) {
      clock.move(100)
      perTry[perTry.length - 1] = ++sent
      if (!budget.spend(LARGE)) {
        left--
        return left > 0
      }
    }
    return false
  }
  scheduler.start([], [{ retry }])
  await asleep(bells)
  assert.equal(left, 0)
  assert.deepEqual(
    perTry.filter((sent) => sent > 0),
    [1, 1, 1, 1, 1],
  )
})

// Proves: docs/semantics.md#timeout-behind-mail
test('afterMail() runs behind what others had sent, not behind what they send', async (t) => {
  const clock = new VirtualClock()
  const { scheduler, service, post } = setUp(t, 0, clock)
  const order: string[] = []
  const { opened, finish } = gate()
  let sent = 0
  const context = service((value) => {
    order.push(String(value))
    // They go on sending.
    if (sent < 100) inlet.records++
    else finish()
  })
  // One record a turn.
  const inlet = new FakeInlet(() => {
    clock.move(100)
    post(context, ++sent)
  }, LARGE)
  inlet.records = 3
  scheduler.start([inlet], [])
  post(context, 'mail')
  scheduler.afterMail(context, () => order.push('then'))
  await opened
  assert.deepEqual(order.slice(0, 5), ['mail', '1', '2', '3', 'then'])
})

test('afterMail() runs at once without mail, and behind that of its service alone', (t) => {
  const { scheduler, service, post } = setUp(t)
  const [busy, idle] = [service(() => {}), service(() => {})]
  scheduler.start([new FakeInlet(() => {})], [])
  post(busy)
  const done: string[] = []
  scheduler.afterMail(idle, () => done.push('idle'))
  scheduler.afterMail(busy, () => done.push('busy'))
  assert.deepEqual(done, ['idle'])
})

test('redeliver() brings what was taken before all that came meanwhile', async (t) => {
  // No turn ends early: all three are taken in the first one.
  const { scheduler, service, post } = setUp(t, 0, new VirtualClock())
  const { opened, finish } = gate()
  const early: Message[] = []
  const seen: unknown[] = []
  let isReady = false
  const context = service((value) => {
    if (!isReady) early.push(message(value))
    else if (seen.push(value) === 6) finish()
  })
  scheduler.start([], [])
  for (const value of [1, 2, 3]) post(context, value)
  await new Promise(setImmediate)
  assert.equal(early.length, 3)
  for (const value of [4, 5, 6]) post(context, value)
  isReady = true
  scheduler.redeliver(context, early)
  await opened
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6])
  assert.equal(context.handled, 6)
})

/** Waits until the scheduler sleeps for its bell. */
async function asleep(bells: Doorbells): Promise<void> {
  const sleep = bells.sleep.bind(bells)
  await new Promise<void>((resolve) => {
    bells.sleep = (thread) => {
      const rung = sleep(thread)
      if (rung !== undefined) resolve()
      return rung
    }
  })
}

/** A scheduler that reads an inlet. `handled` resolves for each record that was handled, once. */
function withInlet(t: TestContext) {
  stayAlive(t)
  const all = setUp(t)
  const { scheduler, service, post } = all
  let next = gate()
  const context = service(() => next.finish())
  const inlet = new FakeInlet(() => post(context))
  scheduler.start([inlet], [])
  const handled = async (): Promise<void> => {
    await next.opened
    next = gate()
  }
  return { ...all, inlet, handled }
}

/** Waits until it sleeps, be it for a bell that it has waited for before. */
async function resting(scheduler: Scheduler): Promise<void> {
  while (!scheduler.isAsleep) await new Promise(setImmediate)
}

test('a message that cannot be begun holds up no other one', { timeout: 5000 }, async (t) => {
  const { scheduler, service, post } = setUp(t)
  const { opened, finish } = gate()
  const { opened: thrown, finish: caught } = gate()
  const seen: unknown[] = []
  const handle = (value: unknown): void => {
    if (seen.push(value) === 2) finish()
  }
  const first = service(handle)
  const second = service(handle)
  // It is thrown in a turn of its own; the runner would take it for a failure.
  const listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', caught)
  t.after(() => {
    process.removeAllListeners('unhandledRejection')
    for (const listener of listeners) process.on('unhandledRejection', listener)
  })
  stayAlive(t)
  scheduler.start([], [])
  scheduler.deliver(first, { ...message('lost'), source: 5n as unknown as number })
  post(first, 1)
  post(second, 2)
  await Promise.all([opened, thrown])
  assert.deepEqual(seen.sort(), [1, 2])
})
