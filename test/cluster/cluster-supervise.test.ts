/** Supervisors whose children are on other nodes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALM, startHubs } from '../support/cluster-hubs.ts'
import { until } from '../support/until.ts'

// Proves: docs/cluster.md#supervise, #supervise-end, #supervise-node
test('a child on another node is launched again, and ends with its supervisor', async (t) => {
  const { hub, stop, restart } = await startHubs(t, { m: {}, a: {}, b: {} }, CALM)
  const ward = () =>
    hub('a')
      .ward()
      .catch(() => undefined)
  const isAt = (node: string) =>
    hub('m')
      .find(node, '.ward')
      .then(
        () => true,
        ({ code }) => code !== 'ERR_NAME_UNKNOWN',
      )
  await hub('a').supervise('b')
  const first = await ward()
  assert.equal(first?.node, 'b')
  await hub('a').endWard()
  const isAgain = async (): Promise<boolean> => {
    const found = await ward()
    return found?.node === 'b' && found.handle !== first.handle
  }
  await until('it is there again', isAgain)
  await stop('b')
  await until('it is nowhere', async () => (await ward()) === undefined)
  await restart('b')
  await until('it is on its node again', async () => (await ward())?.node === 'b')
  await hub('a').endBoss()
  await until('it has ended', async () => !(await isAt('b')))
  // Here perhaps: then it is as any child.
  await hub('a').supervise({ key: 'ward' })
  const { node } = (await ward())!
  await hub('a').endBoss()
  await until('it has ended too', async () => !(await isAt(node)))
  await assert.rejects(hub('a').supervise('nowhere'), /Cannot find node 'nowhere'/)
})
