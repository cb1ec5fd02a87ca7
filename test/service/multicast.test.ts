/** Channels: who gets what is published, in which order, and how it ends. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ServiceRef, Skynet } from 'skynet-ts'
import { MAILBOX_WARNING } from '../../src/base/limits.ts'
import type listener from '../fixtures/listener.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const PLACES = ['same', 1] as const

type Listener = Awaited<ReturnType<typeof launch>>
const launch = (skynet: Skynet, on: 'same' | number, id?: number) =>
  skynet.newService<typeof listener>('./listener.ts', { args: [id], on })

async function launchAll(skynet: Skynet, count: number, id: number): Promise<Listener[]> {
  const workers = [0, 1]
  const all = Array.from({ length: count }, (_, i) => launch(skynet, workers[i % 2]!, id))
  return Promise.all(all)
}

const killAll = (skynet: Skynet, peers: readonly ServiceRef[]) =>
  Promise.all(peers.map((peer) => skynet.kill(peer.handle)))

// Proves: docs/sharing.md#publish
check('publish() brings every kind of value to subscribers on every worker', async (skynet) => {
  const channel = skynet.multicast.new()
  const own: unknown[] = []
  channel.subscribe((message) => own.push(message))
  const peers = await launchAll(skynet, 2, channel.id)
  assert.deepEqual(await Promise.all(peers.map((peer) => peer.call.worker())), [0, 1])
  const shared = { n: 1 }
  const values: unknown[] = [
    -0,
    '界',
    null,
    undefined,
    [shared, shared],
    new Map([[1, new Date(0)]]),
  ]
  values.push(new TypeError('x'), Buffer.alloc(300_000, 7), 'x'.repeat(100_000))
  for (const value of values) channel.publish(value)
  await until('all came', () => own.length === values.length)
  for (const peer of peers) {
    await until('all came', async () => (await peer.call.count()) === values.length)
    assert.deepEqual(await peer.call.got(), values)
    assert.deepEqual(await peer.call.sources(), [skynet.self])
  }
  assert.deepEqual(own, values)
  channel.delete()
  await killAll(skynet, peers)
})

// Proves: docs/sharing.md#publish
check('publish() gives each subscription a value of its own', async (skynet) => {
  const channel = skynet.multicast.new<{ list: number[]; bytes: Buffer }>()
  const got: { list: number[]; bytes: Buffer }[] = []
  channel.subscribe((message) => got.push(message))
  channel.subscribe((message) => got.push(message))
  const sent = { list: [1], bytes: Buffer.from('x') }
  channel.publish(sent)
  sent.list.push(2)
  await until('both came', () => got.length === 2)
  got[0]!.list.push(3)
  got[0]!.bytes[0] = 0
  assert.deepEqual(got[1], { list: [1], bytes: Buffer.from('x') })
  channel.delete()
})

// Proves: docs/sharing.md#publish
check('publish() reaches 1,000 subscribers on two workers, once and in order', async (skynet) => {
  const channel = skynet.multicast.new()
  const peers = await launchAll(skynet, 1000, channel.id)
  const publishers = await Promise.all([launch(skynet, 0), launch(skynet, 1)])
  const count = 20
  await Promise.all(publishers.map((each, i) => each.call.publish(channel.id, `${i}`, count, true)))
  for (const peer of peers) {
    await until('all came', async () => (await peer.call.count()) >= 2 * count)
    const got = (await peer.call.got()) as [string, number][]
    for (const name of ['0', '1']) {
      const order = got.filter(([from]) => from === name).map(([, i]) => i)
      assert.deepEqual(order, [...Array(count).keys()])
    }
  }
  channel.delete()
  await killAll(skynet, [...peers, ...publishers])
})

// Proves: docs/semantics.md#publish-order
check('what one service publishes and sends arrives in that order', async (skynet) => {
  const channel = skynet.multicast.new()
  for (const from of PLACES) {
    for (const on of PLACES) {
      const publisher = await launch(skynet, from)
      const peer = await launch(skynet, on, channel.id)
      await publisher.call.mix(channel.id, peer.handle)
      await until('all came', async () => (await peer.call.count()) === 3)
      assert.deepEqual(await peer.call.got(), ['published', 'sent', 'published again'])
      await killAll(skynet, [publisher, peer])
    }
  }
  channel.delete()
})

// Proves: docs/sharing.md#publish-death
check('what a publisher published before it was killed arrives', async (skynet) => {
  const channel = skynet.multicast.new()
  for (const on of PLACES) {
    const peers = await launchAll(skynet, 4, channel.id)
    const publisher = await launch(skynet, on)
    publisher.send.publish(channel.id, 'x', 100_000, true)
    await until('it has begun', async () => (await peers[0]!.call.count()) > 0)
    await skynet.kill(publisher.handle)
    const whole = await Promise.all(
      peers.map(async (peer) => {
        const got = (await peer.call.got()) as [string, number][]
        got.forEach(([, i], at) => {
          assert.equal(i, at, 'no gap')
        })
        return got.length
      }),
    )
    assert.ok(whole[0]! > 0 && new Set(whole).size === 1, `all got the same: ${whole}`)
    await killAll(skynet, peers)
  }
  channel.delete()
})

// Proves: docs/sharing.md#publish-death
check('a subscriber that is killed leaves its channel, the others go on', async (skynet) => {
  const channel = skynet.multicast.new()
  const peers = await launchAll(skynet, 20, channel.id)
  const publisher = await launch(skynet, 1)
  const published = publisher.call.publish(channel.id, 'x', 2000, true)
  for (const victim of peers.splice(0, 16)) await skynet.kill(victim.handle)
  await published
  for (const peer of peers) {
    await until('all came', async () => (await peer.call.count()) === 2000)
  }
  await killAll(skynet, peers)
  channel.publish('nobody hears this')
  channel.delete()
  await skynet.kill(publisher.handle)
})

// Proves: docs/sharing.md#channel-delete
check('delete() ends every subscription after what was published before', async (skynet) => {
  for (const on of PLACES) {
    const maker = await launch(skynet, on)
    const id = await maker.call.make()
    const channel = skynet.multicast.open(id)
    const peers = await launchAll(skynet, 4, id)
    const loops = peers.map((peer) => peer.call.collect(id))
    await Promise.all(peers.map((peer) => peer.call.worker()))
    channel.publish(1)
    channel.publish(2)
    channel.delete()
    for (const peer of peers) {
      await until('it was told', async () => (await peer.call.count()) === 3)
      assert.deepEqual(await peer.call.got(), [1, 2, 'deleted'])
    }
    assert.deepEqual(await Promise.all(loops), Array(4).fill([1, 2]))
    await killAll(skynet, [...peers, maker])
  }
})

// Proves: docs/sharing.md#channel-delete
check(
  'delete() leaves what came before to its own subscribers, until unsubscribe()',
  async (skynet) => {
    const channel = skynet.multicast.new<number>()
    const [kept, left]: [number[], number[]] = [[], []]
    const first = channel.subscribe((message) => kept.push(message))
    const second = channel.subscribe((message) => left.push(message))
    channel.publish(1)
    channel.delete()
    assert.deepEqual(kept, [], 'not yet')
    second.unsubscribe()
    assert.equal(await first.ended, 'deleted')
    assert.equal(await second.ended, 'unsubscribed')
    assert.deepEqual([kept, left], [[1], []])
  },
)

// Proves: docs/sharing.md#channel-delete
check('delete() while others publish and subscribe ends it for all of them', async (skynet) => {
  for (let round = 0; round < 20; round++) {
    const channel = skynet.multicast.new()
    const publishers = await Promise.all([launch(skynet, 0), launch(skynet, 1)])
    const listeners = await launchAll(skynet, 4, channel.id)
    const late = await launchAll(skynet, 2, channel.id).then((all) => {
      const unknown = { code: 'ERR_CHANNEL_UNKNOWN' }
      const publishing = publishers.map((each) =>
        assert.rejects(each.call.publish(channel.id, 'x', 1e9, true), unknown),
      )
      return { all, publishing }
    })
    await skynet.sleep(round / 4)
    const joining = late.all.map((each) => each.call.collect(channel.id).catch((e: Error) => e))
    channel.delete()
    await Promise.all(late.publishing)
    for (const outcome of await Promise.all(joining)) {
      assert.ok(Array.isArray(outcome) || (outcome as { code?: string }).code !== undefined)
    }
    for (const peer of listeners) {
      await until('it was told', async () => (await peer.call.got()).includes('deleted'))
    }
    await killAll(skynet, [...publishers, ...listeners, ...late.all])
  }
})

// Proves: docs/sharing.md#from-now-on
check('subscribe() brings nothing that was published before, though it waits', async (skynet) => {
  const channel = skynet.multicast.new<number>()
  const got: string[] = []
  const take = (who: string) => (message: number) => got.push(`${who} ${message}`)
  // All this happens before the mailbox has its turn.
  const first = channel.subscribe(take('first'))
  channel.publish(1)
  channel.subscribe(take('second'))
  channel.publish(2)
  first.unsubscribe()
  channel.subscribe(take('third'))
  const loop = channel.subscribe()
  channel.publish(3)
  await until('all came', () => got.includes('third 3'))
  assert.deepEqual(got, ['second 2', 'second 3', 'third 3'])
  assert.equal((await loop.next()).value, 3)
  loop.unsubscribe()
  channel.delete()
})

// Proves: docs/sharing.md#unsubscribe
check('unsubscribe() drops what is on its way; subscribing again begins anew', async (skynet) => {
  const channel = skynet.multicast.new<number>()
  const got: unknown[] = []
  const first = channel.subscribe((message) => got.push(message))
  channel.publish(1)
  first.unsubscribe()
  first.unsubscribe()
  assert.equal(await first.ended, 'unsubscribed')
  channel.publish(2)
  {
    using second = channel.subscribe((message) => got.push(message))
    channel.publish(3)
    await until('it came', () => got.length > 0)
    assert.equal(second.isOver, false)
  }
  channel.publish(4)
  await skynet.sleep(5)
  assert.deepEqual(got, [3])
  channel.delete()
})

// Proves: docs/sharing.md#subscription-loop
check('a subscription without callback is taken in a loop, also by several', async (skynet) => {
  const channel = skynet.multicast.new<number>()
  const subscription = channel.subscribe()
  channel.publish(1)
  channel.publish(2)
  const taken: number[] = []
  for await (const message of subscription) {
    taken.push(message)
    if (taken.length === 2) break
  }
  assert.deepEqual(taken, [1, 2])
  assert.equal(await subscription.ended, 'unsubscribed', 'leaving the loop ends it')
  assert.deepEqual(await subscription.next(), { value: undefined, done: true })
  const shared = channel.subscribe()
  const takers = [shared.next(), shared.next(), shared.next()]
  channel.publish(5)
  channel.publish(6)
  channel.delete()
  const results = await Promise.all(takers)
  assert.deepEqual(
    results.map(({ value }) => value),
    [5, 6, undefined],
  )
})

// Proves: docs/sharing.md#subscriber-throws
check('what a subscriber throws is logged, and the next message comes', async (skynet) => {
  const channel = skynet.multicast.new<string>()
  const got: string[] = []
  channel.subscribe((message) => {
    if (message === 'odd') throw new Error('thrown by a subscriber')
    got.push(message)
  })
  channel.publish('odd')
  channel.publish('plain')
  await until('it came', () => got.length === 1)
  const log = () => readFileSync(String(skynet.getenv('logger')), 'utf8')
  await until('it is logged', () => /error: subscriber: Error: thrown by a sub/.test(log()))
  channel.delete()
})

// Proves: docs/sharing.md#channel-unknown
check('channels that are gone or unknown, and what cannot be sent, are refused', async (skynet) => {
  const unknown = { code: 'ERR_CHANNEL_UNKNOWN' }
  for (const id of [0, 1.5, -1, 1e15, Number.NaN]) {
    assert.throws(() => skynet.multicast.open(id), unknown, String(id))
  }
  const channel = skynet.multicast.new()
  const peer = await launch(skynet, 1, channel.id)
  assert.throws(() => channel.publish({ f() {} }), { code: 'ERR_MESSAGE_UNSUPPORTED' })
  assert.throws(() => channel.subscribe('x' as never), TypeError)
  channel.publish('fine')
  await until('it came', async () => (await peer.call.count()) === 1)
  channel.delete()
  assert.throws(() => channel.publish(1), unknown)
  assert.throws(() => channel.subscribe(), unknown)
  assert.throws(() => channel.delete(), unknown)
  await assert.rejects(peer.call.publishOnly(channel.id, 1), unknown)
  await skynet.kill(peer.handle)
})

// Proves: docs/limits.md#subscription
check('a subscription that nobody takes from is reported like a mailbox', async (skynet) => {
  const log = () => readFileSync(String(skynet.getenv('logger')), 'utf8')
  const channel = skynet.multicast.new<number>()
  const peer = await launch(skynet, 1)
  const subscription = channel.subscribe()
  await peer.call.publish(channel.id, 'x', MAILBOX_WARNING, true)
  await skynet.sleep(5)
  assert.doesNotMatch(log(), /subscription queue length/)
  await peer.call.publish(channel.id, 'x', MAILBOX_WARNING + 1, true)
  const lengths = [MAILBOX_WARNING + 1, 2 * MAILBOX_WARNING + 1]
  for (const length of lengths) {
    await until('it is told', () => log().includes(`subscription queue length = ${length}\n`))
  }
  assert.equal((await subscription.next()).done, false)
  channel.delete()
  await skynet.kill(peer.handle)
})
