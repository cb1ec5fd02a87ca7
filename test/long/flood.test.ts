/** Services that flood each other at random: nothing lost, doubled, out of order, or left over. */
import assert from 'node:assert/strict'
import { flood } from '../support/flood.ts'
import { serviceTest } from '../support/run.ts'
import { seedOf } from '../support/seed.ts'

const WORKERS = 3
const SERVICES = 200
/** What workers may hold more than before: noise of V8, not a service or message that stayed. */
const HEAP_SLACK = 1024 * 1024

// Proves: docs/semantics.md#order-load
serviceTest(
  import.meta.url,
  'services that flood each other across workers: counts match, order holds, memory returns',
  async (skynet) => {
    const seed = seedOf()
    let rounds = 0
    const goOn = (): boolean => ++rounds < 3
    const options = { workers: WORKERS, services: SERVICES, bursts: 20, goOn, seed }
    const { received, before, after } = await flood(skynet, options)
    assert.ok(received > 3 * SERVICES * 20, `SEED=${seed}`)
    for (const [worker, heap] of after.entries()) {
      const grown = heap - before[worker]!
      assert.ok(grown < HEAP_SLACK, `worker ${worker} holds ${grown} bytes more, SEED=${seed}`)
    }
  },
  { thread: WORKERS },
)
