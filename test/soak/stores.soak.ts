/**
 * Requests of many tenants at once, each in `AsyncLocalStorage` stores of its own: `node
 * dist/test/soak/stores.soak.js [--requests 100000] [--at-once 200]`. The exit code is 1 when one
 * of them has seen a store of another, or lost its own.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BroadcastChannel } from 'node:worker_threads'
import { resolveConfig, startNode } from 'skynet-ts/node'
import type { Order, Outcome } from './support/stores-driver.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    'at-once': { type: 'string', default: '200' },
  },
})
const order: Order = {
  channel: `stores-${process.pid}`,
  requests: Number(values.requests),
  atOnce: Number(values['at-once']),
}
console.log(`${order.requests} requests, ${order.atOnce} at once`)
const channel = new BroadcastChannel(order.channel)
const ended = new Promise<Outcome>((resolve) => {
  channel.onmessage = (event) => resolve((event as { data: Outcome }).data)
})
const start = join(import.meta.dirname, 'support/stores-driver.ts')
const node = await startNode(resolveConfig({ thread: 2, start, args: [order] }))
const { looks, wrong } = await ended
channel.close()
await node.stop()
console.log(`  ${looks} looks, ${wrong.length === 0 ? 'each' : 'not each'} at its own store`)
for (const line of wrong) console.log(`  FAULT: ${line}`)
if (wrong.length > 0) process.exitCode = 1
