/** Channels that several nodes have: who gets what is published, in which order; how they end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import type { ServiceRef } from 'skynet-ts'
import { CALM, startHubs } from '../support/cluster-hubs.ts'
import { until } from '../support/until.ts'

const NAMES = ['a', 'b', 'c'] as const
type Nodes = Awaited<ReturnType<typeof startHubs>>

/** A channel of `a` that all three have: what each calls it, and what it is called by all. */
async function shared({ hub }: Nodes) {
  const [id, address] = await hub('a').newChannel()
  const ids = { a: id, b: await hub('b').openChannel(address), c: 0 }
  // Who has it from another one has the same.
  ids.c = await hub('c').openChannel(await hub('b').shareChannel(ids.b))
  return { ids, address }
}

// Proves: docs/cluster.md#channels, #channel-order
test('what any node publishes comes to subscribers of all, once, in order', async (t) => {
  const nodes = await startHubs(t, { a: {}, b: {}, c: {} }, CALM)
  const { hub } = nodes
  const { ids, address } = await shared(nodes)
  assert.deepEqual(await hub('c').shareChannel(ids.c), address, 'it has one home')
  assert.equal(await hub('c').openChannel(address), ids.c, 'the same again')
  assert.equal(await hub('a').openChannel(address), ids.a, 'and at home the channel itself')
  await Promise.all(NAMES.map((name) => hub(name).publish(ids[name], name, 200)))
  for (const name of NAMES) {
    const heard = await until(`${name} has all`, async () => {
      const said = await hub(name).said(ids[name])
      return said.length >= 600 && said
    })
    assert.equal(heard.length, 600)
    for (const by of NAMES) {
      const numbers = heard.filter((each) => each.by === by).map(({ number }) => number)
      assert.deepEqual(numbers, [...Array(200).keys()], `${by} to ${name}`)
    }
    assert.equal(new Set(await hub(name).sources(ids[name])).size, 3, 'one source a publisher')
  }
  // Who is named in it is the same service on each node.
  await hub('b').publish(ids.b, 'b', 1, true)
  for (const name of NAMES) {
    const who = await until(`${name} has it`, async () => {
      return (await hub(name).said(ids[name]))[600]?.who as ServiceRef<{ self(): string }>
    })
    assert.equal(await who.call.self(), 'b')
  }
})

// Proves: docs/cluster.md#channel-ends
test('delete on any node ends it for all, behind what was published before', async (t) => {
  const nodes = await startHubs(t, { a: {}, b: {}, c: {} }, CALM)
  const { hub } = nodes
  for (const from of NAMES) {
    const { ids, address } = await shared(nodes)
    await hub(from).publish(ids[from], from, 50)
    await hub(from).deleteChannel(ids[from])
    for (const name of NAMES) {
      assert.equal(await hub(name).channelEnded(ids[name]), 'deleted')
      assert.equal((await hub(name).said(ids[name])).length, 50, `${from} to ${name}`)
    }
    const unknown = { code: 'ERR_CHANNEL_UNKNOWN' }
    await until('its home knows', async () => {
      const again = await hub('a')
        .openChannel(address)
        .catch((error) => error.code)
      return again === unknown.code
    })
    await assert.rejects(hub('b').openChannel(address), unknown)
    await assert.rejects(hub('c').publish(ids.c, 'c', 1), unknown)
  }
})

// Proves: docs/cluster.md#channel-ends
test('a channel ends with the node that made it, and with no other', async (t) => {
  const nodes = await startHubs(t, { a: {}, b: {}, c: {} }, CALM)
  const { hub, stop, restart } = nodes
  const [id, address] = await hub('b').newChannel()
  const own = await shared(nodes)
  const [onA, onC] = [await hub('a').openChannel(address), await hub('c').openChannel(address)]
  const ends = [hub('a').channelEnded(onA), hub('c').channelEnded(onC)]
  assert.ok(id > 0)
  await stop('b')
  assert.deepEqual(await Promise.all(ends), ['deleted', 'deleted'])
  await hub('c').publish(own.ids.c, 'c', 3)
  await until('a has it', async () => (await hub('a').said(own.ids.a)).length === 3)
  await assert.rejects(hub('a').openChannel(address), { code: 'ERR_NODE_UNKNOWN' })
  await restart('b')
  await until('b is back', async () => (await hub('a').nodes()).includes('b'))
  const { node, epoch } = address
  // The hub has run, which passes on what came to it.
  await assert.rejects(hub('a').openChannel(address), {
    code: 'ERR_NODE_LOST',
    info: { node, epoch, sent: 'maybe' },
  })
  // Another node of that name has what it opens itself.
  const again = await hub('b').openChannel(own.address)
  await hub('a').publish(own.ids.a, 'a', 2)
  await until('b has it', async () => (await hub('b').said(again)).length === 2)
})

// Proves: docs/cluster.md#channel-ends
test('when the worker of a cluster dies, what it has had open ends', async (t) => {
  // The threads in the order they are made: of each node the last one is that of the cluster.
  const threads: Worker[] = []
  const made = (thread: Worker): void => void threads.push(thread)
  process.on('worker', made)
  t.after(() => process.off('worker', made))
  const { hub } = await startHubs(t, { b: {}, a: {} })
  const [ofB, addressB] = await hub('b').newChannel()
  const [ofA, addressA] = await hub('a').newChannel()
  const [onA, onB] = [await hub('a').openChannel(addressB), await hub('b').openChannel(addressA)]
  await threads.at(-1)!.terminate()
  assert.equal(await hub('a').channelEnded(onA), 'deleted')
  assert.equal(await hub('b').channelEnded(onB), 'deleted')
  await assert.rejects(hub('a').publish(onA, 'a', 1), { code: 'ERR_CHANNEL_UNKNOWN' })
  // Those of their own nodes are there, and can be opened anew.
  const opened = await until('a is back', async () => {
    try {
      return await hub('b').openChannel(await hub('a').shareChannel(ofA))
    } catch {
      return undefined
    }
  })
  await hub('a').publish(ofA, 'a', 4)
  await until('b has it', async () => (await hub('b').said(opened)).length === 4)
  await hub('b').publish(ofB, 'b', 1)
})
