/** A thread dies while its node starts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { isSkynetError } from 'skynet-ts'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { fixture } from '../support/process.ts'

/** The logger lives on worker 0, the first service on worker 1. */
const WORKERS = ['skynet worker 0', 'skynet worker 1']

for (const [number, name] of WORKERS.entries()) {
  // Proves: docs/node.md#start-death
  test(`startNode() rejects with the death of a thread as its reason: ${name}`, async () => {
    let made = 0
    const onWorker = (thread: Worker): void => {
      // The first is the socket thread. One may be ended once it has reported for the first time.
      if (made++ === number + 1) thread.once('message', () => void thread.terminate())
    }
    process.on('worker', onWorker)
    const given = { thread: 2, start: fixture('ender.ts'), args: ['never ready'] }
    const starting = startNode(resolveConfig({ ...given, logger: '/dev/null' }, '/'))
    await assert.rejects(starting, (error) => {
      assert.ok(isSkynetError(error, 'ERR_THREAD_DIED'), String(error))
      assert.equal(error.info.thread, name)
      assert.match(error.message, /exit code 1/)
      return true
    })
    process.off('worker', onWorker)
  })
}
