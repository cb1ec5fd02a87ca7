/** A node whose workers are ended at random moments under load. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { BroadcastChannel, type Worker } from 'node:worker_threads'
import { type NodeStats, resolveConfig, startNode } from 'skynet-ts/node'
import type { Tally } from '../fixtures/death-load.ts'
import { fixture } from './process.ts'
import { seeded } from './seed.ts'

const PAUSE_MS_MAX = 120

export interface DeathResult {
  readonly tally: Tally
  readonly stats: NodeStats
  /** Exit code of the node. */
  readonly code: number
}

/** End a worker of a busy node at random, `kills` times; then see how each request has ended. */
export async function endWorkers(kills: number, seed: number): Promise<DeathResult> {
  const random = seeded(seed)
  // The threads of the node in the order they are made: the socket thread, the workers.
  const threads: Worker[] = []
  const made = (thread: Worker): void => void threads.push(thread)
  process.on('worker', made)
  const name = `death-${process.pid}`
  const channel = new BroadcastChannel(name)
  const given = { thread: 3, start: fixture('death-load.ts'), args: [name, seed] }
  const node = await startNode(resolveConfig({ ...given, logger: '/dev/null' }, '/'))
  try {
    const workers = [threads[2]!, threads[3]!]
    for (let kill = 0; kill < kills; kill++) {
      await delay(random() * PAUSE_MS_MAX)
      const which = random() < 0.5 ? 0 : 1
      const next = once(process, 'worker') as Promise<[Worker]>
      void workers[which]!.terminate()
      workers[which] = (await next)[0]
      // Not in the middle of its start, which would end the node.
      await once(workers[which], 'message')
    }
    const told = once(channel, 'message') as Promise<[{ data: Tally }]>
    channel.postMessage('enough')
    const [{ data: tally }] = await told
    const stats = node.stats()
    await node.stop()
    return { tally, stats, code: await node.exited }
  } finally {
    process.off('worker', made)
    channel.close()
    await node.stop()
  }
}
