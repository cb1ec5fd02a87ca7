/** Whoever gives up, or ends, leaves nothing with those who would have answered. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collector } from '../base/collector.ts'
import { type LoadedService, registerService } from '../modules/modules.ts'
import { inboxOf } from '../service/inbox.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { kinOf } from '../supervision/kin.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'
import { Skynet } from './skynet.ts'
import { supervise } from './supervise.ts'

/** Beyond what the node's own services keep of the dead before they look for them. */
const MANY = 1000
/** Of the event loop. */
const TURNS = 20

const never = 'file:///never-ready.ts'
registerService(never, defineService((skynet) => skynet.wait('for ever')) as LoadedService, [])

/** Waits that nobody ends, and who keeps them: a name. */
const WAITS: Readonly<
  Record<
    string,
    [keeper: string, wait: (skynet: Skynet, i: number, limits: WaitOptions) => unknown]
  >
> = {
  query: ['.service', (skynet, _i, limits) => skynet.queryService(import.meta.url, limits)],
  'query of one module by many names': [
    '.service',
    (skynet, i, limits) => skynet.queryService(`${import.meta.url}?${i}`, limits),
  ],
  'launch of a unique service': [
    '.service',
    (skynet, _i, limits) => skynet.uniqueService(never, limits),
  ],
  'wait of the datacenter': [
    '.datacenter',
    (skynet, i, limits) => skynet.datacenter.with(limits).wait('path', i),
  ],
}

/** Rows of `tasks()` of the service of that name. */
async function tasksOf({ skynet }: TestNode, name: string): Promise<number> {
  const handle = skynet.localName(name)
  return (await skynet.debug.services()).find((row) => row.handle === handle)!.task
}

/** A service that others may launch by `waits` of MANY, and that then does as it is told. */
const waiting = (wait: (skynet: Skynet, i: number) => unknown) =>
  defineService((skynet) => {
    for (let i = 0; i < MANY; i++) (wait(skynet, i) as Promise<unknown>).catch(() => {})
    return { exit: () => skynet.exit() }
  })

for (const [what, [keeper, wait]] of Object.entries(WAITS)) {
  // Proves: docs/semantics.md#nothing-left
  test(`a ${what} that is given up leaves nothing behind`, async () => {
    await using node = await testNode()
    const { skynet } = node
    skynet.name('.datacenter', (await skynet.uniqueService('datacenterd')).handle)
    const before = await tasksOf(node, keeper)
    const abort = new AbortController()
    const all = Array.from({ length: MANY }, (_, i) => wait(skynet, i, { signal: abort.signal }))
    const ends = Promise.allSettled(all)
    await node.settled()
    assert.ok((await tasksOf(node, keeper)) >= before + MANY)
    abort.abort()
    assert.ok((await ends).every((end) => end.status === 'rejected'))
    await node.settled()
    // The launch itself goes on.
    const own = what.startsWith('launch') ? 1 : 0
    assert.equal(await tasksOf(node, keeper), before + own)
  })

  // Proves: docs/semantics.md#nothing-left
  test(`a ${what} by a service that ends leaves nothing behind`, async () => {
    await using node = await testNode()
    const { skynet } = node
    skynet.name('.datacenter', (await skynet.uniqueService('datacenterd')).handle)
    const before = await tasksOf(node, keeper)
    const service = await node.launch(waiting((its, i) => wait(its, i, {})))
    await node.settled()
    assert.ok((await tasksOf(node, keeper)) >= before + MANY)
    await skynet.kill(service.handle)
    await node.settled()
    const own = what.startsWith('launch') ? 1 : 0
    assert.equal(await tasksOf(node, keeper), before + own)
  })
}

// Proves: docs/semantics.md#nothing-left
test('a monitor that is given up, or ends, is kept by nobody', async () => {
  await using node = await testNode()
  let watched: Skynet | undefined
  const { handle } = await node.launch(
    defineService((skynet) => {
      watched = skynet
    }),
  )
  const service = Skynet.serviceOf(watched!)
  const watchers = (): number => [...kinOf(service).watchers].length
  const abort = new AbortController()
  const { signal } = abort
  const all = Array.from({ length: MANY }, () => node.skynet.monitor(handle, { signal }))
  const ends = Promise.allSettled(all)
  assert.equal(watchers(), MANY)
  abort.abort()
  assert.ok((await ends).every((end) => end.status === 'rejected'))
  assert.equal(watchers(), 0)
  const other = await node.launch(waiting((skynet) => skynet.monitor(handle)))
  assert.equal(watchers(), MANY)
  await node.skynet.kill(other.handle)
  assert.equal(watchers(), 0)
  const last = node.skynet.monitor(handle)
  await node.skynet.kill(handle)
  assert.deepEqual(await last, { handle, reason: 'kill' })
})

test('a monitor or wait for room that is read after its worker died is not kept', async (t) => {
  await using node = await testNode()
  let asked: Skynet | undefined
  const { handle } = await node.launch(
    defineService((skynet) => {
      asked = skynet
    }),
  )
  const gone = await node.launch(defineService(() => {}))
  const service = Skynet.serviceOf(asked!)
  const waitForRoom = t.mock.method(inboxOf(service), 'waitForRoom', () => {})
  const order = (source: number): void => {
    for (const order of ['monitor', 'room']) {
      const value = { order, handle }
      service.runtime.router.sendToWorker(0, source, 7, value)
    }
  }
  const kept = (): number[] => [[...kinOf(service).watchers].length, waitForRoom.mock.callCount()]
  order(gone.handle)
  assert.deepEqual(kept(), [1, 1])
  // With its worker: the news of that comes before what it has ordered.
  service.runtime.handles.retire(gone.handle)
  service.workerDied(1, new Set([gone.handle]), new Error('exit code 1'))
  assert.deepEqual(kept(), [0, 1])
  order(gone.handle)
  assert.deepEqual(kept(), [0, 1])
})

test('next() of a subscription that is given up is kept by nobody', async () => {
  const gc = collector()
  await using node = await testNode()
  const { multicast } = node.skynet
  const channel = multicast.new()
  const subscription = channel.subscribe()
  const kept: WeakRef<object>[] = []
  const giveUp = async (): Promise<void> => {
    const abort = new AbortController()
    const next = subscription.next({ signal: abort.signal })
    kept.push(new WeakRef(next), new WeakRef(abort.signal))
    abort.abort()
    await assert.rejects(next, { code: 'ABORT_ERR' })
  }
  const first = subscription.next()
  for (let i = 0; i < 10; i++) await giveUp()
  const second = subscription.next()
  await node.settled()
  const left = () => kept.filter((each) => each.deref() !== undefined).length
  // What still runs out, a turn of a node that has stopped say, may hold one a little longer.
  for (let turn = 0; turn < TURNS && left() > 0; turn++) {
    await new Promise(setImmediate)
    gc()
  }
  assert.equal(left(), 0)
  // Those who wait are served as they came.
  channel.publish('a')
  channel.publish('b')
  assert.deepEqual([(await first).value, (await second).value], ['a', 'b'])
})

// Proves: docs/semantics.md#link
test('link() again to the same service is one link', async () => {
  await using node = await testNode()
  const launch = () => node.launch(defineService((skynet) => ({ exit: () => skynet.exit() })))
  const { handle } = await launch()
  const services: Skynet[] = []
  const { handle: other } = await node.launch(
    defineService((skynet) => {
      services.push(skynet)
      for (let i = 0; i < MANY; i++) skynet.link(handle)
    }),
  )
  await node.settled()
  const [its] = services
  const { followed } = kinOf(Skynet.serviceOf(its!))
  const tasks = its!.tasks()
  assert.equal(tasks.length, 1)
  assert.deepEqual([...followed], [handle])
  // Whoever ends the wait for its end ends the link.
  assert.equal(its!.killTask(tasks[0]!.id), true)
  await node.settled()
  assert.equal(followed.size, 0)
  its!.link(handle)
  assert.equal(its!.tasks().length, 1)
  // Of who has ended as it was meant nothing is kept.
  node.skynet.send(handle, 'exit')
  await node.settled()
  assert.deepEqual([followed.size, its!.tasks().length], [0, 0])
  assert.equal(node.skynet.isAlive(other), true)
  // It is another link to another service.
  const next = await launch()
  its!.link(next.handle)
  await node.settled()
  await node.skynet.kill(next.handle)
  await node.settled()
  assert.equal(node.skynet.isAlive(other), false)
})

// Proves: docs/semantics.md#supervise-keeps
test('a supervisor that was stopped is kept by nobody', async () => {
  const gc = collector()
  await using node = await testNode()
  const path = 'file:///supervised-again.ts'
  registerService(path, defineService(() => {}) as LoadedService, [])
  const children = [{ name: 'a', path }]
  const stopped = async (): Promise<WeakRef<object>> => {
    const supervisor = await supervise(node.skynet, { strategy: 'one-for-one', children })
    await supervisor.stop()
    return new WeakRef(supervisor)
  }
  const kept = [await stopped(), await stopped(), await stopped()]
  await node.settled()
  gc()
  assert.equal(kept.filter((each) => each.deref() !== undefined).length, 0)
})

test('values of shared data that was deleted are not kept', async () => {
  await using node = await testNode()
  const { shareData } = node.skynet
  const { shared } = Skynet.siteOf(node.skynet)
  for (let i = 0; i < MANY; i++) {
    shareData.new(`name ${i}`, i)
    assert.equal(shareData.query(`name ${i}`).value, i)
    shareData.delete(`name ${i}`)
  }
  assert.ok(shared.size < 100, `${shared.size} are kept`)
})

// Proves: docs/semantics.md#unique-manager
test('an exit hook does not wait for a manager that has ended with the node', async () => {
  const node = await testNode()
  const codes: string[] = []
  await node.launch(
    defineService((skynet) => {
      skynet.onExit(async () => {
        for (let round = 0; round < 3; round++) {
          await skynet.queryService(import.meta.url).catch(({ code }) => codes.push(code))
          await skynet.yield()
        }
      })
    }),
  )
  await node.stop()
  assert.equal(codes.length, 3, String(codes))
  assert.equal(codes.at(-1), 'ERR_NAME_UNKNOWN')
  assert.deepEqual(
    node.log.all.filter(({ level }) => level === 'error'),
    [],
  )
})

// Proves: docs/testing.md#test-keeps
test('nothing that a test has launched is kept after the end of its testNode', async () => {
  const gc = collector()
  const launchAndStop = async (): Promise<WeakRef<object>> => {
    await using node = await testNode()
    const own = {}
    const ref = await node.launch(defineService(() => ({ has: () => own !== undefined })))
    assert.equal(await ref.call.has(), true)
    return new WeakRef(own)
  }
  const kept = [await launchAndStop(), await launchAndStop(), await launchAndStop()]
  await using node = await testNode()
  await node.settled()
  gc()
  assert.equal(kept.filter((each) => each.deref() !== undefined).length, 0)
})
