/** The datacenter: values by path, and who waits for them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Skynet } from 'skynet-ts'
import { resolveConfig, startNode } from 'skynet-ts/node'
import type datacenterd from '../../src/services/datacenterd.ts'
import type dataUser from '../fixtures/data-user.ts'
import { type Body, serviceTest, test } from '../support/run.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const launch = (skynet: Skynet, on: number) =>
  skynet.newService<typeof dataUser>('./data-user.ts', { on })
const blocked = { code: 'ERR_DATACENTER_PATH' }
const daemonOf = (skynet: Skynet) =>
  skynet.queryService<typeof datacenterd>('datacenterd', { timeoutMs: 60_000 })

// Proves: docs/sharing.md#datacenter-one
check('the datacenter is launched once by all who use it first, on any worker', async (skynet) => {
  const peers = await Promise.all([0, 1, 0, 1].map((on) => launch(skynet, on)))
  await Promise.all(peers.map((peer, i) => peer.call.set(['first', i], i)))
  assert.deepEqual(await skynet.datacenter.get('first'), { 0: 0, 1: 1, 2: 2, 3: 3 })
  await Promise.all(peers.map((peer) => skynet.kill(peer.handle)))
})

// Proves: docs/sharing.md#datacenter-copy
check('set() returns what was there, get() gives values and branches as copies', async (skynet) => {
  const { datacenter } = skynet
  assert.equal(await datacenter.set('a', 'b', 1), undefined)
  assert.equal(await datacenter.set<number>('a', 'b', 2), 1)
  assert.equal(await datacenter.get('a', 'b'), 2)
  assert.deepEqual(await datacenter.set('a', { list: ['x', { deep: true }] }), { b: 2 })
  assert.equal(await datacenter.get('a', 'list', 1, 'deep'), true)
  assert.equal(await datacenter.get('a', 'b'), undefined)
  await datacenter.set('a', 'list', 1, 'more', new Map([[1, 2]]))
  assert.deepEqual(await datacenter.get('a'), {
    list: ['x', { deep: true, more: new Map([[1, 2]]) }],
  })
  const copy = (await datacenter.get('a')) as { list: unknown[] }
  copy.list.push('mine')
  assert.equal(((await datacenter.get('a', 'list')) as unknown[]).length, 2)
  assert.deepEqual(await datacenter.set('a', 'list', undefined), copy.list.slice(0, 2))
  assert.deepEqual(await datacenter.get('a'), {})
  assert.equal(await datacenter.set('never', 'there', undefined), undefined)
  assert.equal(await datacenter.get('never'), undefined, 'removing makes no branch')
  assert.equal(await datacenter.get('toString'), undefined)
  await datacenter.set('__proto__', 'x', 1)
  assert.equal(await datacenter.get('__proto__', 'x'), 1)
  assert.equal(await datacenter.get('x'), undefined)
})

// Proves: docs/sharing.md#datacenter-wait
check('wait() gives what is there at once, and else what is set, on any worker', async (skynet) => {
  const { datacenter } = skynet
  await datacenter.set('there', { now: 1 })
  assert.deepEqual(await datacenter.wait('there'), { now: 1 })
  const peers = await Promise.all([0, 1].map((on) => launch(skynet, on)))
  const waiting = peers.map((peer) => peer.call.waitMany(500, 'later', 'value'))
  const own = datacenter.wait('later', 'value')
  await Promise.all(peers.map((peer) => peer.call.ping()))
  await datacenter.set('later', 'value', ['done'])
  assert.deepEqual(await own, ['done'])
  for (const got of await Promise.all(waiting)) assert.deepEqual(got, Array(500).fill(['done']))
  await datacenter.set('later', 'value', 'again')
  assert.equal(await datacenter.wait('later', 'value'), 'again')
  await Promise.all(peers.map((peer) => skynet.kill(peer.handle)))
})

// Proves: docs/sharing.md#datacenter-wait
check(
  'wait() for a branch that is there gives it; one below a waiter does not come',
  async (skynet) => {
    const { datacenter } = skynet
    await datacenter.set('w', 'part', 1)
    assert.deepEqual(await datacenter.wait('w'), { part: 1 })
    const none = datacenter.wait('v', 'part')
    await assert.rejects(datacenter.wait('v'), blocked)
    await datacenter.set('v', 'part', 2)
    assert.equal(await none, 2)
    await Promise.all(['v', 'w'].map((key) => datacenter.set(key, undefined)))
  },
)

// Proves: docs/sharing.md#datacenter-wait
check('wait() is woken by a branch that brings its part, others go on waiting', async (skynet) => {
  const { datacenter } = skynet
  const part = datacenter.wait('whole', 'part', 'x')
  const rest = datacenter.wait('whole', 'rest')
  await datacenter.set('whole', { part: { x: 1 } })
  assert.equal(await part, 1)
  await datacenter.set('whole', 'rest', 2)
  assert.equal(await rest, 2)
})

// Proves: docs/sharing.md#datacenter-path
check('what is a value for one and a branch for another is refused', async (skynet) => {
  const { datacenter } = skynet
  const above = assert.rejects(datacenter.wait('key'), blocked)
  await assert.rejects(datacenter.wait('key', 'below'), blocked)
  await datacenter.set('key', 'foobar', 'bingo')
  await above
  const below = datacenter.wait('branch', 'leaf')
  await assert.rejects(datacenter.wait('branch'), blocked)
  await datacenter.set('branch', 'leaf', 1)
  assert.equal(await below, 1)
  await assert.rejects(datacenter.get('branch', 'leaf', 'x'), blocked)
  await assert.rejects(datacenter.set('branch', 'leaf', 'x', 1), blocked)
  await assert.rejects(datacenter.wait('branch', 'leaf', 'x'), blocked)
  assert.deepEqual(await datacenter.get('branch'), { leaf: 1 }, 'nothing has changed')
  for (const odd of [[], [undefined], ['a', null], [{}], [Symbol('x')]]) {
    await assert.rejects(datacenter.get(...(odd as unknown as [string])), TypeError)
  }
  await assert.rejects(
    datacenter.set('f', () => {}),
    { code: 'ERR_MESSAGE_UNSUPPORTED' },
  )
})

// Proves: docs/sharing.md#datacenter-gives-up
check('wait() ends in time and with its signal, and leaves nothing behind', async (skynet) => {
  const { datacenter } = skynet
  const late = { code: 'ERR_CALL_TIMEOUT' }
  await assert.rejects(datacenter.with({ timeoutMs: 5 }).wait('no', 'thing'), late)
  const controller = new AbortController()
  const aborted = datacenter.with({ signal: controller.signal }).wait('no', 'thing')
  await assert.rejects(datacenter.wait('no'), blocked, 'somebody waits below')
  controller.abort()
  await assert.rejects(aborted, { code: 'ABORT_ERR' })
  await assert.rejects(datacenter.with({ signal: controller.signal }).wait('no'), {
    code: 'ABORT_ERR',
  })
  const value = datacenter.wait('no')
  await datacenter.set('no', 'longer a branch')
  assert.equal(await value, 'longer a branch')
})

// Proves: docs/sharing.md#datacenter-gives-up
check('a waiter that is killed is in the way of nobody', async (skynet) => {
  const { datacenter } = skynet
  for (const on of [0, 1]) {
    const victims = await Promise.all(Array.from({ length: 100 }, () => launch(skynet, on)))
    await Promise.all(victims.map((each) => each.call.get('way')))
    const waits = victims.map((each) =>
      assert.rejects(each.call.wait(`way ${on}`), { code: 'ERR_CALL_DEAD' }),
    )
    // Behind the wait of each, in order: so it is there now.
    await Promise.all(victims.map((each) => each.call.get('way')))
    await Promise.all(victims.map((each) => skynet.kill(each.handle)))
    await Promise.all(waits)
    const below = datacenter.wait(`way ${on}`, 'below')
    await datacenter.set(`way ${on}`, 'below', on)
    assert.equal(await below, on)
  }
})

// Proves: docs/sharing.md#datacenter-ends
check(
  'waiters are told when the datacenter is killed; the next use begins anew',
  async (skynet) => {
    const { datacenter } = skynet
    await datacenter.set('old', 1)
    const daemon = await daemonOf(skynet)
    const waiting = assert.rejects(datacenter.wait('nothing'), { code: 'ERR_CALL_DEAD' })
    await datacenter.get('old')
    await skynet.kill(daemon.handle)
    await waiting
    assert.equal(await datacenter.get('old'), undefined)
    assert.notEqual((await daemonOf(skynet)).handle, daemon.handle)
  },
)

// Proves: docs/node.md#stop-last
test('a node does not go on for a datacenter that nobody is left to use', async () => {
  const start = join(import.meta.dirname, '../fixtures/ender.ts')
  const given = { thread: 2, start, args: ['exit after a set'], logger: '/dev/null' }
  const node = await startNode(resolveConfig(given, '/'))
  assert.equal(await node.exited, 0)
})
