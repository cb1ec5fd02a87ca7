/** A node is stopped while another worker takes the place of one that died. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { type Node, resolveConfig, startNode } from 'skynet-ts/node'
import { fixture } from '../support/process.ts'

/** Calls `stop` at that moment; `dies` is the worker that is ended, `next` the one in its place. */
const MOMENTS: Readonly<Record<string, (dies: Worker, next: Promise<Worker>, stop: Stop) => void>> =
  {
    'its death is heard': (dies, _next, stop) => dies.once('exit', stop),
    'the next one is made': (_dies, next, stop) => void next.then(stop),
    'the next one has begun': (_dies, next, stop) =>
      void next.then((thread) => thread.once('message', stop)),
  }
type Stop = () => void

for (const [moment, when] of Object.entries(MOMENTS)) {
  test(`stop() ends a node in good order while a worker is replaced: ${moment}`, async () => {
    const made: Worker[] = []
    let isMade!: (thread: Worker) => void
    const next = new Promise<Worker>((resolve) => {
      isMade = resolve
    })
    const onWorker = (thread: Worker): void => {
      made.push(thread)
      // The socket thread, two workers, and then the one in the place of another.
      if (made.length === 4) isMade(thread)
    }
    process.on('worker', onWorker)
    const given = { thread: 2, start: fixture('echo.ts'), args: [0], logger: '/dev/null' }
    const node = await startNode(resolveConfig(given, '/'))
    const stopped = stoppedAt(node, (stop) => when(made[1]!, next, stop))
    // The logger lives there, the first service on the other one.
    void made[1]!.terminate()
    await stopped
    assert.equal(await node.exited, 0)
    process.off('worker', onWorker)
    await Promise.all(made.map(ended))
  })
}

const stoppedAt = (node: Node, when: (stop: Stop) => void): Promise<void> =>
  new Promise((resolve) => when(() => void node.stop().then(resolve)))

/** Of one that is over the number is -1. */
const ended = async (thread: Worker): Promise<void> => {
  if (thread.threadId >= 0) await once(thread, 'exit')
}
