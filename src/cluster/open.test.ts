import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HANDLE_ID_MAX, STORE_KEY_BYTES_MAX } from '../base/limits.ts'
import type { ServiceRef } from '../service/ref.ts'
import { defineService } from '../skynet/define-service.ts'
import { Skynet } from '../skynet/skynet.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { unpack } from '../wire/unpack.ts'
import { MemoryCluster } from './border.kit.ts'
import { FENCED, fenced } from './fencing.ts'
import { PackedSlot } from './packed.ts'

type Far = ServiceRef<Record<string, (...args: unknown[]) => unknown>>

/** A service of `b` by that name, as `a` calls it by its name and by its number. */
async function named(name: string) {
  const cluster = new MemoryCluster()
  const a = await cluster.add('a')
  const b = await cluster.add('b')
  const did: string[] = []
  const method = (of: string) => () => void did.push(of)
  const methods = { launch: method('launch'), drain: method('drain'), load: method('load') }
  const service = await b.launch(defineService(() => methods))
  // Names of the node itself are not for services of users to take.
  Skynet.siteOf(b.skynet).names.register(name, service.handle)
  const refs = [name, service.handle & HANDLE_ID_MAX].map(
    (key) => a.skynet.ref(cluster.handle('a', 'b', key)) as Far,
  )
  return { cluster, a, b, service, did, refs }
}

// Proves: docs/cluster.md#own
test('another node does not call what is for services here, by name or by number', async () => {
  const { cluster, b, did, refs, service } = await named('.cluster')
  for (const ref of refs) {
    await assert.rejects(ref.call.launch!('file:///x.mjs', {}), { code: 'ERR_METHOD_UNKNOWN' })
    await assert.rejects(ref.call.drain!(), { code: 'ERR_METHOD_UNKNOWN' })
    ref.send.drain!()
    await ref.call.load!()
  }
  await cluster.settled()
  assert.deepEqual(did, ['load', 'load'])
  await b.skynet.call(service.handle, 'launch')
  assert.equal(did.at(-1), 'launch')
  await cluster[Symbol.asyncDispose]()
})

test('what keeps the unique services of a node is called by no other node', async () => {
  const { cluster, a, b } = await named('.there')
  const keeper = b.skynet.localName('.service')
  assert.ok(keeper !== undefined && keeper > 0)
  for (const key of ['.service', keeper & HANDLE_ID_MAX]) {
    const ref = a.skynet.ref(cluster.handle('a', 'b', key)) as Far
    const refused = { code: 'ERR_METHOD_UNKNOWN', message: /for other nodes/ }
    await assert.rejects(ref.call.launch!('file:///x.mjs', {}), refused)
  }
  await cluster[Symbol.asyncDispose]()
})

test('numbers that no service can have are of none', async () => {
  const { cluster, service, did } = await named('.there')
  const border = cluster.border('b')
  const peer = border.peer({ node: 'a', epoch: 7 })!
  const packer = new Packer()
  const length = packer.pack(['launch'])
  const id = service.handle & HANDLE_ID_MAX
  const before = peer.proxies.size
  const send = (to: number, source: number) => {
    const slot = new PackedSlot().set(PTYPE.LUA, to, source, 5, 0, packer.bytes, 0, length)
    border.deliver(peer, slot)
  }
  send(0x1000000 + id, 0)
  send(0xff000000 + id, 0)
  send(id, 0xff000001)
  await cluster.settled()
  assert.deepEqual([did, peer.proxies.size], [[], before])
  send(id, HANDLE_ID_MAX)
  await cluster.settled()
  assert.deepEqual([did, peer.proxies.size], [['launch'], before + 1])
  await cluster[Symbol.asyncDispose]()
})

test('who asks for a number of no service is told that nobody is there', async () => {
  const { cluster, service } = await named('.there')
  const told: unknown[] = []
  cluster.onPost = ({ type, bytes, at, length }, from) => {
    if (from === 'b' && type === PTYPE.ERROR) {
      told.push((unpack(bytes, at, length) as { code?: string }).code)
    }
    return undefined
  }
  const packer = new Packer()
  const length = packer.pack(['launch'])
  const to = 0x1000000 + (service.handle & HANDLE_ID_MAX)
  const border = cluster.border('b')
  const peer = border.peer({ node: 'a', epoch: 7 })!
  const slot = new PackedSlot()
  border.deliver(peer, slot.set(PTYPE.LUA, to, 1, 5, 0, packer.bytes, 0, length))
  await cluster.settled()
  assert.deepEqual(told, ['ERR_CALL_DEAD'])
  await cluster[Symbol.asyncDispose]()
})

test('a token that no owner can have is of none, and nobody remembers it', async () => {
  const cluster = new MemoryCluster()
  const seen: unknown[] = []
  cluster.owners = {
    ownerOf: () => undefined,
    accepts: (name, token) => seen.push([name.length, token]) > 0,
    current: () => undefined,
  }
  await cluster.add('a')
  await cluster.add('b')
  const border = cluster.border('b')
  const peer = border.peer({ node: 'a', epoch: 7 })!
  const packer = new Packer()
  const length = packer.pack(['launch'])
  const send = (name: string, era: number, revision: number) => {
    const whole = fenced({ name, token: [era, revision] }, packer.bytes, 0, length)
    const type = PTYPE.LUA | FENCED
    border.deliver(peer, new PackedSlot().set(type, 9, 77, 5, 0, whole, 0, whole.length))
  }
  send('x', Number.NaN, Number.NaN)
  send('x', 1e300, 1)
  send('x', 1, -1)
  send('x', 1, 1.5)
  send('x'.repeat(STORE_KEY_BYTES_MAX + 1), 1, 1)
  assert.deepEqual(seen, [])
  send('x'.repeat(STORE_KEY_BYTES_MAX), 1, 1)
  assert.deepEqual(seen, [[STORE_KEY_BYTES_MAX, [1, 1]]])
  await cluster.settled()
  await cluster[Symbol.asyncDispose]()
})
