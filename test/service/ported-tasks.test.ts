/** What Skynet's own tests show about tasks and requests: test/test*.lua, named in each title. */
import assert from 'node:assert/strict'
import type { Response, SelectRequest } from 'skynet-ts'
import type subject from '../fixtures/subject.ts'
import { type Body, gate, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

// Proves: docs/skynet.md#testtimeout
check(
  'testtimeout.lua: a call with a timeout of fork, sleep and wakeup',
  async (skynet, handlers) => {
    handlers.work = async (ms: number) => {
      await skynet.sleep(ms)
      return true
    }
    const timeoutCall = async (timeoutMs: number, ms: number): Promise<unknown> => {
      const token = {}
      let answer: unknown = false
      skynet.fork(async () => {
        answer = await skynet.call(skynet.self, 'work', ms)
        skynet.wakeup(token)
      })
      await skynet.sleep(timeoutMs, { token })
      return answer
    }
    assert.equal(await timeoutCall(5, 60_000), false)
    assert.equal(await timeoutCall(60_000, 5), true)
  },
)

// Proves: docs/skynet.md#testtimer
check(
  'testtimer.lua: sleeps add up, wakeup gives BREAK, code after exit never runs',
  async (skynet) => {
    const from = skynet.now()
    for (let i = 0; i < 10; i++) assert.equal(await skynet.sleep(1), undefined)
    assert.ok(skynet.now() >= from + 10)
    const token = {}
    const slept = skynet.sleep(60_000, { token })
    skynet.timeout(1, () => skynet.wakeup(token))
    assert.equal(await slept, 'BREAK')
    const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
    await assert.rejects(peer.call.exitNow(), { code: 'ERR_CALL_DEAD' })
  },
)

// Proves: docs/skynet.md#testqueue
check('testqueue.lua: a queue keeps pairs together that interleave without', async (skynet) => {
  const run = async (wrap: (task: () => Promise<void>) => Promise<void>): Promise<string> => {
    let said = ''
    const pair = (first: string, second: string) => async () => {
      said += first
      await skynet.sleep(2)
      said += second
    }
    await Promise.all([wrap(pair('a', 'A')), wrap(pair('b', 'B'))])
    return said
  }
  assert.equal(await run((task) => task()), 'abAB')
  assert.equal(await run(skynet.queue()), 'aAbB')
})

// Proves: docs/skynet.md#testresponse
check('testresponse.lua: a ticker answers five requests together', async (skynet, handlers) => {
  const waiting: Response<string>[] = []
  handlers.tick = () => {
    const response = skynet.response<string>()
    waiting.push(response)
    return response
  }
  const calls = Array.from({ length: 5 }, () => skynet.call(skynet.self, 'tick'))
  skynet.fork(async () => {
    await until('all have come', () => waiting.length === 5)
    for (const response of waiting) {
      assert.equal(response.isWanted, true)
      assert.equal(response.resolve('tick'), true)
      assert.equal(response.isWanted, false)
      assert.throws(() => response.resolve('tock'), { code: 'ERR_RESPONSE_TWICE' })
    }
  })
  assert.deepEqual(await Promise.all(calls), Array(5).fill('tick'))
})

// Proves: docs/skynet.md#testdeadcall
check(
  'testdeadcall.lua: a callee that exits fails the call, and a dead caller hears nothing',
  async (skynet, handlers) => {
    const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
    await assert.rejects(peer.call.exitNow(), { code: 'ERR_CALL_DEAD' })
    const caller = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
    const [asked, answered] = [gate<Response<string>>(), gate<boolean>()]
    handlers.wait = () => {
      const response = skynet.response<string>()
      asked.open(response)
      return response
    }
    caller.send.call(skynet.self, 'wait')
    const response = await asked.promise
    await skynet.kill(caller.handle)
    answered.open(response.resolve('too late'))
    assert.equal(await answered.promise, false)
  },
)

// Proves: docs/skynet.md#testselect
check(
  'testselect.lua: completion order, timeout, errors, and calls within the loop',
  async (skynet, handlers) => {
    handlers.echo = async (value: unknown) => {
      await skynet.wait(value)
      if (value === 'error') throw new Error('no')
      return value
    }
    const wake = (value: unknown) => until(`${value} waits`, () => skynet.wakeup(value))
    const ref = skynet.ref<typeof subject>(skynet.self)
    const work =
      (value: unknown): SelectRequest<unknown> =>
      (limits) =>
        ref.with(limits).call.echo(value)
    const order: unknown[] = []
    skynet.fork(() => wake(1))
    for await (const end of skynet.select([6, 2, 4, 3, 5, 1].map(work))) {
      assert.ok(end.ok)
      order.push(end.value)
      // The loop may wait, and call.
      const inner = ref.call.echo('inner')
      await wake('inner')
      assert.equal(await inner, 'inner')
      if (end.value !== 6) await wake((end.value as number) + 1)
    }
    assert.deepEqual(order, [1, 2, 3, 4, 5, 6])
    const here: SelectRequest<unknown> = async () => 2
    const wrong: SelectRequest<unknown> = () => Promise.reject(new Error('no'))
    const some = skynet.select([work('never'), here, wrong], { timeoutMs: 20 })
    const ends: unknown[] = []
    for await (const end of some) ends.push(end.ok ? end.value : (end.error as Error).message)
    assert.deepEqual(ends, [2, 'no'])
    assert.equal(some.hasTimedOut, true)
  },
)

// Proves: docs/skynet.md#testdeadloop
check('testdeadloop.lua: a loop of sleep(0) starves nobody', async (skynet) => {
  let isOver = false
  let rounds = 0
  skynet.fork(async () => {
    while (!isOver) {
      await skynet.sleep(0)
      rounds++
    }
  })
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 'same', args: [] })
  for (let i = 0; i < 100; i++) assert.equal(await peer.call.echo(i), i)
  await skynet.sleep(5)
  assert.ok(rounds > 0)
  isOver = true
})

// Proves: docs/skynet.md#time
check('time.lua: timeouts fire in order, and now() shows it', async (skynet) => {
  const from = skynet.now()
  const fired: number[] = []
  const done = gate<void>()
  for (const ms of [1, 2, 3, 4, 30]) {
    skynet.timeout(ms, () => {
      fired.push(ms)
      assert.ok(skynet.now() >= from + ms)
      if (ms === 30) done.open()
    })
  }
  await done.promise
  assert.deepEqual(fired, [1, 2, 3, 4, 30])
  assert.ok(skynet.startTime > 1.6e12)
})
