/** A supervisor that ends leaves no child behind, whatever came over it. */
import assert from 'node:assert/strict'
import { type MethodsOf, type ServiceRef, type Skynet, supervise } from 'skynet-ts'
import type kid from '../fixtures/child.ts'
import type overseer from '../fixtures/overseer.ts'
import type { Start } from '../fixtures/overseer.ts'
import type sleeper from '../fixtures/sleeper.ts'
import type victim from '../fixtures/victim.ts'
import { type Body, type Handlers, SharedNode, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const node = new SharedNode({ thread: 3 })
const check = (title: string, body: Body): void => serviceTest(import.meta.url, title, body, node)

/** Its children live on workers 0 and 1, it on worker 2. */
const launch = (skynet: Skynet, start: Start) =>
  skynet.newService<typeof overseer>('../fixtures/overseer.ts', {
    args: [skynet.self, start],
    on: 2,
    onFault: 'end',
  })
type Overseer = Awaited<ReturnType<typeof launch>>

/** Handles of the children that have begun. */
function children(handlers: Handlers): number[] {
  const born: number[] = []
  handlers.born = (_name: string, handle: number) => void born.push(handle)
  return born
}

/** All but that of the node which looks after a worker died. */
async function titlesOf(skynet: Skynet): Promise<string[]> {
  const titles = (await skynet.debug.services()).map(({ title }) => title)
  return titles.filter((title) => title !== 'services/bootstrap').sort()
}

/** Wait until only those services are there that were before. */
async function isAsBefore(skynet: Skynet, before: readonly string[]): Promise<void> {
  let now: string[] = []
  await until('no child is left', async () => {
    now = await titlesOf(skynet)
    return now.length === before.length
  }).catch(() => {})
  assert.deepEqual(now, before)
}

const WAYS: Readonly<Record<string, (skynet: Skynet, boss: Overseer) => unknown>> = {
  exits: (_skynet, { send }) => send.exit(),
  'is killed': (skynet, { handle }) => skynet.kill(handle),
  'ends by a fault': (_skynet, { send }) => send.fault(),
  'goes with its worker': (_skynet, { send }) => send.exitThread(),
}

for (const [way, end] of Object.entries(WAYS)) {
  // Proves: docs/semantics.md#supervise-end
  check(`a supervisor that ${way} leaves no child behind`, async (skynet, handlers) => {
    const born = children(handlers)
    const before = await titlesOf(skynet)
    await end(skynet, await launch(skynet, 'is done'))
    await isAsBefore(skynet, before)
    assert.equal(born.length, 3)
    assert.ok(born.every((handle) => !skynet.isAlive(handle)))
  })
}

// Proves: docs/semantics.md#supervise-end
check('a supervisor whose start is given up leaves no child', async (skynet) => {
  const before = await titlesOf(skynet)
  const children = ['child', 'sleeper', 'never-ready'].map((name, on) => {
    return { name, path: `../fixtures/${name}.ts`, on: on % 2 }
  })
  const abort = new AbortController()
  const { signal } = abort
  const started = supervise(skynet, { strategy: 'one-for-one', children, signal })
  const failed = assert.rejects(started, { code: 'ABORT_ERR' })
  await until('the last one begins', async () =>
    (await titlesOf(skynet)).includes('fixtures/never-ready'),
  )
  abort.abort()
  await failed
  await isAsBefore(skynet, before)
})

// Proves: docs/semantics.md#supervise-end
check('a supervised child has no task of its own for that', async (skynet) => {
  const children = [{ name: 'a', path: '../fixtures/sleeper.ts', on: 1 }]
  const supervisor = await supervise(skynet, { strategy: 'one-for-one', children })
  assert.deepEqual(await supervisor.child<MethodsOf<typeof sleeper>>('a')!.call.tasks(), [])
  await supervisor.stop()
})

/** The supervisor, whose setup is not done. */
async function starting(skynet: Skynet): Promise<number> {
  const row = (await skynet.debug.services()).find(({ title }) => title === 'fixtures/overseer')
  return row!.handle
}

for (const way of ['is killed', 'goes with its worker'] as const) {
  // Proves: docs/semantics.md#supervise-end
  check(`a supervisor that ${way} while it starts leaves no child`, async (skynet, handlers) => {
    const born = children(handlers)
    const { call } = await skynet.newService<typeof victim>('../fixtures/victim.ts', { on: 2 })
    const before = await titlesOf(skynet)
    const launched = launch(skynet, 'waits for its last child')
    const failed = assert.rejects(launched as Promise<ServiceRef>, { code: 'ERR_SERVICE_LAUNCH' })
    await until('the last one begins', async () =>
      (await titlesOf(skynet)).includes('fixtures/never-ready'),
    )
    if (way === 'is killed') await skynet.kill(await starting(skynet))
    else await call.endWorker().catch(() => {})
    await failed
    const left = before.filter((title) => way === 'is killed' || title !== 'fixtures/victim')
    await isAsBefore(skynet, left)
    assert.equal(born.length, 3)
  })
}

for (const start of ['fails', 'fails after its children'] as const) {
  // Proves: docs/semantics.md#supervise-end
  check(`a supervisor whose start ${start} leaves no child`, async (skynet, handlers) => {
    const born = children(handlers)
    const before = await titlesOf(skynet)
    await assert.rejects(launch(skynet, start) as Promise<ServiceRef>, {
      code: 'ERR_SERVICE_LAUNCH',
    })
    await isAsBefore(skynet, before)
    assert.equal(born.length, 3)
  })
}

// Proves: docs/semantics.md#link
check('link() ends the other one too when a worker dies, whoever began it', async (skynet) => {
  const child = (on: number) => skynet.newService<typeof kid>('../fixtures/child.ts', { on })
  for (const dies of ['who links', 'who is linked to']) {
    const [one, other] = [await child(1), await child(2)]
    await one.call.link(other.handle)
    const [dead, left] = dies === 'who links' ? [one, other] : [other, one]
    const told = skynet.monitor(left.handle)
    dead.send.exitThread()
    assert.equal((await told).reason, 'linked', dies)
  }
})
