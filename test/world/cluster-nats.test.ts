/** What happens to servers of NATS, and what a node makes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NatsEnd, natsEnd, startedEnd, watched } from '../support/nats-scene.ts'
import { isNatsInstalled, NATS_LEFT_OUT, NatsServer, NatsServers } from '../support/nats-server.ts'
import { until } from '../support/until.ts'

const isInstalled = isNatsInstalled()

if (!isInstalled) test('what happens to servers of NATS', (t) => t.diagnostic(NATS_LEFT_OUT))

function natsTest(title: string, body: () => Promise<void>): void {
  if (isInstalled) test(title, body)
}

/** Two are told that they have written in half of them, by servers alone. */
const RACES = 30
const LOST = { code: 'ERR_STORE_LOST' }
const bytes = (text: string): Uint8Array => Buffer.from(text)
const given = (node: string, servers: string | string[]) => ({ cluster: 'game', node, servers })

/** Servers that have just begun choose first who leads. */
const opened = ({ store }: NatsEnd) =>
  until('the store is there', () => store.open().catch(() => undefined))

/** As long as it takes: a store that is out says so, and is asked again. */
async function written(end: NatsEnd, key: string, value: string, revision: number) {
  return until(`${key} is written`, () =>
    end.store.cas(key, bytes(value), revision).catch(async () => {
      await end.store.open().catch(() => {})
      return 0
    }),
  )
}

// Proves: docs/cluster-nats.md#cut, #era
natsTest('a server that dies takes its memory along: another era, and all goes on', async () => {
  await using server = await NatsServer.start()
  await using a = await startedEnd(given('a', server.url), 1)
  await using b = await startedEnd(given('b', server.url), 2)
  const { era } = await a.store.open()
  const revision = await a.store.cas('node.a', bytes('a'), 0)
  const watch = watched(a.store)
  await watch.ready
  await server.signal('SIGKILL')
  await until('a cut', () => a.told.resets.length > 0)
  assert.deepEqual(a.told.resets, ['all'])
  assert.equal(a.transport.send(b.address, bytes('in the dark'), 1), false, 'nothing is kept')
  await assert.rejects(a.store.cas('node.a', bytes('b'), revision), LOST)
  await assert.rejects(a.store.open(), LOST)
  await server.start()
  await until('the way is there again', () => a.told.writable.includes('b@2'))
  await until('the watch is lost', () => watch.lost.length === 1)
  await assert.rejects(a.store.cas('node.a', bytes('b'), revision), LOST, 'not before it is open')
  const after = await a.store.open()
  assert.ok(after.era > era)
  assert.equal(await a.store.get('node.a'), undefined)
  assert.equal(await a.store.cas('node.a', bytes('c'), 0), 1)
  await until('b hears again', () => {
    a.transport.send(b.address, bytes('in the light'), 0)
    return b.told.frames.length > 0
  })
  assert.ok(b.told.frames.every(({ text }) => text === 'in the light'))
  assert.deepEqual(a.told.resets, ['all'], 'once for each cut')
})

// Proves: docs/cluster-nats.md#late
natsTest('a server that comes later than its nodes is joined as soon as it is there', async () => {
  await using server = await NatsServer.prepare()
  await using a = natsEnd(given('a', server.url))
  await using b = natsEnd(given('b', server.url))
  for (const { transport, store } of [a, b]) {
    assert.deepEqual(await transport.open(), [])
    await assert.rejects(store.open(), LOST)
  }
  a.transport.start({ node: 'a', epoch: 1, era: 1 })
  assert.equal(a.transport.send({ node: 'b', epoch: 2 }, bytes('x'), 1), false)
  await server.start()
  for (const { store } of [a, b]) await store.open()
  b.transport.start({ node: 'b', epoch: 2, era: 1 })
  await until('a may send', () => a.told.writable.includes('b@2'))
  await until('a frame', () => {
    a.transport.send({ node: 'b', epoch: 2 }, bytes('x'), 1)
    return b.told.frames.length > 0
  })
})

// Proves: docs/cluster-nats.md#silent
natsTest('a server that is held for long is cut; it has forgotten nothing', async () => {
  await using server = await NatsServer.start()
  await using a = await startedEnd(given('a', server.url), 1)
  const { era } = await a.store.open()
  const revision = await a.store.cas('node.a', bytes('a'), 0)
  await server.signal('SIGSTOP')
  // A signal takes its time.
  await until('it is held', () =>
    a.store.get('node.a').then(
      () => false,
      () => true,
    ),
  )
  await assert.rejects(a.store.cas('node.a', bytes('b'), revision), LOST)
  await until('a cut', () => a.told.resets.length > 0)
  assert.equal(a.transport.send(a.address, bytes('x'), 1), false)
  await server.signal('SIGCONT')
  await until('the way is there again', () => a.told.writable.length > 0)
  assert.equal((await a.store.open()).era, era)
  const entry = await a.store.get('node.a')
  // What was under way when it was held may have been done: nobody could know.
  assert.ok(entry!.revision === revision || Buffer.from(entry!.value!).toString() === 'b')
  await a.store.cas('node.a', bytes('c'), entry!.revision)
})

// Proves: docs/cluster-nats.md#replicas
natsTest('of three servers the one that leads dies: the same era, nothing is lost', async () => {
  await using servers = await NatsServers.start()
  const options = { replicas: 3 } as const
  await using a = await startedEnd({ ...given('a', servers.urls), ...options }, 1)
  const { era } = await opened(a)
  let revision = await a.store.cas('node.a', bytes('0'), 0)
  for (const round of [1, 2]) {
    const leader = await servers.leaderOf('KV_sk_game')
    await leader.signal('SIGKILL')
    await until('the store is there again', async () => {
      await a.store.open().catch(() => {})
      return a.store.get('node.a').catch(() => undefined)
    })
    const known = (await a.store.get('node.a'))!
    assert.equal(known.revision, revision)
    revision = await written(a, 'node.a', `${round}`, revision)
    assert.equal((await a.store.open()).era, era)
    await assert.rejects(a.store.cas('node.a', bytes('x'), 1), { code: 'ERR_STORE_CONFLICT' })
    await leader.start()
  }
})

// Proves: docs/cluster-nats.md#store
natsTest('of several that write at one revision of three servers one has written', async () => {
  await using servers = await NatsServers.start()
  const [first, second, third] = servers.urls as [string, string, string]
  await using a = natsEnd({ ...given('a', first), replicas: 3 })
  await using b = natsEnd({ ...given('b', second), replicas: 3 })
  await using c = natsEnd({ ...given('c', third), replicas: 3 })
  const ends = [a, b, c]
  for (const end of ends) await opened(end)
  let revision = await written(a, 'name.x', 'first', 0)
  for (let round = 0; round < RACES; round++) {
    const all = await Promise.allSettled(
      ends.map(({ store }, i) => store.cas('name.x', bytes(`${i}`), revision)),
    )
    const won = all.filter(({ status }) => status === 'fulfilled')
    assert.ok(won.length <= 1, `round ${round}: ${won.length} have written`)
    // A busy server may not have answered in time.
    for (const end of ends) await opened(end)
    const entry = await until('it can be read', () => a.store.get('name.x').catch(() => undefined))
    revision = entry.revision
  }
})

// Proves: docs/cluster-nats.md#watch
natsTest('a watch whose server dies says so, and the next one has it all', async () => {
  await using servers = await NatsServers.start()
  const [mine] = servers.servers
  await using writer = natsEnd({ ...given('w', servers.urls), replicas: 3 })
  await opened(writer)
  await writer.store.cas('node.a', bytes('a'), 0)
  // Connected to one server, as long as that lives: others may hold its watch.
  await using a = natsEnd({ ...given('a', mine!.url), replicas: 3 })
  await opened(a)
  let watch = watched(a.store)
  await watch.ready
  const host = await until('a watch on another server', async () => {
    const found = await servers.hostOfWatch('KV_sk_game')
    if (found !== undefined && found !== mine) return found
    watch.close()
    watch = watched(a.store)
    await watch.ready
    return undefined
  })
  await host.signal('SIGKILL')
  await until('it is lost', () => watch.lost.length > 0)
  await until('the store is there again', () =>
    a.store.open().then(
      () => true,
      () => false,
    ),
  )
  await written(writer, 'node.b', 'b', 0)
  let next = watched(a.store)
  await until('another watch', async () => {
    await next.ready.catch(async () => {
      await a.store.open().catch(() => {})
      next = watched(a.store)
    })
    return next.entries.includes('node.b = b')
  })
  assert.deepEqual(next.entries, ['node.a = a', 'node.b = b'])
})

// Proves: docs/cluster-nats.md#memory
natsTest('several servers do not keep it in memory', async () => {
  await using servers = await NatsServers.start()
  await using a = natsEnd(given('a', servers.urls))
  await assert.rejects(a.store.open(), { code: 'ERR_NATS_SERVER' })
  await using b = natsEnd({ ...given('b', servers.urls), storage: 'file' })
  await opened(b)
})
