import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALM, startHubs } from '../support/cluster-hubs.ts'
import { until } from '../support/until.ts'

// Proves: docs/cluster.md#sends
test('a quiet cluster whose nodes stop in good order logs no lost message', async (t) => {
  const { hub, stop, log } = await startHubs(t, { a: {}, b: {}, c: {} }, CALM)
  for (const [one, other] of ['ab', 'bc', 'ca'] as const) await hub(one!).relay(other!, 1)
  await stop('b')
  await until('c knows', async () => (await hub('c').nodes()).length === 2)
  await stop('c')
  await until('a knows', async () => (await hub('a').nodes()).length === 1)
  assert.doesNotMatch(log('a'), /did not leave/)
})
