import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { testNode } from '../testing/test-node.ts'
import { Joining } from './joining.ts'
import { uniqueLate } from './own-uniques.ts'

const REASONS = [
  new SkynetError('ERR_NODE_NAME_TAKEN', { node: 'a', address: '' }),
  new SkynetError('ERR_CLUSTER_AUTH', { address: 'x:1', reason: 'the secrets differ' }),
  new SkynetError('ERR_CLUSTER_VERSION', { node: 'x:1', ours: '1..1', theirs: '7..9' }),
]
const away = new SkynetError('ERR_STORE_LOST', { reason: 'ECONNREFUSED' })

for (const reason of REASONS) {
  test(`the first join fails with ${reason.code}, however the store says it`, async (t) => {
    const node = await testNode()
    t.after(() => node.stop())
    for (const tell of ['store', 'failed'] as const) {
      const joining = new Joining(node.skynet)
      joining.store(false, away)
      if (tell === 'store') joining.store(false, reason)
      else joining.failed(reason)
      await assert.rejects(joining.wait(1000), reason)
    }
    const member = new Joining(node.skynet)
    member.joined()
    member.store(false, reason)
    await member.wait(1000)
  })
}

test('why the store is out of reach is known until it is there again', async (t) => {
  const node = await testNode()
  t.after(() => node.stop())
  const joining = new Joining(node.skynet)
  assert.equal(joining.storeLost, undefined)
  joining.store(false, away)
  assert.equal(joining.storeLost, away)
  joining.store(true, undefined)
  assert.equal(joining.storeLost, undefined)
  const said = node.log.all.map(({ text }) => text).filter((text) => text.includes('the store'))
  assert.deepEqual(
    said.map((text) => text.includes('out of reach')),
    [true, false],
  )
  joining.store(false, undefined)
  assert.ok(isSkynetError(joining.storeLost, 'ERR_STORE_LOST'))
  joining.store(true, undefined)
  assert.equal(joining.storeLost, undefined)
})

// Proves: docs/cluster.md#held
test('who waits for a unique service in vain is told that the store is out of reach', () => {
  const late = uniqueLate('lobby', 50, away) as SkynetError
  assert.match(late.message, /unique lobby of the cluster, whose store is out of reach: no answer/)
  assert.deepEqual([late.code, late.cause], ['ERR_CALL_TIMEOUT', away])
  const plain = uniqueLate('lobby', 50, undefined)
  assert.deepEqual([/out of reach/.test(plain.message), 'cause' in plain], [false, false])
})

test('a store that is not there keeps no node from starting', async (t) => {
  const clock = new FakeClock()
  const node = await testNode({ clock })
  t.after(() => node.stop())
  const waits = [1000, 10_000].map((leaseMs) => {
    const joining = new Joining(node.skynet)
    joining.store(false, away)
    return joining.wait(leaseMs)
  })
  await clock.advance(5000)
  await waits[0]
  const said = () => node.log.all.map(({ text }) => text).filter((text) => text.includes('not in'))
  assert.deepEqual(said(), ['not in the cluster after 5000 ms: joins as soon as it can'])
  // Who was killed has its name for a lease more.
  await clock.advance(10_000)
  await waits[1]
  assert.equal(said().length, 2)
})
