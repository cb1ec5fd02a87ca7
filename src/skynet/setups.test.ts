/** Setups that wait for each other: a call that nobody would ever answer is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError, type SkynetError } from '../base/errors.ts'
import { CIRCLE_MS, CIRCLE_SETUPS_MAX } from '../base/limits.ts'
import { type LoadedService, registerService } from '../modules/modules.ts'
import { taskNumber } from '../service/tasks.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'
import { Skynet } from './skynet.ts'

/** Launches itself so many times, each in the setup of the one before; the last calls the first. */
const nested = defineService(async (skynet, first: number, deep: number): Promise<void> => {
  const to = first || skynet.self
  if (deep === 0) await skynet.call(to, 'ping')
  else await skynet.newService(Skynet.serviceOf(skynet).url, { args: [to, deep - 1] })
})

/** The innermost reason why a launch fails. */
async function reasonOf(launch: Promise<unknown>): Promise<unknown> {
  let reason = await launch.then(
    () => 'it did not fail',
    (error: unknown) => error,
  )
  while ((reason as Error).cause !== undefined) reason = (reason as Error).cause
  return reason
}

for (const between of [0, 1, 3]) {
  // Proves: docs/semantics.md#launch-circle
  test(`a setup is refused its call of who waits for it, by ${between} launches`, async () => {
    const clock = new FakeClock()
    await using node = await testNode({ clock })
    const launch = node.launch(nested, { args: [0, between] })
    const reason = reasonOf(launch)
    await clock.advance(CIRCLE_MS)
    const told = await launch.catch((error: Error) => error.message)
    assert.equal(String(told).split('Cannot launch').length, 2, 'all are of one module')
    assert.ok(isSkynetError(await reason, 'ERR_LAUNCH_CIRCLE'), String(await reason))
    const { path, circle } = ((await reason) as SkynetError<'ERR_LAUNCH_CIRCLE'>).info
    const names = circle.split(' → ')
    assert.equal(names.length, between + 2, circle)
    assert.deepEqual([names[0], names.at(-1)], [path, path])
  })
}

// Proves: docs/semantics.md#launch-circle
test('a setup that asks itself, and does not wait for that, is answered', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const asking = defineService(async (skynet) => {
    const own = skynet.call(skynet.self, 'ping')
    await skynet.sleep(CIRCLE_MS * 3)
    return { ping: () => 'pong', own: () => own }
  })
  const launch = node.launch(asking)
  await clock.advance(CIRCLE_MS * 3)
  assert.equal(await (await launch).call.own(), 'pong')
})

// Proves: docs/semantics.md#launch-circle
test('a setup whose launcher does not wait for it may call that', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const launcher = defineService(async (skynet) => {
    registerService('file:///child.ts', nested as unknown as LoadedService, [])
    const child = skynet.newService('file:///child.ts', { args: [skynet.self, 0] })
    await skynet.sleep(CIRCLE_MS * 3)
    return { ping: () => 'pong', child: async () => (await child).handle }
  })
  const launch = node.launch(launcher)
  await clock.advance(CIRCLE_MS * 3)
  assert.ok(node.skynet.isAlive(await (await launch).call.child()))
})

/** Whatever is under way, and waits for nothing of the world, has been done. */
async function pass(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

test('a setup that has given up its launch may be called, whatever it waits for then', async () => {
  await using node = await testNode()
  let answer: unknown
  let asking: Skynet | undefined
  const asker = defineService(async (skynet, first: number): Promise<void> => {
    asking = skynet
    answer = await skynet.call(first, 'ping').catch((error: unknown) => error)
  })
  registerService('file:///asker.ts', asker as unknown as LoadedService, [])
  let asked: Skynet | undefined
  let read = (): void => {}
  const file = new Promise<void>((resolve) => {
    read = resolve
  })
  const launch = node.launch(
    defineService(async (skynet) => {
      asked = skynet
      const options = { args: [skynet.self], timeoutMs: 1 } as const
      await assert.rejects(skynet.newService('file:///asker.ts', options))
      await file
      return { ping: () => 'pong' }
    }),
  )
  while (asking === undefined || asked!.tasks().length > 0) await pass()
  // As it does itself after CIRCLE_MS.
  const [call] = asking.tasks()
  const session = taskNumber(call!.id, 'call')!
  const order = { order: 'circle', handle: asked!.self, session, circle: ['a', 'b', 'a'] } as const
  Skynet.serviceOf(asked!).setup!.refuse(asking.self, order)
  // It looks in a turn of its own: a timer that is set later fires later.
  await node.skynet.sleep(2)
  await pass()
  read()
  await launch
  while (answer === undefined) await pass()
  assert.equal(answer, 'pong')
})

test('a setup that is done while its service ends makes nothing of it', async () => {
  await using node = await testNode()
  const reasons: string[] = []
  let own: Skynet | undefined
  let done = (): void => {}
  let over = (): void => {}
  const ending = defineService(async (skynet) => {
    own = skynet
    skynet.onExit((reason) => {
      reasons.push(reason)
      return new Promise<void>((resolve) => {
        over = resolve
      })
    })
    await new Promise<void>((resolve) => {
      done = resolve
    })
    return { ping: () => 'pong' }
  })
  const launch = node.launch(ending)
  const failed = assert.rejects(launch, { code: 'ERR_SERVICE_LAUNCH' })
  await pass()
  assert.throws(() => own!.exit(), { code: 'ERR_SERVICE_EXITED' })
  done()
  await pass()
  over()
  await failed
  assert.deepEqual(reasons, ['exit'])
})

// Proves: docs/semantics.md#launch-circle
test('CIRCLE_SETUPS_MAX setups are known to the last of them, and no more', async () => {
  await using node = await testNode()
  const counts: number[] = []
  const deep = defineService(async (skynet, left: number): Promise<void> => {
    const { setups, url } = Skynet.serviceOf(skynet)
    assert.equal(setups.at(-1)!.handle, skynet.self)
    counts.push(setups.length)
    if (left > 1) await skynet.newService(url, { args: [left - 1] })
  })
  await node.launch(deep, { args: [CIRCLE_SETUPS_MAX + 2] })
  const all = Array.from({ length: CIRCLE_SETUPS_MAX }, (_, i) => i + 1)
  assert.deepEqual(counts, [...all, CIRCLE_SETUPS_MAX, CIRCLE_SETUPS_MAX])
})
