/** Nodes that are killed while they are harbors: of a master, of a cluster. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { test as nodeTest, type TestContext } from 'node:test'
import { freePort } from '../support/free-port.ts'
import { aNode, aProcess, type HarborNode } from '../support/harbors.ts'
import { until } from '../support/until.ts'

const test = (title: string, body: (t: TestContext) => Promise<void>) =>
  nodeTest(title, { timeout: 120_000 }, body)

/** Kill harbor 2 while `node` waits for it. */
async function kill(victim: ChildProcess, node: HarborNode): Promise<void> {
  const { call } = node.user
  const handle = await call.queryName('OURS2')
  await call.begin(handle, 'never')
  await call.follow(2)
  assert.equal(await call.call(handle, 'echo', 1), 1)
  victim.kill('SIGKILL')
  await once(victim, 'exit')
  const ends = await until('both ends', async () => {
    const found = await call.ends()
    return found.length === 2 && found
  })
  assert.ok(ends.includes('2 is down'), JSON.stringify(ends))
  const end = ends.find((each) => typeof each === 'object') as {
    code: string
    info: { sent: string }
  }
  assert.deepEqual([end.code, end.info.sent], ['ERR_HARBOR_LOST', 'maybe'])
  await assert.rejects(call.call(handle, 'echo', 1), { code: 'ERR_HARBOR_LOST' })
}

// Proves: docs/harbor.md#down
test('a slave of ours that is killed is down at once', async (t) => {
  const node = await aNode(t, 1)
  const address = '127.0.0.1:0'
  const master = await node.user.call.join({ address, standalone: address })
  await kill(await aProcess(t, 2, { master, address }), node)
})

// Proves: docs/harbor.md#cluster-held
test('a harbor that was held for longer than a lease is back, with its names', async (t) => {
  const seed = `127.0.0.1:${await freePort()}`
  const cluster = { seed, leaseMs: 1000 }
  const options = { cluster: true, joinTimeoutMs: 30_000 } as const
  const one = await aNode(t, 1, { cluster: { ...cluster, name: 'one', listen: seed } })
  await one.user.call.join(options)
  const config = { cluster: { ...cluster, name: 'two', listen: '127.0.0.1:0' } }
  const held = await aProcess(t, 2, options, config)
  const three = await aNode(t, 3, { cluster: { ...cluster, name: 'three', listen: '127.0.0.1:0' } })
  await three.user.call.join(options)
  const nodes = [one, three]
  await Promise.all(nodes.map(({ user }) => user.call.connect(2)))
  const handle = await one.user.call.queryName('OURS2')
  const downs = Promise.all(nodes.map(({ user }) => user.call.link(2)))
  held.kill('SIGSTOP')
  await downs
  held.kill('SIGCONT')
  for (const { user } of nodes) {
    await user.call.connect(2, 30_000)
    assert.equal(await user.call.queryName('OURS2', 30_000), handle)
    assert.equal(await user.call.call(handle, 'echo', 'back'), 'back')
  }
})

// Proves: docs/harbor.md#cluster-down, #cluster-registry
test('a node of a cluster that is killed, with the registry, is down after a lease', async (t) => {
  const seed = `127.0.0.1:${await freePort()}`
  const cluster = { seed, leaseMs: 1000 }
  const options = { cluster: true, joinTimeoutMs: 30_000, callTimeoutMs: 60_000 } as const
  const node = await aNode(t, 1, { cluster: { ...cluster, name: 'one', listen: seed } })
  // It asks first, so that it has the registry.
  const config = { cluster: { ...cluster, name: 'two', listen: '127.0.0.1:0' } }
  const victim = await aProcess(t, 2, options, config)
  await node.user.call.join(options)
  await node.user.call.globalName('KEPT')
  await kill(victim, node)
  const { call } = node.user
  // Another registry has what there was, and what was of that node is free.
  await until('names are given again', () =>
    call.globalName('OURS2').then(
      () => true,
      () => false,
    ),
  )
  const three = await aNode(t, 3, {
    cluster: { ...cluster, name: 'three', listen: '127.0.0.1:0' },
  })
  await three.user.call.join(options)
  assert.equal((await three.user.call.queryName('KEPT')) >>> 24, 1)
  assert.equal((await three.user.call.queryName('OURS2')) >>> 24, 1)
})
