/** Rounds of services that wait for each other, and whose workers are ended at random moments. */
import { once } from 'node:events'
import { BroadcastChannel, type Worker } from 'node:worker_threads'
import { resolveConfig, startNode } from 'skynet-ts/node'
import type { HangTally, Order } from '../fixtures/hang-load.ts'
import { fixture } from './process.ts'

export interface HangResult {
  readonly tally: HangTally
  /** Exit code of the node. */
  readonly code: number
}

export async function hangRounds(rounds: number, seed: number): Promise<HangResult> {
  // The threads of the node in the order they are made: the socket thread, the workers.
  const threads: Worker[] = []
  const made = (thread: Worker): void => void threads.push(thread)
  process.on('worker', made)
  const name = `hangs-${process.pid}`
  const channel = new BroadcastChannel(name)
  const replace = async (worker: number): Promise<void> => {
    // The end of a worker would end a start that this thread has not heard of yet.
    await starting
    const next = once(process, 'worker') as Promise<[Worker]>
    void workers[worker]!.terminate()
    workers[worker] = (await next)[0]
    // Not in the middle of its start, which would end the node.
    await once(workers[worker], 'message')
    channel.postMessage('there is another')
  }
  // Before the node runs: its first service may order before this thread hears that it does.
  const told = new Promise<HangTally>((resolve) => {
    channel.onmessage = (event) => {
      const { data } = event as { data: Order }
      if ('end' in data) void replace(data.end)
      else resolve(data.tally)
    }
  })
  const given = { thread: 4, start: fixture('hang-load.ts'), args: [name, seed, rounds] }
  const starting = startNode(resolveConfig({ ...given, logger: '/dev/null' }, '/'))
  const node = await starting
  const workers = threads.slice(1, 5)
  try {
    const tally = await told
    await node.stop()
    return { tally, code: await node.exited }
  } finally {
    process.off('worker', made)
    channel.close()
    await node.stop()
  }
}
