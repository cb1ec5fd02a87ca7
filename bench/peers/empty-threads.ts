/** A process with threads that do nothing. Argument: how many. Says so when all of them run. */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

if (isMainThread) {
  const threads = Array.from({ length: Number(process.argv[2]) }, () => {
    return new Worker(new URL(import.meta.url))
  })
  await Promise.all(threads.map((thread) => once(thread, 'message')))
  process.stdout.write('nobody listens\n')
  // Not before: a start that is measured loads nothing else.
  if (process.send !== undefined) {
    const { serve } = await import('../support/serve.ts')
    const { cpuMs } = await import('../support/usage.ts')
    serve({ cpuMs, rssNow: () => process.memoryUsage.rss() })
  }
} else {
  // Keeps the thread.
  parentPort!.on('message', () => {})
  parentPort!.postMessage('running')
}
