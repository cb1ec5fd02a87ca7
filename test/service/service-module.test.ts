/** Services named by the import of their module: type and path from one place. */
import assert from 'node:assert/strict'
import { type AnyService, type ServiceModule, supervise } from 'skynet-ts'
import { again, near } from '../fixtures/imported/launcher.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const LAUNCH = 'ERR_SERVICE_LAUNCH'
const args = ['a'] as [string]

// Proves: docs/semantics.md#launch-import
check('newService() takes path and types from an import, on any worker', async (skynet) => {
  for (const on of ['same', 1, 'dedicated'] as const) {
    const ref = await skynet.newService(() => import('../fixtures/imported/near.ts'), { on, args })
    const name: string = await ref.call.name()
    assert.equal(name, 'a')
    if (on === 1) assert.equal(await ref.call.worker(), 1)
  }
  const child = await skynet.newService(() => import('../fixtures/child.ts'))
  assert.equal(await child.call.ping(), undefined)
})

// Proves: docs/semantics.md#launch-import
check('the module is the one that the function imports, wherever it stands', async (skynet) => {
  for (const module of [near, again]) {
    const ref = await skynet.newService(module, { on: 1, args })
    assert.equal(await ref.call.where(), 'imported')
  }
  const decoy = await skynet.newService(() => import('../fixtures/near.ts'), { on: 1 })
  assert.equal(await decoy.call.where(), 'not imported')
  const ref = await skynet.newService(() => import('../fixtures/imported/made.ts'), { on: 1 })
  assert.equal(await ref.call.kind(), 'made', 'defineService was called in another file')
})

// Proves: docs/semantics.md#launch-import
check('a module that nobody would find is refused, not taken for another one', async (skynet) => {
  const alone =
    await skynet.newService<typeof import('../fixtures/alone.ts').default>('../fixtures/alone.ts')
  await assert.rejects(alone.call.launch(), {
    code: LAUNCH,
    message: /^Cannot launch .*import\(.*hidden.*name it by its path/,
  })
})

// Proves: docs/semantics.md#launch-import
check('what cannot be loaded, or is no service, fails the launch', async (skynet) => {
  const wrong: [ServiceModule<AnyService>, RegExp][] = [
    [() => import('../fixtures/broken.ts') as never, /broken\.[jt]s.*: this module is broken$/],
    [() => import('../fixtures/no-service.ts') as never, /is not made by defineService/],
    [() => import('../support/until.ts') as never, /is not made by defineService/],
    [() => import(`./no-${'module'}.ts`) as never, /Cannot find module/],
    [() => undefined as never, /is not made by defineService/],
    [() => Promise.reject('text'), /: text$/],
  ]
  for (const [module, message] of wrong) {
    for (const launch of [
      () => skynet.newService(module),
      () => skynet.uniqueService(module),
      () => skynet.queryService(module),
    ]) {
      await assert.rejects(launch(), { code: LAUNCH, message })
    }
  }
})

// Proves: docs/semantics.md#launch-import
check('whoever waits for a module gives up in time, and by a signal', async (skynet) => {
  const never = () => new Promise<never>(() => {})
  await assert.rejects(skynet.newService(never, { timeoutMs: 1 }), { code: 'ERR_CALL_TIMEOUT' })
  await assert.rejects(skynet.queryService(never, { timeoutMs: 1 }), { code: 'ERR_CALL_TIMEOUT' })
  const controller = new AbortController()
  const launch = skynet.newService(never, { signal: controller.signal })
  controller.abort()
  await assert.rejects(launch, { code: 'ABORT_ERR' })
})

// Proves: docs/semantics.md#unique-module
check('a unique service is one, named by its path or by an import', async (skynet) => {
  const waiting = skynet.queryService(near)
  const one = await skynet.uniqueService(() => import('../fixtures/imported/near.ts'), { args })
  const path = new URL('../fixtures/imported/near.ts', import.meta.url)
  assert.equal((await skynet.uniqueService(path)).handle, one.handle)
  assert.equal((await waiting).handle, one.handle)
  assert.equal(await (await waiting).call.name(), 'a')
})

// Proves: docs/semantics.md#launch-import
check('supervise() takes imports, and launches them again', async (skynet) => {
  const path = () => import('../fixtures/named-child.ts')
  const name = '.imported'
  const children = [{ name: 'one', path, args: [name], on: 1 }] as const
  const supervisor = await supervise(skynet, { strategy: 'one-for-one', children })
  const ref = skynet.named<Awaited<ReturnType<typeof path>>['default']>(name)
  const first = await ref.call.self()
  ref.send.crash()
  await until('the next child', () => (skynet.localName(name) ?? first) !== first)
  await supervisor.stop()
})
