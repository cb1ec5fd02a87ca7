import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { collector } from '../base/collector.ts'
import { List, type ListNode } from '../base/list.ts'
import { Wheel } from '../kernel/wheel.ts'
import { SocketWait, Waiter, type WaitHost, waitAlong } from './wait.ts'
import type { WaitOptions } from './wait-options.ts'

/** A service that only waits; its time is what the test says. */
function setUp() {
  const wheel = new Wheel(0, (error) => assert.fail(String(error)))
  const waiters = new List<ListNode>()
  const host = {
    hasEnded: false as boolean,
    exited: () => new Error('it has ended'),
    addWaiter: (waiter) => waiters.add(waiter),
    removeWaiter: (waiter) => waiters.remove(waiter),
    addTimer: (ms, owner, task) => wheel.add(ms, owner, task),
    cancelTimers: (owner) => wheel.cancelAll(owner),
    afterMail: (then) => then(),
  } satisfies WaitHost
  let ends = 0
  const about = {
    kind: 'wait',
    what: 'a test',
    late: (ms: number) => new Error(`late after ${ms}`),
  } as const
  const wait = (options?: WaitOptions): Waiter<string> =>
    new Waiter<string>(host, about, options, () => ends++)
  /** How often `onEnd` ran, who still waits, and which timers are left. */
  const left = () => [ends, waiters.first === undefined ? 0 : 1, wheel.size]
  return { host, about, wait, wheel, left }
}

test('Waiter ends once, with what came first', async () => {
  const { wait, left } = setUp()
  const waiter = wait()
  assert.deepEqual([waiter.isOver, ...left()], [false, 0, 1, 0])
  waiter.resolve('value')
  waiter.resolve('again')
  waiter.reject(new Error('later'))
  assert.equal(await waiter.promise, 'value')
  assert.deepEqual([waiter.isOver, ...left()], [true, 1, 0, 0])
})

test('Waiter rejects as it is told, and leaves its timer and signal', async () => {
  const { wait, left, wheel } = setUp()
  const controller = new AbortController()
  const waiter = wait({ timeoutMs: 10, signal: controller.signal })
  waiter.reject(new Error('failed'))
  await assert.rejects(waiter.promise, { message: 'failed' })
  assert.deepEqual(left(), [1, 0, 0])
  controller.abort()
  wheel.advance(20)
  assert.deepEqual(left(), [1, 0, 0])
})

test('Waiter gives up after timeoutMs, not before', async () => {
  const { wait, left, wheel } = setUp()
  const waiter = wait({ timeoutMs: 10 })
  wheel.advance(9)
  assert.equal(waiter.isOver, false)
  wheel.advance(10)
  await assert.rejects(waiter.promise, { message: 'late after 10' })
  assert.deepEqual(left(), [1, 0, 0])
})

// Proves: docs/semantics.md#stopped-waits
test('Waiter of a process that was stopped has most of its limit left', async () => {
  const { host, about } = setUp()
  let now = 0
  const dues: number[] = []
  const addTimer = (ms: number): number => dues.push(now + ms)
  const waiter = new Waiter({ ...host, addTimer }, about, { timeoutMs: 8000 })
  const fire = (): void => {
    now = Math.max(now, dues.shift()!)
    waiter.timerFired(8000)
  }
  assert.deepEqual(dues, [1000])
  now = 60_000
  while (!waiter.isOver) fire()
  await assert.rejects(waiter.promise, { message: 'late after 8000' })
  assert.equal(now, 60_000 + 7000)
})

test('Waiter has no limit when timeoutMs is 0 or absent', () => {
  const { wait, wheel } = setUp()
  for (const options of [{ timeoutMs: 0 }, {}, { timeoutMs: undefined }]) wait(options)
  assert.equal(wheel.size, 0)
})

test('Waiter ends with its signal, whose reason is the cause', async () => {
  const { wait, left } = setUp()
  const controller = new AbortController()
  const waiter = wait({ signal: controller.signal, timeoutMs: 5 })
  controller.abort('reason')
  await assert.rejects(waiter.promise, { code: 'ABORT_ERR', name: 'AbortError', cause: 'reason' })
  assert.deepEqual(left(), [1, 0, 0])
})

test('Waiter is over at once when its signal was aborted before', async () => {
  const { wait, left } = setUp()
  const waiter = wait({ signal: AbortSignal.abort(), timeoutMs: 5 })
  assert.equal(waiter.isOver, true)
  assert.deepEqual(left(), [1, 0, 0])
  await assert.rejects(waiter.promise, { code: 'ABORT_ERR' })
})

test('Waiter of a service that has ended rejects at once, and leaves nothing', async () => {
  const { host, wait, left } = setUp()
  host.hasEnded = true
  const { signal } = new AbortController()
  for (const options of [undefined, { timeoutMs: 10, signal }]) {
    const waiter = wait(options)
    assert.equal(waiter.isOver, true)
    await assert.rejects(waiter.promise, { message: 'it has ended' })
  }
  assert.deepEqual(left(), [2, 0, 0])
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('Waiter says what it is for when it takes too long', async () => {
  const { host, wheel } = setUp()
  const limits = { timeoutMs: 10 }
  const plain = new Waiter(host, { kind: 'queue', what: 'its turn' }, limits)
  const socket = new Waiter(host, new SocketWait('read from', 7), limits)
  assert.equal(socket.about.what, 'read from socket 7')
  wheel.advance(10)
  const info = { kind: 'queue', what: 'its turn', timeoutMs: 10 }
  await assert.rejects(plain.promise, { code: 'ERR_WAIT_TIMEOUT', info })
  await assert.rejects(socket.promise, {
    code: 'ERR_SOCKET_TIMEOUT',
    info: { id: 7, what: 'read from', timeoutMs: 10 },
  })
})

test('waitAlong ends all with the promise, but who gave up; also who comes later', async () => {
  const { host, about } = setUp()
  for (const fails of [false, true]) {
    let end!: () => void
    const promise = new Promise<string>((resolve, reject) => {
      end = () => (fails ? reject('failed') : resolve('done'))
    })
    const controller = new AbortController()
    const { signal } = controller
    const all = [{}, { signal }, undefined].map((options) =>
      waitAlong(host, about, options, promise),
    )
    const settled = Promise.allSettled(all)
    controller.abort()
    end()
    await promise.catch(() => {})
    const late = await Promise.allSettled([waitAlong(host, about, {}, promise)])
    const ends = [...(await settled), ...late].map((each) =>
      each.status === 'fulfilled' ? each.value : (each.reason.code ?? each.reason),
    )
    const how = fails ? 'failed' : 'done'
    assert.deepEqual(ends, [how, 'ABORT_ERR', how, how])
  }
})

test('waitAlong leaves nothing of who gave up with the promise', async () => {
  const gc = collector()
  const { host, about } = setUp()
  const promise = new Promise<string>(() => {})
  const giveUp = async (): Promise<WeakRef<object>> => {
    const controller = new AbortController()
    const { signal } = controller
    const waiting = waitAlong(host, about, { signal }, promise)
    controller.abort()
    await assert.rejects(waiting, { code: 'ABORT_ERR' })
    return new WeakRef(waiting)
  }
  const kept: WeakRef<object>[] = []
  for (let i = 0; i < 10; i++) kept.push(await giveUp())
  await new Promise(setImmediate)
  gc()
  assert.equal(kept.filter((each) => each.deref() !== undefined).length, 0)
  // Until here: of a promise that is gone everything is.
  assert.ok(promise instanceof Promise)
})
