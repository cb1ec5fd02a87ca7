import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CLUSTER_NAME_BYTES_MAX,
  HANDLE_ID_MAX,
  NAME_BYTES_MAX,
  PROXIES_NAMED_MAX,
} from '../base/limits.ts'
import type { ServiceRef } from '../service/ref.ts'
import { defineService } from '../skynet/define-service.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { ServiceId } from '../wire/service-id.ts'
import { MemoryCluster } from './border.kit.ts'
import { PackedSlot } from './packed.ts'

type Far = ServiceRef<Record<string, (...args: unknown[]) => unknown>>

/** A service that holds on to what it is told of, and ends when it is told to. */
const keeper = defineService((skynet) => {
  const kept: unknown[] = []
  return { keep: (what: unknown) => void kept.push(what), die: () => skynet.exit() }
})

/** Nodes `a`, `b` and `c`, a service on `b` by the name `.there`, as `a` calls it. */
async function trio() {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const c = await cluster.add('c')
  const service = await b.launch(keeper)
  b.skynet.name('.there', service.handle)
  const handle = cluster.handle('a', 'b', service.handle)
  const ref = a.skynet.ref(handle) as Far
  const sweep = async () => {
    for (const node of ['a', 'b', 'c']) cluster.border(node).sweep()
    await cluster.settled()
  }
  const proxies = (at: string, node: string, epoch: number) =>
    cluster.border(at).peer({ node, epoch })!.proxies
  return { cluster, a, b, c, service, handle, ref, sweep, proxies }
}

// Proves: docs/cluster.md#monitor
test('an end that does not leave, as the link is full, is told later, and how it was', async () => {
  const { cluster, a, b, service, handle, sweep } = await trio()
  const ending = a.skynet.monitor(handle)
  await cluster.settled()
  cluster.onPost = (_message, from) => (from === 'b' ? 'full' : undefined)
  await b.skynet.kill(service.handle)
  await cluster.settled()
  await sweep()
  assert.equal(a.skynet.isAlive(handle), true)
  cluster.onPost = undefined
  await sweep()
  assert.deepEqual(await ending, { handle, reason: 'kill' })
  assert.equal(a.skynet.isAlive(handle), false)
  await cluster[Symbol.asyncDispose]()
})

test('what a node has heard of is told to be gone once the link has room again', async () => {
  const { cluster, a, b, service, sweep, handle } = await trio()
  const ref = a.skynet.ref(handle) as Far
  await ref.call.keep!(1)
  const giver = await b.launch(defineService(() => ({ give: () => service })))
  await a.skynet.call(cluster.handle('a', 'b', giver.handle), 'give')
  cluster.onPost = (_message, from) => (from === 'b' ? 'full' : undefined)
  await b.skynet.kill(service.handle)
  await sweep()
  cluster.onPost = undefined
  assert.equal(a.skynet.isAlive(handle), true)
  await sweep()
  assert.equal(a.skynet.isAlive(handle), false)
  await cluster[Symbol.asyncDispose]()
})

for (const why of ['full', 'down'] as const) {
  test(`who waits by name while nothing leaves (${why}) is told of the end`, async () => {
    const { cluster, a, b, service, sweep } = await trio()
    const handle = cluster.handle('a', 'b', '.there')
    cluster.onPost = () => why
    const ending = a.skynet.monitor(handle)
    await cluster.settled()
    // As it is when a peer is silent: the link begins anew while nothing is taken.
    cluster.reset('a', 'b')
    cluster.onPost = undefined
    await sweep()
    await b.skynet.kill(service.handle)
    await cluster.settled()
    assert.deepEqual(await ending, { handle, reason: 'kill' })
    await cluster[Symbol.asyncDispose]()
  })
}

test('a peer that speaks again is told at once what it was not told', async () => {
  const { cluster, a, b, service } = await trio()
  const handle = cluster.handle('a', 'b', '.there')
  cluster.onPost = () => 'down'
  const ending = a.skynet.monitor(handle)
  await cluster.settled()
  cluster.onPost = undefined
  cluster.border('a').peerUp({ node: 'b', epoch: 8 })
  await cluster.settled()
  await b.skynet.kill(service.handle)
  await cluster.settled()
  assert.deepEqual(await ending, { handle, reason: 'kill' })
  await cluster[Symbol.asyncDispose]()
})

test('a watch that nobody wants any more is given up when the link has room again', async () => {
  const { cluster, a, sweep } = await trio()
  const stop = new AbortController()
  const handle = cluster.handle('a', 'b', '.there')
  const ending = a.skynet.monitor(handle, { signal: stop.signal })
  await cluster.settled()
  const { watches } = cluster.border('b').peer({ node: 'a', epoch: 7 })!
  assert.deepEqual([...watches.keys()], ['.there'])
  cluster.onPost = () => 'full'
  stop.abort()
  await assert.rejects(ending, { name: 'AbortError' })
  await cluster.settled()
  cluster.onPost = undefined
  await sweep()
  assert.deepEqual([...watches.keys()], [])
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#references
test('services that a third node has named give their handles back when they end', async () => {
  const { cluster, a, c, ref, sweep, proxies } = await trio()
  const fars = []
  for (let i = 0; i < 20; i++) {
    const far = await c.launch(keeper)
    fars.push(far)
    await ref.call.keep!(a.skynet.ref(cluster.handle('a', 'c', far.handle)) as Far)
    // Of half of them c has been told that b knows them when they end, of the others not.
    if (i === 10) await sweep()
  }
  assert.equal(proxies('b', 'c', 9).size, 20)
  for (const { handle } of fars) await c.skynet.kill(handle)
  await sweep()
  await sweep()
  assert.equal(proxies('b', 'c', 9).size, 0)
  await cluster[Symbol.asyncDispose]()
})

test('names of other nodes have a limit of their own, and services go on beyond it', async () => {
  const { cluster, a, ref } = await trio()
  const peer = cluster.border('b').peer({ node: 'a', epoch: 7 })!
  for (let i = 0; i < PROXIES_NAMED_MAX; i++) cluster.border('b').handleFor(peer, `.room${i}`)
  await ref.call.keep!(a.skynet.named('.room7'))
  const limit = {
    code: 'ERR_PROXY_LIMIT',
    info: { node: 'a', limit: PROXIES_NAMED_MAX, sent: 'no' },
  }
  await assert.rejects(ref.call.keep!(a.skynet.named('.more')), limit)
  await ref.call.keep!(a.skynet.ref(a.skynet.self))
  await cluster[Symbol.asyncDispose]()
})

test('a name, or a node, longer than there is one is no reference', async () => {
  const { cluster, service } = await trio()
  const border = cluster.border('b')
  const peer = border.peer({ node: 'a', epoch: 7 })!
  const packer = new Packer()
  const refused: number[] = []
  cluster.onPost = ({ type, session }) => {
    if (type === PTYPE.ERROR) refused.push(session)
    return undefined
  }
  const named = [
    `.${'x'.repeat(NAME_BYTES_MAX - 1)}`,
    `.${'x'.repeat(NAME_BYTES_MAX)}`,
    `c/9/.${'x'.repeat(NAME_BYTES_MAX)}`,
    `${'n'.repeat(CLUSTER_NAME_BYTES_MAX + 1)}/9/1a`,
  ]
  named.forEach((name, i) => {
    const length = packer.pack(['keep', new ServiceId(name)])
    const to = service.handle & HANDLE_ID_MAX
    const slot = new PackedSlot().set(PTYPE.LUA, to, 77, i + 1, 0, packer.bytes, 0, length)
    border.deliver(peer, slot)
  })
  await cluster.settled()
  assert.deepEqual(refused, [2, 3, 4])
  assert.deepEqual([...peer.proxies.keys()], [77, named[0]])
  await cluster[Symbol.asyncDispose]()
})
