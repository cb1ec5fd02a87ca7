import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService } from '../skynet/define-service.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { testNode } from '../testing/test-node.ts'
import { HandCluster, LEASE_MS } from './core/cluster-node.kit.ts'
import { Drive, type DriveOptions } from './drive.ts'

const ignore = (): void => undefined

/** The cluster of node `b`, beside a node `a`, over a store in the hand of a test. */
async function beside() {
  const cluster = new HandCluster()
  const a = cluster.add('a')
  const clock = new FakeClock()
  const node = await testNode({ clock })
  const [transport, store] = [cluster.add('x').transport, cluster.store.client()]
  const uniques = { owned: ignore, changed: ignore, fenced: ignore, refused: ignore }
  const options = {
    node: 'b',
    build: '',
    leaseMs: LEASE_MS,
    transport,
    store,
    callTimeoutMs: 1000,
    onNodes: ignore,
    uniques: () => ({ ...uniques, acting: ignore, ownerOf: ignore }),
    children: () => ({ acting: ignore, overtaken: ignore }),
  } as unknown as DriveOptions
  let drive!: Drive
  await node.launch(
    defineService((skynet) => {
      drive = new Drive(skynet, options)
    }),
  )
  await node.settled()
  assert.ok(a.take().includes('b up'))
  return { cluster, a, clock, node, drive }
}

// Proves: docs/cluster.md#drain
test('a node that drains goes on once others can see it', async () => {
  const { cluster, a, drive, node } = await beside()
  cluster.store.late = []
  let isOver = false
  const drained = Promise.resolve(drive.drain()).then(() => {
    isOver = true
  })
  await node.settled()
  assert.deepEqual([isOver, a.take()], [false, []])
  cluster.store.arrive()
  await drained
  assert.deepEqual(a.take(), ['b draining'])
  await node.stop()
})

test('it waits for a store that does not answer for no more than a second', async () => {
  const { cluster, clock, drive, node } = await beside()
  cluster.store.isMute = true
  const drained = drive.drain()
  await clock.advance(1000)
  await drained
  await node.stop()
})
