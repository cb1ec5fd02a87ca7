/** Workers are ended at random moments under load: nobody hangs, and everything adds up. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { BroadcastChannel, type Worker } from 'node:worker_threads'
import { resolveConfig, startNode } from 'skynet-ts/node'
import type { Tally } from './fixtures/death-load.ts'
import { fixture } from './support/process.ts'
import { seeded, seedOf } from './support/run.ts'

/** More with `KILLS` in the environment. */
const KILLS = Number(process.env.KILLS ?? 6)

const TITLE = 'workers that are ended at random under load: every request ends, the node goes on'

test(TITLE, async (t) => {
  const seed = seedOf()
  const random = seeded(seed)
  t.diagnostic(`SEED=${seed}`)
  // The threads of the node in the order they are made: the socket thread, the workers.
  const threads: Worker[] = []
  const made = (thread: Worker): void => void threads.push(thread)
  process.on('worker', made)
  const name = `death-${process.pid}`
  const channel = new BroadcastChannel(name)
  const given = { thread: 3, start: fixture('death-load.ts'), args: [name, seed] }
  const config = resolveConfig({ ...given, logger: '/dev/null' }, '/')
  const node = await startNode(config)
  try {
    const workers = [threads[2]!, threads[3]!]
    for (let kill = 0; kill < KILLS; kill++) {
      await delay(random() * 120)
      const which = random() < 0.5 ? 0 : 1
      const next = once(process, 'worker') as Promise<[Worker]>
      void workers[which]!.terminate()
      workers[which] = (await next)[0]
      // Sometimes in the middle of its start, which would end the node: not that.
      await once(workers[which], 'message')
    }
    const told = once(channel, 'message') as Promise<[{ data: Tally }]>
    channel.postMessage('enough')
    const [{ data: tally }] = await told
    t.diagnostic(JSON.stringify({ ...tally, wrong: tally.wrong.length }))
    assert.deepEqual(tally.wrong, [])
    assert.equal(tally.answered + tally.failed, tally.begun)
    assert.ok(tally.answered > KILLS, 'it worked most of the time')
    const { services, load } = node.stats()
    assert.equal(
      load.reduce((sum, each) => sum + each),
      services,
      'each is counted where it is',
    )
  } finally {
    process.off('worker', made)
    channel.close()
    await node.stop()
  }
  assert.equal(await node.exited, 0)
})
