import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterMember, ClusterNodeState } from '../skynet/cluster-api.ts'
import { placeOn } from './placing.ts'

const info = (node: string, state: ClusterNodeState = 'up'): ClusterMember => ({
  node,
  epoch: 1,
  state,
  isSelf: node === 'a',
  build: '',
  addresses: [],
})
const nobody = (): Promise<number> => assert.fail('nobody is asked')

test('a name is that node, whether it is there or not', async () => {
  assert.equal(await placeOn('x', [info('a')], nobody), 'x')
})

test('a key has one node for all, and moves only when that node comes or goes', async () => {
  const names = ['a', 'b', 'c', 'd']
  const keys = Array.from({ length: 400 }, (_, i) => `room ${i}`)
  const places = (nodes: readonly ClusterMember[]): Promise<string[]> =>
    Promise.all(keys.map((key) => placeOn({ key }, nodes, nobody)))
  const all = names.map((name) => info(name))
  const before = await places(all)
  assert.deepEqual(await places([...all].reverse()), before)
  for (const name of names) {
    const count = before.filter((each) => each === name).length
    assert.ok(count > 60 && count < 140, `${name} has ${count}`)
  }
  const after = await places(all.slice(0, 3))
  for (const [i, place] of before.entries()) if (place !== 'd') assert.equal(after[i], place)
  const draining = [...all.slice(0, 3), info('d', 'draining')]
  assert.deepEqual(await places(draining), after, 'who drains gets nothing new')
})

test('least is the node with the fewest services, of those that answer', async () => {
  const loads: Record<string, number> = { a: 9, b: 3, c: 4 }
  const loadOf = async (node: string): Promise<number> =>
    loads[node] ?? Promise.reject(new Error('no answer'))
  const nodes = [info('a'), info('b'), info('c'), info('d'), info('e', 'suspect')]
  assert.equal(await placeOn('least', nodes, loadOf), 'b')
  assert.equal(await placeOn('least', [info('a'), info('d')], loadOf), 'a')
})

test('where every node drains nothing is placed, and that is said', async () => {
  const nodes = [info('a', 'draining'), info('b', 'suspect')]
  for (const where of ['least', { key: 'x' }] as const) {
    await assert.rejects(placeOn(where, nodes, nobody), { code: 'ERR_NODE_UNKNOWN' })
  }
})
