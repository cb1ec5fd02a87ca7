/** Skynet's test/testdatacenter.lua: what it prints, as assertions. */
import assert from 'node:assert/strict'
import { serviceTest } from '../support/run.ts'

// Proves: docs/skynet.md#testdatacenter
serviceTest(
  import.meta.url,
  'testdatacenter: a wait returns at once, fails on a branch, and gets what is set later',
  async (skynet) => {
    const { datacenter } = skynet
    await datacenter.set('hello', 'world')
    assert.equal(await datacenter.get('hello'), 'world')
    assert.equal(await datacenter.wait('hello'), 'world')
    // Each waits before it is set: what one service asks for is handled in order.
    const branch = assert.rejects(datacenter.wait('key'), { code: 'ERR_DATACENTER_PATH' })
    await datacenter.set('key', 'other', 1)
    await branch
    const leaf = datacenter.wait('key', 'foobar')
    await datacenter.set('key', 'foobar', 'bingo')
    assert.equal(await leaf, 'bingo')
  },
)

// Proves: docs/skynet.md#testmulticast2
serviceTest(
  import.meta.url,
  'testmulticast2: a channel is found by the datacenter',
  async (skynet) => {
    const { datacenter, multicast } = skynet
    const made = multicast.new<string>()
    await datacenter.set('MCCHANNEL', made.id)
    const subscription = multicast.open<string>(await datacenter.wait('MCCHANNEL')).subscribe()
    made.publish('Remote message')
    assert.equal((await subscription.next()).value, 'Remote message')
    made.delete()
    assert.equal((await subscription.next()).done, true)
  },
)
