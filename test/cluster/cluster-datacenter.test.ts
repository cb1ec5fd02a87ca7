/** The datacenter of a cluster: one for all nodes, and what is left when its node goes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHubs } from '../support/cluster-hubs.ts'
import { until } from '../support/until.ts'

test('values of the cluster are one for all nodes, waits go on at the next owner', async (t) => {
  const { hub, stop } = await startHubs(t, { a: {}, b: {}, c: {} })
  // Proves: docs/sharing.md#datacenter-cluster
  await t.test('what one node sets, others get, and wait for', async () => {
    assert.equal(await hub('b').dataSet(['room', 'host'], 'b'), undefined)
    assert.deepEqual(await hub('a').dataGet('room'), { host: 'b' })
    assert.equal(await hub('a').dataSet(['room', 'host'], 'a'), 'b')
    assert.equal(await hub('c').dataWait(['room', 'host']), 'a')
    const later = hub('c').dataWait(['later', 'on'])
    const own = hub('b').dataWait(['later', 'on'])
    await hub('c').dataGet('later')
    await hub('a').dataSet(['later'], { on: [1n] })
    assert.deepEqual(await Promise.all([later, own]), [[1n], [1n]])
    await assert.rejects(hub('a').dataGet('room', 'host', 'x'), { code: 'ERR_DATACENTER_PATH' })
    const late = hub('a').dataWait(['never'], 50)
    await assert.rejects(late, { code: 'ERR_CALL_TIMEOUT' })
  })
  // Proves: docs/semantics.md#message-refused
  await t.test('what cannot be sent is named as its author wrote it', async () => {
    assert.deepEqual(await hub('a').unsendable('b'), [
      'args[1].of[0]',
      'args[1].of[0]',
      'value[1].of[0]',
    ])
  })
  // Proves: docs/sharing.md#datacenter-owner
  await t.test('with its owner values are gone, and a wait goes on at the next one', async () => {
    const waiting = hub('c').dataWait(['round'])
    await hub('c').dataGet('round')
    await stop('b')
    await until('there is another owner', () =>
      hub('a')
        .dataSet(['kept'], 1)
        .then(() => true)
        .catch(() => false),
    )
    assert.equal(await hub('c').dataGet('room'), undefined)
    await hub('a').dataSet(['round'], 2)
    assert.equal(await waiting, 2)
  })
})
