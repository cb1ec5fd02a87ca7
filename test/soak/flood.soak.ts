/**
 * A thousand services flood each other across workers: `node dist/test/soak/flood.soak.js
 * [--seconds 60] [--services 1000] [--workers 4]`. `SEED` repeats a run. The exit code is 1 when a
 * message was lost, doubled or out of order, or when memory stays taken. A lost wake-up is a hang.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BroadcastChannel } from 'node:worker_threads'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { seedOf } from '../support/seed.ts'
import type { Order, Outcome } from './support/flood-driver.ts'

/** Noise of V8: a tenth of a byte a message, or a kilobyte a service, would be far more. */
const HEAP_SLACK = 4 * 1024 * 1024

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    services: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '4' },
  },
})
const order: Order = {
  channel: `flood-${process.pid}`,
  seconds: Number(values.seconds),
  services: Number(values.services),
  workers: Number(values.workers),
  seed: seedOf(),
}
const { services, workers, seconds, seed } = order
console.log(`${services} services on ${workers} workers for ${seconds} s, SEED=${seed}`)
const channel = new BroadcastChannel(order.channel)
const ended = new Promise<Outcome>((resolve) => {
  channel.onmessage = (event) => resolve((event as { data: Outcome }).data)
})
const start = join(import.meta.dirname, 'support/flood-driver.ts')
const node = await startNode(resolveConfig({ thread: workers, start, args: [order] }))
const outcome = await ended
channel.close()
await node.stop()
if ('error' in outcome) {
  console.log(`  FAULT: ${outcome.error}`)
  process.exitCode = 1
} else {
  const { received, before, after } = outcome
  console.log(`  ${received} messages came, each once and in order`)
  for (const [worker, heap] of after.entries()) {
    const grown = heap - before[worker]!
    console.log(`  worker ${worker} holds ${(grown / 1024).toFixed(0)} KiB more than before`)
    if (grown < HEAP_SLACK) continue
    console.log('  FAULT: memory did not return')
    process.exitCode = 1
  }
}
