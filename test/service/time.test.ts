/** Sleeping, timeouts and tasks of a service. */
import assert from 'node:assert/strict'
import type subject from '../fixtures/subject.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

/** More messages than one turn handles. */
const MANY = 10_000

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

// Proves: docs/semantics.md#time-never-early
check('sleep() and timeout() are never early', async (skynet) => {
  const early: string[] = []
  const sleeps = Array.from({ length: 200 }, async (_, i) => {
    const ms = (i % 50) + i / 7
    const from = skynet.now()
    await skynet.sleep(ms)
    if (skynet.now() < from + ms) early.push(`sleep ${ms}`)
  })
  const timeouts = Array.from({ length: 200 }, (_, i) => {
    const ms = (i % 50) + i / 7
    const from = skynet.now()
    return new Promise<void>((resolve) => {
      skynet.timeout(ms, () => {
        if (skynet.now() < from + ms) early.push(`timeout ${ms}`)
        resolve()
      })
    })
  })
  await Promise.all([...sleeps, ...timeouts])
  assert.deepEqual(early, [])
})

// Proves: docs/semantics.md#time-never-early
check('timeouts of one tick fire in the order they were set', async (skynet) => {
  const fired: number[] = []
  for (let i = 0; i < 100; i++) skynet.timeout(3, () => fired.push(i))
  await until('all have fired', () => fired.length === 100)
  assert.deepEqual(
    fired,
    [...fired].sort((a, b) => a - b),
  )
})

// Proves: docs/semantics.md#sleep-zero
check('sleep(0) lets other work run first', async (skynet, handlers) => {
  const order: string[] = []
  handlers.message = () => order.push('message')
  skynet.send(skynet.self, 'message')
  await skynet.sleep(0)
  order.push('after sleep')
  assert.deepEqual(order, ['message', 'after sleep'])
})

// Proves: docs/semantics.md#sleep-zero
check('sleep(0) behind more messages than one turn handles', async (skynet, handlers) => {
  let handled = 0
  handlers.message = () => handled++
  for (let i = 0; i < MANY; i++) skynet.send(skynet.self, 'message')
  assert.equal(await skynet.sleep(0), undefined)
  assert.equal(handled, MANY)
  // Who is woken meanwhile does not wait for all of them, and leaves no timer.
  for (let i = 0; i < MANY; i++) skynet.send(skynet.self, 'message')
  const sleep = skynet.sleep(0, { token: 't' })
  assert.ok(skynet.wakeup('t'))
  assert.equal(await sleep, 'BREAK')
  assert.ok(handled < 2 * MANY)
  await skynet.sleep(0)
  assert.equal(handled, 2 * MANY)
  assert.deepEqual(skynet.tasks(), [])
})

// Proves: docs/semantics.md#timer-cancel
check('timeout() that is cancelled does not fire', async (skynet) => {
  const fired: string[] = []
  const early = skynet.timeout(1, () => fired.push('cancelled'))
  {
    using _disposed = skynet.timeout(1, () => fired.push('disposed'))
  }
  const kept = skynet.timeout(2, () => fired.push('kept'))
  assert.equal(early.pending, true)
  early.cancel()
  assert.deepEqual([early.pending, kept.pending], [false, true])
  await until('the other fires', () => fired.length > 0)
  await skynet.sleep(3)
  assert.deepEqual(fired, ['kept'])
  assert.equal(kept.pending, false)
  kept.cancel()
})

// Proves: docs/semantics.md#interval
check(
  'interval() runs again and again, never before its time, until it is cancelled',
  async (skynet) => {
    const from = skynet.now()
    const at: number[] = []
    await new Promise<void>((resolve) => {
      const timer = skynet.interval(3.5, () => {
        at.push(skynet.now() - from)
        if (at.length < 20) return
        timer.cancel()
        assert.equal(timer.pending, false)
        resolve()
      })
    })
    await skynet.sleep(10)
    assert.equal(at.length, 20)
    for (const [i, ms] of at.entries()) assert.ok(ms >= (i + 1) * 3.5, `${i} after ${ms}`)
  },
)

// Proves: docs/semantics.md#time-never-early
check('many timers at once fire once each, never early, in order', async (skynet) => {
  const COUNT = 100_000
  /** The time of each lies between these: the clock was read before it was set, and after. */
  const least: number[] = []
  const most: number[] = []
  const early: number[] = []
  const order: number[] = []
  for (let i = 0; i < COUNT; i++) {
    const ms = (i * 7919) % 400
    least.push(skynet.now() + ms)
    skynet.timeout(ms, () => {
      if (skynet.now() < least[i]!) early.push(i)
      order.push(i)
    })
    most.push(skynet.now() + ms)
  }
  await until('all have fired', () => order.length === COUNT)
  assert.equal(new Set(order).size, COUNT)
  assert.deepEqual(early, [])
  const overtaken = order.filter((i, at) => {
    const before = order[at - 1]
    return before !== undefined && Math.ceil(least[before]!) > Math.ceil(most[i]!)
  })
  assert.deepEqual(overtaken, [])
})

// Proves: docs/semantics.md#timer-cancel
check('sleep() ends with its signal', async (skynet) => {
  const why = new Error('enough')
  const signal = AbortSignal.abort(why)
  const aborted = (error: Error) => error.name === 'AbortError' && error.cause === why
  await assert.rejects(skynet.sleep(60_000, { signal }), aborted)
  const controller = new AbortController()
  const sleep = skynet.sleep(60_000, { signal: controller.signal })
  setImmediate(() => controller.abort(why))
  await assert.rejects(sleep, aborted)
  await skynet.sleep(1, { signal: new AbortController().signal })
})

// Proves: docs/semantics.md#delay-range
check('sleep(), timeout() and interval() refuse what is no time', async (skynet) => {
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32]) {
    assert.throws(() => skynet.interval(ms, () => {}), RangeError, String(ms))
    await assert.rejects(skynet.sleep(ms), RangeError, String(ms))
    assert.throws(() => skynet.timeout(ms, () => {}), RangeError, String(ms))
  }
  const far = skynet.timeout(2 ** 32 - 1, () => {})
  assert.equal(far.pending, true)
  far.cancel()
})

// Proves: docs/semantics.md#clock
check('now() is one clock for all workers and never goes back', async (skynet, handlers) => {
  handlers.now = () => skynet.now()
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  let last = skynet.now()
  for (let round = 0; round < 50; round++) {
    await peer.call.echo(round)
    const now = skynet.now()
    assert.ok(now >= last)
    last = now
  }
  const clock = await skynet.newService('./clock.ts', { on: 1 })
  const before = skynet.now()
  const there = Number(await skynet.call(clock.handle, 'now'))
  const after = skynet.now()
  // Two threads read the wall clock at their start: they agree to the millisecond.
  assert.ok(there >= before - 1 && there <= after + 1, `${before} … ${there} … ${after}`)
})

// Proves: docs/semantics.md#order-fork
check('fork() runs after the message at hand and before the next one', async (skynet, handlers) => {
  const order: string[] = []
  handlers.first = () => {
    skynet.fork((name: string) => {
      order.push(name)
      skynet.fork(() => order.push('fork of a fork'))
    }, 'fork')
    order.push('first')
  }
  handlers.second = () => order.push('second')
  skynet.send(skynet.self, 'first')
  await skynet.call(skynet.self, 'second')
  await until('all ran', () => order.length === 4)
  assert.deepEqual(order.slice(0, 2), ['first', 'fork'])
})

// Proves: docs/semantics.md#order-fork
check(
  'fork() lets its caller finish first, and a fault of it touches nobody else',
  async (skynet) => {
    const order: string[] = []
    skynet.fork(() => {
      order.push('one')
      throw new Error('a fork that fails on purpose')
    })
    skynet.fork(async () => {
      order.push('two')
      await skynet.sleep(0)
      order.push('three')
    })
    order.push('caller')
    await until('all ran', () => order.length === 4)
    assert.deepEqual(order, ['caller', 'one', 'two', 'three'])
  },
)
