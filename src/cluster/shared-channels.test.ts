import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Skynet } from '../skynet/skynet.ts'
import type { TestNode } from '../testing/test-node.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { MemoryCluster } from './border.kit.ts'
import { PackedSlot } from './packed.ts'

/** A channel that `a` has made, and `b` has opened, both with a subscriber. */
async function pair() {
  const cluster = new MemoryCluster()
  const nodes = { a: await cluster.add('a'), b: await cluster.add('b') }
  const { id } = nodes.a.skynet.multicast.new()
  const peerOf = (at: 'a' | 'b') => {
    const found = cluster
      .border(at)
      .peer({ node: at === 'a' ? 'b' : 'a', epoch: at === 'a' ? 8 : 7 })
    return found!
  }
  const mirror = cluster.border('b').channels.open(peerOf('b'), id)
  const at = { a: listen(nodes.a, id), b: listen(nodes.b, mirror) }
  await cluster.settled()
  const has = (node: 'a' | 'b', channel: number): boolean =>
    Skynet.siteOf(nodes[node].skynet).multicast.channels.has(channel)
  return { cluster, ...nodes, id, mirror, at, peerOf, has }
}

function listen({ skynet }: TestNode, id: number) {
  const channel = skynet.multicast.open<unknown>(id)
  const said: unknown[] = []
  const subscription = channel.subscribe((message) => said.push(message))
  return { channel, said, ended: subscription.ended }
}

const publication = (bytes: Buffer): PackedSlot =>
  new PackedSlot().set(PTYPE.MULTICAST, 0, 0, 0, 0, bytes, 0, bytes.length)

// Proves: docs/cluster.md#channels
test('what either side publishes comes to both, once, in order with what it sends', async () => {
  const { cluster, a, b, at } = await pair()
  at.a.channel.publish(1)
  at.b.channel.publish(2)
  await cluster.settled()
  assert.deepEqual(
    [at.a.said, at.b.said],
    [
      [1, 2],
      [2, 1],
    ],
  )
  const order: unknown[] = []
  cluster.onPost = ({ type }) => {
    order.push(type)
    return undefined
  }
  const there = cluster.handle('b', 'a', a.skynet.self)
  b.skynet.send(there, 'one')
  at.b.channel.publish(3)
  b.skynet.send(there, 'two')
  assert.deepEqual(order, [PTYPE.LUA, PTYPE.MULTICAST, PTYPE.LUA])
  await cluster[Symbol.asyncDispose]()
})

test('what is published when a link is reset is lost, and what comes after is not', async () => {
  const { cluster, at } = await pair()
  at.a.channel.publish('lost')
  at.b.channel.publish('lost too')
  cluster.reset('a', 'b')
  at.a.channel.publish('a')
  at.b.channel.publish('b')
  await cluster.settled()
  assert.deepEqual([...at.a.said].sort(), ['a', 'b', 'lost'])
  assert.deepEqual([...at.b.said].sort(), ['a', 'b', 'lost too'])
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#channel-ends
test('an end that was lost with a link is told again, whoever has deleted it', async () => {
  for (const who of ['a', 'b'] as const) {
    const { cluster, id, mirror, at, peerOf, has } = await pair()
    at[who].channel.delete()
    cluster.reset('a', 'b')
    await cluster.settled()
    assert.deepEqual([await at.a.ended, await at.b.ended], ['deleted', 'deleted'])
    assert.deepEqual([has('a', id), has('b', mirror)], [false, false])
    assert.equal(peerOf('b').channels!.size, 0)
    const { channels } = cluster.border('b')
    await cluster.settled()
    // A channel that is not there any more: a mirror of it does not stay.
    channels.open(peerOf('b'), id)
    await cluster.settled()
    assert.equal(channels.mirrorOf(peerOf('b'), id), undefined)
    await cluster[Symbol.asyncDispose]()
  }
})

// Proves: docs/cluster.md#channel-ends
test('what a full link does not take of opening and ending is said again', async () => {
  const { cluster, a, b, id, mirror, at, peerOf } = await pair()
  const { id: later } = a.skynet.multicast.new()
  const { channels } = cluster.border('b')
  cluster.onPost = ({ type }) => (type === PTYPE.SYSTEM ? 'full' : undefined)
  const opened = channels.open(peerOf('b'), later)
  at.b.channel.delete()
  await cluster.settled()
  const isThere = (): boolean => Skynet.siteOf(a.skynet).multicast.channels.has(id)
  assert.equal(isThere(), true, 'its home has not heard')
  cluster.border('b').sweep()
  cluster.onPost = undefined
  cluster.border('b').sweep()
  await cluster.settled()
  assert.equal(isThere(), false)
  const { said, ended } = listen(b, opened)
  a.skynet.multicast.open(later).publish(1)
  await cluster.settled()
  assert.deepEqual(said, [1])
  // The other way round: a mirror whose end was not told.
  cluster.onPost = ({ type }) => (type === PTYPE.SYSTEM ? 'full' : undefined)
  a.skynet.multicast.open(later).delete()
  cluster.border('a').sweep()
  cluster.onPost = undefined
  cluster.border('a').sweep()
  await cluster.settled()
  assert.equal(await ended, 'deleted')
  assert.ok(mirror > 0 && peerOf('b').channels!.size === 0)
  assert.equal(peerOf('a').untoldEnds, undefined)
  await cluster[Symbol.asyncDispose]()
})

test('a channel that was opened when a link was reset is opened all the same', async () => {
  const { cluster, a, b, peerOf } = await pair()
  const { id } = a.skynet.multicast.new()
  const mirror = cluster.border('b').channels.open(peerOf('b'), id)
  cluster.reset('a', 'b')
  await cluster.settled()
  const { said } = listen(b, mirror)
  a.skynet.multicast.open(id).publish('x')
  await cluster.settled()
  assert.deepEqual(said, ['x'])
  await cluster[Symbol.asyncDispose]()
})

test('who has closed a channel gets nothing of it, and its home passes nothing on', async () => {
  const { cluster, id, at, peerOf } = await pair()
  cluster.border('b').channels.close(peerOf('b'), id)
  assert.equal(await at.b.ended, 'deleted')
  await cluster.settled()
  let posted = 0
  cluster.onPost = () => {
    posted++
    return undefined
  }
  at.a.channel.publish(1)
  await cluster.settled()
  assert.deepEqual([at.a.said, posted], [[1], 0])
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#channel-ends
test('with its home every mirror ends; a node that is down is sent nothing', async () => {
  const { cluster, mirror, at, has } = await pair()
  await cluster.kill('a')
  assert.equal(await at.b.ended, 'deleted')
  assert.equal(has('b', mirror), false)
  await cluster[Symbol.asyncDispose]()
  const other = await pair()
  await other.cluster.kill('b')
  let posted = 0
  other.cluster.onPost = () => {
    posted++
    return undefined
  }
  other.at.a.channel.publish(1)
  await other.cluster.settled()
  assert.deepEqual([other.at.a.said, posted], [[1], 0])
  await other.cluster[Symbol.asyncDispose]()
})

test('a node at another epoch opens again what it has, and is told of nothing before', async () => {
  const { cluster, at } = await pair()
  const words: string[] = []
  let publications = 0
  cluster.onPost = ({ type, bytes, at: from, length }) => {
    if (type === PTYPE.SYSTEM) words.push(String(bytes.subarray(from, from + length)))
    else if (type === PTYPE.MULTICAST) publications++
    return undefined
  }
  cluster.border('b').joinedAgain()
  assert.match(words.join('\n'), /channels/)
  cluster.border('a').joinedAgain()
  at.a.channel.publish(1)
  assert.equal(publications, 0, 'nobody has it now')
  await cluster[Symbol.asyncDispose]()
})

test('mirrors that nobody feeds any more are ended when a border begins', async () => {
  const { cluster, b, mirror, at, has } = await pair()
  const { channels } = Skynet.siteOf(b.skynet).multicast
  assert.deepEqual(channels.mirrors(), [mirror])
  cluster.border('b').channels.endMirrors()
  assert.equal(await at.b.ended, 'deleted')
  assert.deepEqual([has('b', mirror), channels.mirrors()], [false, []])
  await cluster[Symbol.asyncDispose]()
})

// Proves: docs/cluster.md#channels
test('a publication that is none is refused before a subscriber sees it', async () => {
  const { cluster, a, id, at, peerOf } = await pair()
  const packer = new Packer()
  const size = packer.pack(['fine'])
  const front = Buffer.alloc(9)
  front[0] = 1
  front.writeDoubleLE(id, 1)
  const whole = Buffer.concat([front, packer.bytes.subarray(0, size)])
  const border = cluster.border('a')
  for (let end = 0; end < whole.length; end++) {
    border.deliver(peerOf('a'), publication(Buffer.from(whole.subarray(0, end))))
  }
  const odd = [Number.NaN, -1, 0, 0.5, id + 65_536, 1e300]
  for (const number of odd) {
    const other = Buffer.from(whole)
    other.writeDoubleLE(number, 1)
    border.deliver(peerOf('a'), publication(other))
  }
  await cluster.settled()
  assert.deepEqual(at.a.said, [])
  border.deliver(peerOf('a'), publication(whole))
  await cluster.settled()
  assert.deepEqual(at.a.said, [['fine']])
  // Once, and within the next second how many more there were: see Repeats.
  assert.equal(a.log.all.filter(({ text }) => /message of node b/.test(text)).length, 1)
  await cluster[Symbol.asyncDispose]()
})
