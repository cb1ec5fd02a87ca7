import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoreEntry } from '../core/store.ts'
import { TcpNet } from './net.ts'
import { checkTcp } from './options.ts'
import { PACKET } from './packets.ts'
import { answerBytes, askBytes, entryBytes } from './store-packets.ts'
import { type Member, SECRET, SEED, scene } from './tcp.kit.ts'

const DONE = { status: 0, number: 1, ageMs: 0, entry: undefined, reason: '' }

const bytes = (text: string): Uint8Array => Buffer.from(text)
const textOf = ({ key, revision, value }: StoreEntry): string =>
  `${key}@${revision} ${value === undefined ? 'deleted' : Buffer.from(value)}`

/** What a watch has told, as words. */
function watched(member: Member) {
  const told: string[] = []
  const watch = member.cluster.store.watch(
    (entry) => told.push(textOf(entry)),
    (reason) => told.push(`lost: ${(reason as { code: string }).code}`),
  )
  return { told, watch, heard: () => told.splice(0) }
}

async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

// The seed has the store in its memory; for all others it is far away: they are told the same.
for (const who of ['the seed', 'another node']) {
  // Proves: docs/cluster-tcp.md#store
  test(`cas() and get() of ${who}: one is first, all others have a conflict`, async (t) => {
    const at = await scene(t)
    const seed = at.seed('m')
    const member = who === 'the seed' ? seed : at.member('a')
    await seed.open()
    const { store } = member.cluster
    assert.deepEqual(await store.open(), { era: 1000, ageMs: 0 })
    assert.equal(await store.get('node.a'), undefined)
    const value = Buffer.from('one')
    assert.equal(await store.cas('node.a', value, 0), 1)
    value.fill(0)
    assert.equal(textOf((await store.get('node.a'))!), 'node.a@1 one')
    assert.equal(await outcome(store.cas('node.a', bytes('two'), 0)), 'ERR_STORE_CONFLICT')
    assert.equal(await store.cas('node.a', bytes('two'), 1), 2)
    assert.equal(await outcome(store.cas('node.a', undefined, 1)), 'ERR_STORE_CONFLICT')
    assert.equal(await store.cas('node.a', undefined, 2), 3)
    assert.equal(await store.get('node.a'), undefined)
    assert.equal(await store.cas('node.é', bytes(''), 0), 4)
    assert.equal(textOf((await store.get('node.é'))!), 'node.é@4 ')
    await at.clock.advance(300)
    assert.deepEqual(await store.open(), { era: 1000, ageMs: 300 })
  })

  test(`watch() of ${who} tells what there is, then each change`, async (t) => {
    const at = await scene(t)
    const seed = at.seed('m')
    const member = who === 'the seed' ? seed : at.member('a')
    await seed.open()
    const { store } = member.cluster
    await store.open()
    await store.cas('b', bytes('1'), 0)
    await store.cas('a', bytes('2'), 0)
    await store.cas('b', bytes('3'), 1)
    const { told, watch, heard } = watched(member)
    assert.deepEqual(told, [], 'never from within the call')
    await watch.ready
    assert.deepEqual(heard(), ['a@2 2', 'b@3 3'])
    await seed.cluster.store.cas('a', undefined, 2)
    await seed.cluster.store.cas('c', bytes('5'), 0)
    await at.settled()
    assert.deepEqual(heard(), ['a@4 deleted', 'c@5 5'])
    watch.close()
    await seed.cluster.store.cas('c', undefined, 5)
    await at.settled()
    assert.deepEqual(heard(), [])
  })

  test(`close() of ${who} rejects what waits, and all that is asked later`, async (t) => {
    const at = await scene(t)
    const seed = at.seed('m')
    const member = who === 'the seed' ? seed : at.member('a')
    await seed.open()
    const { store } = member.cluster
    await store.open()
    const asked = who === 'the seed' ? [] : [store.get('a'), store.cas('a', bytes(''), 0)]
    const closed = store.close()
    for (const each of [...asked, store.get('a'), store.open()]) {
      assert.equal(await outcome(each), 'ERR_STORE_LOST')
    }
    await closed
    const { watch, heard } = watched(member)
    await watch.ready.catch(() => {})
    assert.deepEqual(heard(), ['lost: ERR_STORE_LOST'])
  })

  // Proves: docs/limits.md#cluster-store
  test(`a value of 16 KiB is kept for ${who}, one byte more is refused`, async (t) => {
    const at = await scene(t)
    const seed = at.seed('m')
    const member = who === 'the seed' ? seed : at.member('a')
    await seed.open()
    const { store } = member.cluster
    await store.open()
    assert.equal(await store.cas('a', Buffer.alloc(16 * 1024, 'x'), 0), 1)
    assert.equal((await store.get('a'))!.value!.length, 16 * 1024)
    assert.equal(await outcome(store.cas('a', Buffer.alloc(16 * 1024 + 1), 1)), 'ERR_STORE_FULL')
    assert.equal(await store.cas('a', undefined, 1), 2)
  })
}

test('a key of 255 bytes is kept, a longer one is refused', async (t) => {
  const at = await scene(t)
  await at.seed('m').open()
  const { store } = at.member('a').cluster
  await store.open()
  assert.equal(await store.cas('x'.repeat(255), bytes('1'), 0), 1)
  assert.equal(await outcome(store.cas('é'.repeat(128), bytes('1'), 0)), 'ERR_STORE_FULL')
  assert.equal(await outcome(store.get('x'.repeat(256))), 'ERR_STORE_FULL')
})

// Proves: docs/cluster-tcp.md#outage
test('without a seed open() ends after its time, and works as soon as there is one', async (t) => {
  const at = await scene(t)
  const { store } = at.member('a').cluster
  const early = outcome(store.get('a'))
  assert.equal(await early, 'ERR_STORE_LOST')
  const refused = store.open()
  refused.catch(() => {})
  await at.clock.advance(2000)
  await assert.rejects(refused, { code: 'ERR_STORE_LOST', message: /ECONNREFUSED/ })
  await at.seed('m').open()
  const opened = store.open()
  await at.clock.advance(3000)
  assert.equal((await opened).era, 1000)
})

// Proves: docs/cluster-tcp.md#era, #outage
test('the end of the seed ends what waits and is watched; its return is another era', async (t) => {
  const at = await scene(t)
  const first = at.seed('m')
  const a = at.member('a')
  await first.open()
  const { store } = a.cluster
  await store.open()
  const { watch, heard } = watched(a)
  await watch.ready
  await store.cas('a', bytes('1'), 0)
  const asked = outcome(store.cas('a', bytes('2'), 1))
  await first.cluster.transport.close()
  assert.equal(await asked, 'ERR_STORE_LOST')
  assert.deepEqual(heard(), ['a@1 1', 'lost: ERR_STORE_LOST'])
  const second = at.member('m', { listen: SEED }, { wallNow: () => 2000 })
  await second.open()
  await at.clock.advance(3000)
  // Who has not opened it again means the former memory: nothing is done in this one.
  assert.equal(await outcome(store.cas('b', bytes('1'), 0)), 'ERR_STORE_LOST')
  assert.equal(await second.cluster.store.get('b'), undefined)
  assert.deepEqual(await store.open(), { era: 2000, ageMs: 3000 })
  assert.equal(await store.cas('b', bytes('1'), 0), 1)
})

// Proves: docs/cluster-tcp.md#outage
test('a seed that does not answer is lost after 2 s', async (t) => {
  const at = await scene(t)
  const rules = checkTcp({ name: 'm', listen: SEED, seed: SEED, secret: SECRET })
  const net = new TcpNet(rules, at.node.skynet, 3000, () => 0.5)
  let asked = 0
  net.peers.use({ takes: { [PACKET.ask]: () => void asked++ } })
  await net.listen()
  const { store } = at.member('a').cluster
  const opened = outcome(store.open().catch((error) => assert.match(error.message, /2000 ms/)))
  await at.clock.advance(1999)
  assert.equal(asked, 1)
  await at.clock.advance(1)
  assert.equal(await opened, undefined)
  // An answer that comes later is nobody's.
  for (const peer of net.peers.all) {
    peer.say(PACKET.answer, answerBytes({ ...DONE, id: 1 }))
    peer.say(PACKET.entry, entryBytes(1, { key: 'a', revision: 1, value: undefined }))
  }
  await at.settled()
  assert.deepEqual(at.log, [])
})

test('a watch of more than a connection holds tells all of it, and then the changes', async (t) => {
  const at = await scene(t)
  const m = at.seed('m')
  await m.open()
  const a = at.member('a')
  await a.cluster.store.open()
  const value = Buffer.alloc(16 * 1024)
  const { store } = m.cluster
  for (let i = 0; i < 1200; i++) await store.cas(`k${i}`, value, 0)
  const keys: string[] = []
  const watch = a.cluster.store.watch(
    ({ key, revision }) => keys.push(`${key}@${revision}`),
    () => keys.push('lost'),
  )
  const isReady = watch.ready.then(() => keys.length)
  // While they come: of one key the last change alone.
  for (let i = 0; i < 3; i++) await store.cas('k0', Buffer.of(i), i === 0 ? 1 : 1200 + i)
  await store.cas('k1', undefined, 2)
  assert.ok((await isReady) >= 1200)
  await at.settled()
  assert.deepEqual(keys.slice(-2), ['k0@1203', 'k1@1204'])
  assert.equal(new Set(keys).size, keys.length)
  assert.ok(keys.length < 1210, `${keys.length} were told`)
  assert.deepEqual(at.log, [])
})

test('a 17th watch of a node is refused', async (t) => {
  const at = await scene(t)
  await at.seed('m').open()
  const a = at.member('a')
  await a.cluster.store.open()
  const watches = Array.from({ length: 16 }, () => watched(a))
  for (const { watch } of watches) await watch.ready
  const last = watched(a)
  await assert.rejects(last.watch.ready, {
    code: 'ERR_STORE_LOST',
    message: /more than 16 watches/,
  })
  assert.deepEqual(last.heard(), ['lost: ERR_STORE_LOST'])
  watches[0]!.watch.close()
  await watched(a).watch.ready
})

// Proves: docs/cluster-tcp.md#auth
test('another secret: open() rejects, both nodes log it, and it is tried seldom', async (t) => {
  const at = await scene(t)
  await at.seed('m').open()
  const { store } = at.member('a', { secret: 'another one, as long as this' }).cluster
  await assert.rejects(store.open(), { code: 'ERR_CLUSTER_AUTH', message: /the secrets differ/ })
  assert.equal(at.log.length, 2)
  assert.match(at.log.join('\n'), /was refused: .*does not know our secret/)
  assert.match(at.log.join('\n'), /cluster: Cannot join .*the secrets differ/)
  await at.clock.advance(60_000)
  // One at the beginning, then each 7.5 s: two lines each.
  assert.ok(at.log.length <= 18, at.log.join('\n'))
})

test('a seed that is the node itself is told to be that', async (t) => {
  const at = await scene(t)
  const a = at.member('a', { listen: '0.0.0.0:7001' })
  await a.open()
  await assert.rejects(a.cluster.store.open(), {
    code: 'ERR_CLUSTER_AUTH',
    message: /it is this node itself/,
  })
})

// Proves: docs/cluster-tcp.md#seed-name
test('a node with the name of the seed is refused at once, and the seed goes on', async (t) => {
  const at = await scene(t)
  const m = at.seed('m')
  await m.open()
  const a = at.member('a')
  await a.cluster.store.open()
  await assert.rejects(at.member('m').cluster.store.open(), {
    code: 'ERR_NODE_NAME_TAKEN',
    info: { node: 'm', address: SEED },
  })
  assert.equal(await a.cluster.store.get('node.m'), undefined)
})

test('a node that is not the seed says so', async (t) => {
  const at = await scene(t)
  await at.seed('m').open()
  await at.member('b', { listen: '127.0.0.1:7002' }).open()
  const { store } = at.member('c', { seed: '127.0.0.1:7002' }).cluster
  await assert.rejects(store.open(), { code: 'ERR_STORE_LOST', message: /b is not the seed/ })
})

test('what nobody may ask of a seed ends the connection, and not the seed', async (t) => {
  const at = await scene(t)
  const m = at.seed('m')
  const a = at.member('a')
  await m.open()
  await a.cluster.store.open()
  const net = new TcpNet(
    checkTcp({ name: 'x', listen: '127.0.0.1:7003', seed: SEED, secret: SECRET }),
    at.node.skynet,
    3000,
    () => 0.5,
  )
  const ask = { id: 1, kind: 9, era: 1000, entry: { key: '', revision: 0, value: undefined } }
  const long = askBytes({ ...ask, entry: { ...ask.entry, key: 'x'.repeat(256) } })
  for (const bytes of [askBytes(ask), long, long.subarray(0, 9), long.subarray(0, 20)]) {
    const stream = await at.node.skynet.socket.connect({ port: 7001 })
    const peer = await net.peers.dialled(stream)
    peer.say(PACKET.ask, bytes)
    await peer.over
  }
  assert.equal(await a.cluster.store.get('x'), undefined)
})
