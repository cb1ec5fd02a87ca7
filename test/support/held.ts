/** Rounds of handlers that are asked for their stack in native code, and come back some time. */
import { BroadcastChannel } from 'node:worker_threads'
import { resolveConfig, startNode } from 'skynet-ts/node'
import type { HeldTally } from '../fixtures/held-load.ts'
import { fixture } from './process.ts'

let runs = 0

export async function heldRounds(
  rounds: number,
  seed: number,
  monitorAction: 'keep' | 'kill',
): Promise<HeldTally> {
  const name = `held-${process.pid}-${++runs}`
  const channel = new BroadcastChannel(name)
  // Before the node runs: its first service may end before this thread hears that it runs.
  const told = new Promise<HeldTally>((resolve) => {
    channel.onmessage = (event) => resolve((event as { data: HeldTally }).data)
  })
  const args = [name, seed, rounds, monitorAction]
  const start = fixture('held-load.ts')
  // More than a worker needs for its own start.
  const given = { start, args, thread: 2, logger: '/dev/null', monitorMs: 200, monitorAction }
  const config = resolveConfig(given, '/')
  const budgets = { ...config.budgets, stackMs: 30 }
  try {
    await using _node = await startNode({ ...config, budgets })
    return await told
  } finally {
    channel.close()
  }
}
