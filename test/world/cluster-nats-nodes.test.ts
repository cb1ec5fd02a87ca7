/** Nodes of a cluster over NATS: what happens to them and to their servers, in real processes. */
import { test } from 'node:test'
import { NATS_SCENARIOS } from '../support/nats-scenarios.ts'
import { isNatsInstalled, NATS_LEFT_OUT } from '../support/nats-server.ts'

if (isNatsInstalled()) {
  for (const [what, act] of Object.entries(NATS_SCENARIOS)) {
    // Proves: docs/cluster-nats.md#nobody-dies, #cut-server
    test(what, async (t) => {
      const figures = Object.entries(await act()).map(([name, ms]) => `${name} ${Math.round(ms)}`)
      t.diagnostic(figures.join(', '))
    })
  }
} else test('nodes over NATS', (t) => t.diagnostic(NATS_LEFT_OUT))
