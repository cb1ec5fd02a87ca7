/** Shared data: who sees which version, when, and that nobody can change it. */
import assert from 'node:assert/strict'
import type { Skynet } from 'skynet-ts'
import { SHARED_DATA_MAX, SHARED_NAME_BYTES_MAX } from '../../src/base/limits.ts'
import type reader from '../fixtures/reader.ts'
import { wholeOf } from '../fixtures/reader.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const launch = (skynet: Skynet, on: number) =>
  skynet.newService<typeof reader>('./reader.ts', { on })
const unknown = { code: 'ERR_SHARE_UNKNOWN' }

// Proves: docs/sharing.md#share-seen
check('query() gives on every worker what new() shared, whatever becomes of it', async (skynet) => {
  const value = { text: 'ß界', list: [1, [2, null]], big: 2n ** 70n, none: undefined, f: -0 }
  skynet.shareData.new('value', value)
  value.list.push(3)
  const expected = { ...value, list: [1, [2, null]] }
  assert.deepEqual(skynet.shareData.query('value').value, expected)
  for (const on of [0, 1]) {
    const peer = await launch(skynet, on)
    assert.deepEqual(await peer.call.query('value'), expected)
    await skynet.kill(peer.handle)
  }
  for (const plain of [1, 'text', null, undefined, [1], {}, 'x'.repeat(1_000_000)]) {
    skynet.shareData.update('value', plain)
    assert.deepEqual(skynet.shareData.query('value').value, plain)
  }
  skynet.shareData.delete('value')
})

async function hammer(skynet: Skynet): Promise<void> {
  const last = 10_000
  skynet.shareData.new('whole', wholeOf(1))
  const readers = await Promise.all([0, 1, 2, 3].map((on) => launch(skynet, on)))
  const hammering = readers.map((each) => each.call.hammer('whole', last))
  const following = readers.slice(2).map((each) => each.call.follow('whole', last))
  for (let n = 2; n <= last; n++) {
    skynet.shareData.update('whole', wholeOf(n))
    if (n % 100 === 0) await skynet.sleep(0)
  }
  for (const seen of await Promise.all(hammering)) assert.ok(seen > 1, `${seen} versions`)
  for (const seen of await Promise.all(following)) {
    assert.ok(seen.at(-1) === last && seen.every((n, i) => i === 0 || n > seen[i - 1]!))
  }
}

// Proves: docs/sharing.md#share-version
serviceTest(
  import.meta.url,
  'readers on 4 workers never see half an update, nor an older one',
  hammer,
  { thread: 4 },
)

// Proves: docs/sharing.md#share-view
check('a view stays at its version until latest() or monitor() moves on', async (skynet) => {
  skynet.shareData.new('count', { n: 1 })
  const view = skynet.shareData.query<{ n: number }>('count')
  const first = view.value
  skynet.shareData.update('count', { n: 2 })
  assert.deepEqual([view.value.n, view.version], [1, 1])
  assert.deepEqual([view.latest().n, view.version, view.value.n], [2, 2, 2])
  assert.equal(first.n, 1, 'what was taken never changes')
  skynet.shareData.delete('count')
})

// Proves: docs/sharing.md#share-seen
check('who is told of an update sees it', async (skynet) => {
  skynet.shareData.new('told', 0)
  const [here, there] = await Promise.all([launch(skynet, 0), launch(skynet, 1)])
  await Promise.all([here.call.query('told'), there.call.query('told')])
  for (let n = 1; n <= 500; n++) {
    const [writer, other] = n % 2 === 0 ? [here, there] : [there, here]
    await writer.call.update('told', n)
    assert.equal(await other.call.latest(), n)
    assert.equal(skynet.shareData.query('told').value, n)
  }
  skynet.shareData.delete('told')
  await Promise.all([here, there].map((each) => skynet.kill(each.handle)))
})

// Proves: docs/sharing.md#share-frozen
check('shared data cannot be changed, and is one object for the whole worker', async (skynet) => {
  skynet.shareData.new('same', { list: [{ hp: 1 }] })
  const { value } = skynet.shareData.query<{ list: { hp: number }[] }>('same')
  const open = value as { list: { hp: number }[] }
  assert.throws(() => (open.list[0]!.hp = 2), TypeError)
  assert.throws(() => open.list.push({ hp: 3 }), TypeError)
  assert.throws(() => ((open as unknown as { more: number }).more = 1), TypeError)
  const peer = await launch(skynet, 0)
  await peer.call.expose('same')
  assert.equal((globalThis as { exposed?: unknown }).exposed, value)
  skynet.shareData.delete('same')
  await skynet.kill(peer.handle)
})

// Proves: docs/sharing.md#share-frozen
check('deepCopy() gives a value of its own, all of it or a part', async (skynet) => {
  skynet.shareData.new('deep', { a: { b: [1, { c: 2 }] } })
  const copy = skynet.shareData.deepCopy<{ a: { b: unknown[] } }>('deep')
  copy.a.b.push(3)
  assert.deepEqual(skynet.shareData.deepCopy('deep', 'a', 'b'), [1, { c: 2 }])
  assert.equal(skynet.shareData.deepCopy('deep', 'a', 'b', 1, 'c'), 2)
  assert.equal(skynet.shareData.deepCopy('deep', 'a', 'x', 'c'), undefined)
  assert.equal(skynet.shareData.deepCopy('deep', 'toString'), undefined)
  skynet.shareData.delete('deep')
})

// Proves: docs/sharing.md#share-delete
check('delete() ends a name for all; a view stays at what it has seen', async (skynet) => {
  const peer = await launch(skynet, 1)
  skynet.shareData.new('gone', 1)
  await peer.call.query('gone')
  const view = skynet.shareData.query('gone')
  await peer.call.remove('gone')
  assert.deepEqual([view.latest(), view.isDeleted], [1, true])
  assert.throws(() => skynet.shareData.query('gone'), unknown)
  assert.throws(() => skynet.shareData.delete('gone'), unknown)
  await assert.rejects(peer.call.deepCopy('gone'), unknown)
  await assert.rejects(view.monitor(), unknown)
  skynet.shareData.new('gone', 'again')
  assert.deepEqual([view.latest(), view.isDeleted], [1, true], 'that is another one')
  assert.equal(await peer.call.latest(), 1)
  assert.equal(await peer.call.query('gone'), 'again')
  assert.equal(skynet.shareData.query('gone').version, 1)
  skynet.shareData.delete('gone')
  await skynet.kill(peer.handle)
})

// Proves: docs/sharing.md#share-monitor
check('monitor() waits for the next version, and for no longer than asked', async (skynet) => {
  skynet.shareData.new('next', 1)
  const view = skynet.shareData.query<number>('next')
  const peer = await launch(skynet, 1)
  const waiting = [view.monitor(), view.monitor({ timeoutMs: 60_000 })]
  await peer.call.update('next', 2)
  assert.deepEqual(await Promise.all(waiting), [2, 2])
  await peer.call.update('next', 3)
  assert.equal(await view.monitor(), 3, 'what was missed is there at once')
  const late = view.monitor({ timeoutMs: 5 })
  await assert.rejects(late, {
    code: 'ERR_CALL_TIMEOUT',
    info: { to: 'next', method: 'monitor', timeoutMs: 5 },
  })
  const controller = new AbortController()
  const aborted = view.monitor({ signal: controller.signal })
  controller.abort()
  await assert.rejects(aborted, { code: 'ABORT_ERR' })
  await assert.rejects(view.monitor({ timeoutMs: -1 }), RangeError)
  const there = peer.call.monitor('next')
  const ended = assert.rejects(Promise.race([there]), unknown)
  const here = assert.rejects(view.monitor(), unknown)
  await peer.call.worker()
  skynet.shareData.delete('next')
  await Promise.all([ended, here])
  await skynet.kill(peer.handle)
})

// Proves: docs/sharing.md#share-race
check('new() and update() of one name from all workers at once leave one', async (skynet) => {
  const peers = await Promise.all([launch(skynet, 0), launch(skynet, 1)])
  for (let round = 0; round < 200; round++) {
    const updates = peers.map((peer, i) => peer.call.update('race', i))
    const removals = round % 3 === 0 ? [peers[1]!.call.remove('race').catch(() => {})] : []
    await Promise.all([...updates, ...removals])
    try {
      assert.ok([0, 1].includes(skynet.shareData.query<number>('race').value))
      skynet.shareData.delete('race')
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ERR_SHARE_UNKNOWN')
    }
    assert.throws(() => skynet.shareData.query('race'), unknown)
  }
  await Promise.all(peers.map((peer) => skynet.kill(peer.handle)))
})

// Proves: docs/sharing.md#share-refused
check('what cannot be shared is refused and named, and changes nothing', async (skynet) => {
  skynet.shareData.new('kept', 1)
  assert.throws(() => skynet.shareData.new('kept', 2), { code: 'ERR_SHARE_TAKEN' })
  const cases: [unknown, string, string][] = [
    [{ a: [{ m: new Map() }] }, 'value.a[0].m', 'Map'],
    [new Set(), 'value', 'Set'],
    [[Buffer.alloc(1)], 'value[0]', 'Buffer'],
    [{ at: new Date() }, 'value.at', 'Date'],
    [{ e: new Error('x') }, 'value.e', 'Error'],
  ]
  for (const [value, path, type] of cases) {
    const refused = { code: 'ERR_SHARE_MUTABLE', info: { path, type } }
    assert.throws(() => skynet.shareData.update('kept', value), refused)
  }
  const f = { code: 'ERR_MESSAGE_UNSUPPORTED', info: { path: 'value.f', type: 'function' } }
  assert.throws(() => skynet.shareData.update('kept', { f() {} }), f)
  assert.equal(skynet.shareData.query('kept').version, 1)
  const long = 'ß'.repeat(SHARED_NAME_BYTES_MAX / 2)
  skynet.shareData.new(long, 1)
  assert.throws(() => skynet.shareData.new(`${long}x`, 1), RangeError)
  for (const name of ['', 1, undefined] as string[]) {
    assert.throws(() => skynet.shareData.query(name), TypeError)
  }
  const loop: { self?: unknown } = {}
  loop.self = loop
  skynet.shareData.update('kept', loop)
  const view = skynet.shareData.query<{ self: unknown }>('kept')
  assert.equal(view.value.self, view.value)
  skynet.shareData.delete('kept')
  skynet.shareData.delete(long)
})

// Proves: docs/limits.md#shared-data
check('a node shares under SHARED_DATA_MAX names', async (skynet) => {
  const names = Array.from({ length: SHARED_DATA_MAX }, (_, i) => `name ${i}`)
  for (const name of names) skynet.shareData.new(name, name)
  assert.throws(() => skynet.shareData.new('one more', 1), { code: 'ERR_SHARE_LIMIT' })
  assert.equal(skynet.shareData.query(names.at(-1)!).value, names.at(-1))
  skynet.shareData.delete('name 7')
  skynet.shareData.new('one more', 1)
  for (const name of names) if (name !== 'name 7') skynet.shareData.delete(name)
  skynet.shareData.delete('one more')
})

// Proves: docs/sharing.md#share-monitor
check('a service that ends in monitor() leaves, and can share no more', async (skynet) => {
  skynet.shareData.new('left', 1)
  const peer = await launch(skynet, 1)
  const waiting = assert.rejects(peer.call.monitor('left'), { code: 'ERR_CALL_DEAD' })
  await peer.call.worker()
  await skynet.kill(peer.handle)
  await waiting
  skynet.shareData.update('left', 2)
  const ghost = await skynet.newService('./ghost.ts', { on: 'same' })
  const own = (globalThis as { ghost?: Skynet }).ghost!
  await skynet.kill(ghost.handle)
  const ended = { code: 'ERR_SERVICE_EXITED' }
  assert.throws(() => own.shareData.query('left'), ended)
  assert.throws(() => own.shareData.update('left', 3), ended)
  assert.throws(() => own.multicast.new(), ended)
  await until('it is as it was', () => skynet.shareData.query('left').value === 2)
  skynet.shareData.delete('left')
})
