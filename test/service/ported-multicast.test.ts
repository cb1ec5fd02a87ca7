/** Skynet's test/testmulticast.lua and testmulticast2.lua: what they print, as assertions. */
import assert from 'node:assert/strict'
import type listener from '../fixtures/listener.ts'
import { serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

// Proves: docs/skynet.md#testmulticast
serviceTest(
  import.meta.url,
  'testmulticast: each of 10 subscribers gets what is published once, and who published it',
  async (skynet) => {
    const channel = skynet.multicast.new<string>()
    const launch = () => skynet.newService<typeof listener>('./listener.ts', { args: [] })
    const subscribers = await Promise.all(Array.from({ length: 10 }, launch))
    for (const each of subscribers) await each.call.subscribe(channel.id)
    channel.publish('Hello World')
    for (const each of subscribers) {
      await until('it came', async () => (await each.call.count()) > 0)
      assert.deepEqual(await each.call.got(), ['Hello World'])
      assert.deepEqual(await each.call.sources(), [skynet.self])
    }
    channel.delete()
  },
)

// Proves: docs/skynet.md#testmulticast2
serviceTest(
  import.meta.url,
  'testmulticast2: a publisher that subscribes hears itself, and nothing after unsubscribe',
  async (skynet) => {
    const made = skynet.multicast.new<string>()
    const peer = await skynet.newService<typeof listener>('./listener.ts', { args: [made.id] })
    const channel = skynet.multicast.open<string>(made.id)
    const heard: string[] = []
    const subscription = channel.subscribe((message) => heard.push(message))
    channel.publish('Remote message')
    await until('it came', () => heard.length > 0)
    subscription.unsubscribe()
    channel.publish('Remote message2')
    channel.delete()
    await until('all came', async () => (await peer.call.count()) === 3)
    assert.deepEqual(await peer.call.got(), ['Remote message', 'Remote message2', 'deleted'])
    assert.deepEqual(heard, ['Remote message'])
  },
)
