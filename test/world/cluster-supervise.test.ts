/** The node of a supervised child is held, and killed: the child is elsewhere, and there only. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterNodes } from '../support/cluster-nodes.ts'
import { overTcp } from '../support/cluster-ways.ts'
import { until } from '../support/until.ts'

const NAMES = ['m', 'a', 'b', 'c']
const KEYS_MAX = 50

// Proves: docs/cluster.md#supervise-one, #supervise-cut, #supervise-end
test('a child moves when its node is held or killed, and ends with its supervisor', async () => {
  await using nodes = await ClusterNodes.start(await overTcp(NAMES), NAMES, 'cluster-chief')
  const ask = <T>(name: string, what: string, params = {}): Promise<T> =>
    nodes.node(name).ask<T>(what, params)
  const where = () => ask<string | null>('a', 'where')
  const hasWard = (name: string) => ask<boolean>(name, 'hasWard')
  // Some key is one of b.
  for (let i = 0; (await ask('a', 'supervise', { key: `key ${i}` })) !== 'b'; i++) {
    assert.ok(i < KEYS_MAX)
    await ask('a', 'dismiss')
  }
  const goOn = nodes.stop('b')
  const next = await until('it is elsewhere', async () => {
    const found = await where()
    return found !== null && found !== 'b' && found
  })
  goOn()
  await until('it is over on b', async () => !(await hasWard('b')))
  assert.equal(await where(), next)
  if (next === 'm' || next === 'a') return
  nodes.kill(next)
  const last = await until('it is elsewhere again', async () => {
    const found = await where()
    return found !== null && found !== next && found
  })
  nodes.kill('a')
  if (last !== 'a') await until('it ends with a', async () => !(await hasWard(last)))
})
