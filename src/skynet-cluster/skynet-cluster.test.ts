/** A service that asks other nodes, in the testing kit: time and network are the test's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService } from '../skynet/define-service.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { testNode } from '../testing/test-node.ts'
import { skynetCluster } from './make.ts'

const db = defineService((skynet) => ({
  get: (key: string) => `value of ${key}`,
  slow: () => skynet.sleep(60_000),
}))

const asker = defineService((skynet, port: number) => {
  const cluster = skynetCluster(skynet, { nodes: { db: `127.0.0.1:${port}` } })
  return {
    get: (key: string) => cluster.ref<typeof db>('db', '@db').call.get(key),
    slow: () => cluster.call('db', '@db', 'slow'),
  }
})

// Proves: docs/skynet-cluster.md#kit
test('a cluster works on the network and the clock of a test', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const cluster = skynetCluster(node.skynet)
  const place = await cluster.open(0)
  const { handle } = await node.launch(db)
  await cluster.register('db', handle)
  const service = await node.launch(asker, { args: [place.port] })
  assert.equal(await service.call.get('hp'), 'value of hp')
  const slow = service.call.slow()
  const late = assert.rejects(slow, { code: 'ERR_SKYNETCLUSTER_TIMEOUT' })
  await clock.advance(10_000)
  await late
})
