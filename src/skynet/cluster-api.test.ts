import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testNode } from '../testing/test-node.ts'
import { type ClusterMember, type ClusterNodeState, nodeChanges } from './cluster-api.ts'
import { defineService } from './define-service.ts'
import type { Skynet } from './skynet.ts'

const counter = defineService((_skynet, first: number) => ({
  add: (n: number) => first + n,
  name: () => 'counter',
}))
type Counter = typeof counter

test('what a cluster is asked for is checked, each option by its name', async () => {
  await using node = await testNode()
  const { cluster } = node.skynet
  await assert.rejects(cluster.query('', '.x'), /node/)
  await assert.rejects(cluster.query('b', 'lobby'), /a local name, which begins with a dot/)
  await assert.rejects(cluster.query('b', '.x', { timeoutMS: 1 } as never), /timeoutMS/)
  assert.throws(() => cluster.onNode('x' as never), /listener/)
  const launch = (options: object) => node.skynet.newService('./x.ts', options as never)
  await assert.rejects(launch({ node: '' }), /'?node/)
  await assert.rejects(launch({ node: 7 }), /node/)
  await assert.rejects(launch({ node: { key: 1 } }), /node.key/)
  await assert.rejects(launch({ node: { kee: 'a' } }), /kee/)
  await assert.rejects(launch({ node: 'b', on: 'same' }), /no 'same' together with 'node'/)
  await assert.rejects(
    cluster.uniqueService('./x.ts', { node: 'b' } as never),
    /none, as it is where it is/,
  )
  await assert.rejects(cluster.uniqueService('./x.ts', { on: 'same' } as never), /no 'same'/)
  await assert.rejects(cluster.shareChannel({ id: 1 } as never), /'channel' .*a channel/)
  const address = { node: 'a', epoch: 1, id: 65_536 }
  await assert.rejects(cluster.openChannel(7 as never), /address/)
  for (const [name, odd] of [
    ['node', ''],
    ['epoch', 0],
    ['id', 1.5],
  ] as const) {
    const given = { ...address, [name]: odd }
    await assert.rejects(cluster.openChannel(given), new RegExp(`address.${name}`))
  }
})

test('of a node without a cluster everything of one is refused by its code', async () => {
  await using node = await testNode()
  const { cluster } = node.skynet
  const off = (what: RegExp) => (error: Error & { code?: string }) =>
    error.code === 'ERR_CLUSTER_OFF' && what.test(error.message)
  await assert.rejects(cluster.query('b', '.x'), off(/^Cannot query: /))
  await assert.rejects(cluster.nodes(), off(/^Cannot list the nodes: /))
  await assert.rejects(cluster.drain(), off(/^Cannot drain: /))
  await assert.rejects(cluster.uniqueService('./x.ts'), off(/^Cannot launch a service of the clus/))
  await assert.rejects(
    node.skynet.newService('./bootstrap.ts', { node: 'b', args: [] } as never),
    off(/^Cannot launch a service on another node: /),
  )
  const channel = node.skynet.multicast.new()
  await assert.rejects(cluster.shareChannel(channel), off(/^Cannot share a channel: /))
  const address = { node: 'a', epoch: 1, id: channel.id }
  await assert.rejects(cluster.openChannel(address), off(/^Cannot open a channel: /))
  assert.throws(() => cluster.datacenter, off(/^Cannot use the datacenter of the cluster: /))
  assert.throws(() => cluster.self, off(/name of this node/))
  assert.throws(() => cluster.onNode(() => {}), off(/be told of nodes/))
  assert.equal(node.skynet.fence, undefined)
})

const member = (node: string, epoch: number, state: ClusterNodeState = 'up'): ClusterMember => ({
  node,
  epoch,
  state,
  isSelf: node === 'a',
  build: '',
  addresses: [],
})

/** One who is told of each list that comes. */
function follower(): (...nodes: readonly ClusterMember[]) => string[] {
  const told = new Map<string, ClusterMember>()
  return (...nodes) =>
    [...nodeChanges(told, nodes)].map(({ node, epoch, state }) => `${node}@${epoch} ${state}`)
}

test('a change is told once: who comes, what it is, who is down, who is another one', () => {
  const tell = follower()
  assert.deepEqual(tell(member('a', 1)), [])
  assert.deepEqual(tell(member('a', 1), member('b', 2)), ['b@2 up'])
  assert.deepEqual(tell(member('a', 1), member('b', 2)), [])
  assert.deepEqual(tell(member('a', 1), member('b', 2, 'suspect')), ['b@2 suspect'])
  assert.deepEqual(tell(member('a', 1), member('b', 2, 'draining')), ['b@2 draining'])
  assert.deepEqual(tell(member('a', 1), member('b', 3)), ['b@2 down', 'b@3 up'])
  assert.deepEqual(tell(member('a', 1)), ['b@3 down'])
})

// Proves: docs/cluster.md#on-node
test('a node that knows of nobody, as it is no member now, tells nothing of others', () => {
  const tell = follower()
  assert.deepEqual(tell(member('a', 1), member('b', 2)), ['b@2 up'])
  assert.deepEqual(tell(member('a', 0)), [])
  assert.deepEqual(tell(member('a', 4), member('b', 2)), [])
  assert.deepEqual(tell(member('a', 4)), ['b@2 down'])
})

/** Only compiled: what a reference to another node is, and what is no use of one. */
export async function types(skynet: Skynet): Promise<void> {
  const ref = await skynet.cluster.query<Counter>('b', '.counter')
  const sum: number = await ref.call.add(1)
  const sent: boolean = ref.send.add(sum)
  const name: string = await ref.with({ timeoutMs: 5 }).call.name()
  // @ts-expect-error of another type
  await ref.call.add('1')
  // @ts-expect-error no such method
  await ref.call.sub(1)
  const there = await skynet.newService<Counter>('./counter.ts', { node: 'b', args: [1] })
  const one = await skynet.cluster.uniqueService<Counter>('./counter.ts', { args: [1] })
  const same: typeof there = one
  // @ts-expect-error its setup takes a number
  await skynet.cluster.uniqueService<Counter>('./counter.ts', { args: ['1'] })
  // @ts-expect-error it takes arguments
  await skynet.cluster.uniqueService<Counter>('./counter.ts')
  // @ts-expect-error it is where it is
  await skynet.cluster.uniqueService<Counter>('./counter.ts', { args: [1], node: 'b' })
  // @ts-expect-error it has no worker of who asks
  await skynet.cluster.uniqueService<Counter>('./counter.ts', { args: [1], on: 'same' })
  await skynet.cluster.uniqueService<Counter>('./counter.ts', { args: [1], on: 'dedicated' })
  // @ts-expect-error a node is named, or chosen by a key
  await skynet.newService<Counter>('./counter.ts', { node: 7, args: [1] })
  const off = skynet.cluster.onNode(({ node, epoch, state }) => {
    const text: string = `${node} ${epoch.toFixed()} ${state}`
    // @ts-expect-error no such state
    return text === '' || state === 'dead'
  })
  off()
  const address = await skynet.cluster.shareChannel(skynet.multicast.new<{ text: string }>())
  const channel = await skynet.cluster.openChannel(address)
  channel.publish({ text: 'x' })
  // @ts-expect-error of another type
  channel.publish({ text: 1 })
  const token: readonly [number, number] | undefined = skynet.fence
  for (const value of [sent, name, same, token]) assert.ok(value)
}
