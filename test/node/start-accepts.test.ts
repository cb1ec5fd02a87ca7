/** A worker that starts while the node runs is no concern of its clients. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { test } from 'node:test'
import threads, { type Worker } from 'node:worker_threads'
import { resolveConfig, startNode } from 'skynet-ts/node'
import type { NodeMemory } from '../../src/threads/memory.ts'
import { fixture } from '../support/process.ts'

interface Made {
  readonly thread: Worker
  /** Whether the socket thread was to accept nobody while it was made. */
  readonly isHeld: boolean
}

/** Note each thread that is made, until the end of `body`. */
async function noting(body: (made: readonly Made[]) => Promise<void>): Promise<void> {
  const { Worker } = threads
  const made: Made[] = []
  const noted = new Proxy(Worker, {
    construct(target, [url, options]: ConstructorParameters<typeof Worker>) {
      const { memory } = options!.workerData as { memory: NodeMemory }
      const isHeld = Atomics.load(new Int32Array(memory.acceptsHeld), 0) !== 0
      const thread = new target(url, options)
      made.push({ thread, isHeld })
      return thread
    },
  })
  Object.assign(threads, { Worker: noted })
  syncBuiltinESMExports()
  try {
    await body(made)
  } finally {
    Object.assign(threads, { Worker })
    syncBuiltinESMExports()
  }
}

// Proves: docs/node.md#death-descriptors
test('clients are accepted while a worker starts that has descriptors', () =>
  noting(async (made) => {
    const given = { thread: 2, start: fixture('dedicator.ts'), args: [2], logger: '/dev/null' }
    // The first service launches on two workers of their own before it is ready.
    const node = await startNode(resolveConfig(given, '/'))
    const next = once(process, 'worker')
    void made[1]!.thread.terminate()
    await next
    assert.deepEqual(
      made.map(({ isHeld }) => isHeld),
      [false, false, false, false, false, false],
    )
    await node.stop()
  }))
