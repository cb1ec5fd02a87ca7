/** Stand-ins for services that are launched by path, in a `testNode`. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { defineService, type MethodsOf } from 'skynet-ts'
import { testNode, testService } from 'skynet-ts/testing'
import type sum from '../fixtures/methods.ts'
import subject from '../fixtures/subject.ts'
import { projectFolder } from '../support/project-folder.ts'

const fixture = (name: string): string => new URL(`../fixtures/${name}`, import.meta.url).href

const shop = defineService((skynet) => ({
  async buy(what: string): Promise<unknown> {
    const db = await skynet.newService('../fixtures/methods.ts')
    return skynet.call(db.handle, 'take', what)
  },
  async imported(what: string): Promise<unknown> {
    return skynet.call(
      await skynet.newService(() => import('../fixtures/methods.ts')),
      'take',
      what,
    )
  },
  unique: async () => (await skynet.uniqueService('../fixtures/methods.ts')).handle,
  query: async () => (await skynet.queryService('../fixtures/methods.ts')).handle,
  async named(path: string): Promise<unknown> {
    return skynet.call((await skynet.newService(path, { args: [5] })).handle, 'take', 'it')
  },
  ask: (address: string | number, method: string) => skynet.call(address, method, 'it'),
}))

const take = (what: string): string => `${what} of the test`

// Proves: docs/testing.md#stand-in-path
test('a stand-in by path is launched in the place of the module, whoever asks', async () => {
  await using service = await testService(shop, { peers: { '../fixtures/methods.ts': { take } } })
  assert.equal(await service.call.buy('tea'), 'tea of the test')
  assert.equal(await service.call.imported('cake'), 'cake of the test')
  const unique = await service.call.unique()
  assert.equal(await service.call.ask(unique, 'take'), 'it of the test')
  assert.equal(await service.call.query(), unique)
  const { skynet } = service.node
  const byUrl = await skynet.newService(fixture('methods.ts'))
  assert.equal(await skynet.call(byUrl.handle, 'take', 'url'), 'url of the test')
  // Others are themselves.
  const other = await skynet.newService<typeof subject>(fixture('subject.ts'))
  assert.equal(await other.call.echo(1), 1)
})

// Proves: docs/testing.md#stand-in-path
test('a unique stand-in is there for who asks for it with queryService alone', async () => {
  const asker = defineService(async (skynet) => {
    const ref = await skynet.queryService<typeof sum>('../fixtures/methods.ts')
    return { add: (by: number) => ref.call.add(by), handle: () => ref.handle }
  })
  await using service = await testService(asker, {
    peers: { '../fixtures/methods.ts': { add: (by: number) => by + 7 } },
  })
  assert.equal(await service.call.add(1), 8)
  const { skynet } = service.node
  const other = await skynet.uniqueService('../fixtures/methods.ts')
  assert.equal(other.handle, await service.call.handle())
})

// Proves: docs/testing.md#stand-in-path
test('a stand-in is of its node alone, and gone with it', async () => {
  const peers = { '../fixtures/methods.ts': { take } }
  const first = await testService(shop, { peers })
  await using second = await testService(shop, {
    peers: { '../fixtures/methods': { take: () => 'second' } },
  })
  await using plain = await testNode({ base: import.meta.url })
  const real = await plain.skynet.newService('../fixtures/methods.ts')
  assert.equal(await first.call.buy('tea'), 'tea of the test')
  assert.equal(await second.call.buy('tea'), 'second')
  await assert.rejects(plain.skynet.call(real.handle, 'take'), { code: 'ERR_METHOD_UNKNOWN' })
  await first[Symbol.asyncDispose]()
  await using again = await testService(shop)
  await assert.rejects(again.call.buy('tea'), { code: 'ERR_METHOD_UNKNOWN' })
})

test('paths of stand-ins begin where paths of the service do, else at base', async (t) => {
  const folder = projectFolder(t, { 'rooms/battle.ts': 'throw new Error("the real one")' })
  const base = pathToFileURL(join(folder, 'rooms/'))
  const peers = { './battle.ts': { take } }
  await using node = await testNode({ base: join(folder, 'rooms'), peers })
  const battle = await node.skynet.newService('./battle.ts')
  assert.equal(await node.skynet.call(battle.handle, 'take', 'x'), 'x of the test')
  const absolute = { [join(folder, 'rooms/battle.ts')]: { take } }
  await using service = await testService(shop, { peers: absolute })
  assert.equal(await service.call.named(new URL('battle.ts', base).href), 'it of the test')
})

// Proves: docs/testing.md#stand-in-path
test('a stand-in by the name of a folder of services needs no module', async () => {
  await using service = await testService(shop, { peers: { db: { take }, 'rooms/db': { take } } })
  assert.equal(await service.call.named('db'), 'it of the test')
  assert.equal(await service.call.named('rooms/db'), 'it of the test')
  await assert.rejects(service.call.named('bd'), { code: 'ERR_SERVICE_LAUNCH' })
})

// Proves: docs/testing.md#stand-in-service
test('a stand-in may be a service: each launch has a setup, with its arguments', async () => {
  let launches = 0
  const db = defineService((skynet, ...args: number[]) => {
    launches++
    return { take: (what: string) => `${what} ${args} ${skynet.self > 0}` }
  })
  const peers = { db, '.db': db }
  await using service = await testService(shop, { peers })
  assert.equal(await service.call.named('db'), 'it 5 true')
  assert.equal(await service.call.named('db'), 'it 5 true')
  assert.equal(await service.call.ask('.db', 'take'), 'it  true')
  assert.equal(launches, 3)
})

test('what a stand-in is for can be checked by its type', async () => {
  const good = { add: (by: number) => by + 7 } satisfies Partial<MethodsOf<typeof sum>>
  // @ts-expect-error: it has no such method
  const bad = { added: () => 7 } satisfies Partial<MethodsOf<typeof sum>>
  await using node = await testNode({ peers: { sum: good, '.bad': bad } })
  const ref = await node.skynet.newService<typeof sum>('sum')
  assert.equal(await ref.call.add(1), 8)
})

// Proves: docs/testing.md#stand-in-wrong
test('a path that leads to no module is refused, and says where it was looked for', async () => {
  const peers = { './bd.ts': {} }
  const said = (where: RegExp) => ({ name: 'TypeError', message: where })
  const base = import.meta.url
  const key = /^Cannot test a node as 'peers\['\.\/bd\.ts'\]' must be that of a module: /
  const start = new RegExp(`${key.source}.*no such module in `)
  await assert.rejects(testNode({ peers, base }), said(start))
  await assert.rejects(testNode({ peers, base }), said(/'base'.*current value is ".\/bd.ts"$/))
  await assert.rejects(testNode({ peers }), said(/the current folder, as there is no 'base'/))
  const beside = /fixtures \(where the service is defined\), nor in .*library \('base'\)/
  await assert.rejects(testService(subject, { peers, base }), { message: beside })
})
