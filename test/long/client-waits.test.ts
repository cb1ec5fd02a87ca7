/** Clients of a testNode that wait for what never comes: that takes 10 s. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from 'skynet-ts'
import { FakeClock, testNode } from 'skynet-ts/testing'

// Proves: docs/testing.md#test-client-waits
test('a client that waits in vain gives up, and says what for', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  await using other = await testNode()
  await clock.advance(5)
  const frames = node.connection()[0].frames({ header: 'line' })
  const waits = [node.connection()[0].readLine(), other.connection()[0].read(3), frames.receive()]
  const texts = (await Promise.allSettled(waits)).map((each) => {
    const error: unknown = each.status === 'rejected' ? each.reason : undefined
    return isSkynetError(error, 'ERR_TEST_TIMEOUT') ? error.message : 'it has ended'
  })
  const late = 'within 10000 ms: nothing comes from the service'
  assert.deepEqual(texts, [
    `Cannot read a line ${late}, whose clock stands at 5 ms`,
    `Cannot read 3 bytes ${late}`,
    `Cannot receive a message ${late}, whose clock stands at 5 ms`,
  ])
  // Nothing was lost with it.
  assert.equal((await other.connection()[0].received()).length, 0)
})
