/** What Skynet's own tests show about services: test/*.lua, named in each title, as assertions. */
import assert from 'node:assert/strict'
import type { ServiceRef, Skynet } from 'skynet-ts'
import type closerModule from '../fixtures/closer.ts'
import type pinger from '../fixtures/pinger.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const CALLS = 2000
const PARALLEL = 10

const launchPinger = (skynet: Skynet, on: 'same' | 1 = 1) =>
  skynet.newService<typeof pinger>('./pinger.ts', { on })

// Proves: docs/skynet.md#testecho
check(
  'testecho.lua: calls one after the other, then ten at a time, each its own',
  async (skynet) => {
    for (const on of ['same', 1] as const) {
      const peer = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
      const echo = async (from: number, count: number): Promise<void> => {
        for (let i = from; i < from + count; i++) assert.equal(await peer.call.echo(i), i)
      }
      await echo(0, CALLS)
      const each = CALLS / PARALLEL
      await Promise.all(Array.from({ length: PARALLEL }, (_, i) => echo(i * each, each)))
    }
  },
)

// Proves: docs/skynet.md#testping
check('testping.lua: requests and posts, an error, a lock, and the end', async (skynet) => {
  const peer = await launchPinger(skynet)
  assert.equal(await peer.call.ping('foobar'), 'foobar')
  assert.equal(peer.send.hello('hello'), true)
  assert.equal(await peer.call.last(), 'hello')
  await assert.rejects(peer.call.error(), /throw an error/)
  const steps = [1, 2, 3].map((i) => peer.call.step(`hello ${i}`))
  const both = [1, 2, 3].map((i) => `hello ${i} hello ${i}`)
  assert.deepEqual(await Promise.all(steps), both)
  await assert.rejects(peer.call.exit(), { code: 'ERR_CALL_DEAD' })
  await assert.rejects(peer.call.ping('anybody?'), { code: 'ERR_CALL_DEAD' })
})

// Proves: docs/skynet.md#testhandle
check('testhandle.lua: services come and go, and no handle comes twice', async (skynet) => {
  const before = new Set<number>()
  for (let round = 0; round < 20; round++) {
    const on = round % 2
    const launched = Array.from({ length: 10 }, () => skynet.newService('./pinger.ts', { on }))
    for (const { handle } of await Promise.all(launched)) {
      assert.equal(before.has(handle), false)
      before.add(handle)
      assert.equal(await skynet.kill(handle), true)
      assert.equal(skynet.isAlive(handle), false)
    }
  }
})

// Proves: docs/skynet.md#testterm
check('testterm.lua: a call of a name that nobody has fails at once', async (skynet) => {
  await assert.rejects(skynet.call('.unexist', 'ping'), { code: 'ERR_NAME_UNKNOWN' })
  assert.equal(skynet.send('.unexist', 'ping'), false)
})

// Proves: docs/skynet.md#testservice
check('testservice: ten services for ten keys, found by whoever asks', async (skynet) => {
  const stores: ServiceRef<{
    set(key: string, value: unknown): void
    get(key: string): unknown
  }>[] = []
  for (let i = 0; i < 10; i++) {
    const store = await launchPinger(skynet, i % 2 === 0 ? 'same' : 1)
    skynet.name(`.kvdb${i}`, store.handle)
    stores.push(store)
  }
  for (let i = 0; i < 10; i++) {
    await skynet.call(`.kvdb${i}`, 'set', 'key', i)
    assert.equal(await stores[i]!.call.get('key'), i)
  }
  const one = await skynet.uniqueService<typeof pinger>('./pinger.ts')
  await one.call.set('A', 1)
  const same = await skynet.queryService<typeof pinger>('./pinger.ts')
  assert.equal(await same.call.get('A'), 1)
})

// Proves: docs/skynet.md#testtobeclosed
check('testtobeclosed.lua: finally runs at an error, an exit and in who waits', async (skynet) => {
  const closed: string[] = []
  const within = async (name: string, work: () => unknown): Promise<void> => {
    try {
      await work()
    } finally {
      closed.push(name)
    }
  }
  await within('returns', () => {})
  const wrong = (): never => {
    throw new Error('wrong')
  }
  await assert.rejects(within('throws', wrong), /wrong/)
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  const waits = within('its callee ends', () => peer.call.never()).catch(() => {})
  await skynet.kill(peer.handle)
  await waits
  const token = {}
  const woken = within('woken', () => skynet.wait(token))
  assert.equal(skynet.wakeup(token), true)
  await woken
  assert.deepEqual(closed, ['returns', 'throws', 'its callee ends', 'woken'])
})

// Proves: docs/skynet.md#testtobeclosed
check('testtobeclosed.lua: finally runs in all who wait when a service ends', async (skynet) => {
  const peer = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
  for (const way of ['exit', 'kill'] as const) {
    const args: [string, number] = [way, peer.handle]
    const closer = await skynet.newService<typeof closerModule>('./closer.ts', { on: 'same', args })
    const closed = (globalThis as Record<string, unknown>)[way] as string[]
    await until('all wait', async () => (await closer.call.tasks()) >= 5)
    if (way === 'kill') await skynet.kill(closer.handle)
    else await assert.rejects(closer.call.exit(), { code: 'ERR_CALL_DEAD' })
    await until('all are closed', () => closed.length >= 5)
    await skynet.sleep(2)
    const all = ['before a queue', 'call', 'inside a queue', 'sleep', 'wait']
    assert.deepEqual(closed.sort(), all, way)
  }
})
