/** Entry of a worker: build it, and do what the main thread says. */
import { parentPort, workerData } from 'node:worker_threads'
import { realClock } from '../base/clock.ts'
import { posixOs } from '../os/posix.ts'
import { resolveService } from '../service/modules.ts'
import { pinThread } from './affinity.ts'
import { assemble } from './assemble.ts'
import type { Control, Report, WorkerStart } from './protocol.ts'

const { memory, worker, config, startedAt, wakeupFd } = workerData as WorkerStart
const port = parentPort!
const report = (message: Report): void => port.postMessage(message)

const os = posixOs()
const { runtime, scheduler, client, packer, start } = assemble({
  memory,
  worker,
  config,
  startedAt,
  clock: realClock(startedAt),
  os,
  wakeSocketThread: () => os.signalWakeup(wakeupFd),
  report,
})
const { cpus } = config
if (cpus.length > 0) {
  pinThread(os, [cpus[worker % cpus.length]!], (text) => runtime.log('error', 0, text))
}
/** Main thread → this one. */
type Handlers = { readonly [K in Control['kind']]: (control: Control & { kind: K }) => void }
const CONTROL: Handlers = {
  bootstrap: () => {
    runtime.launch({
      url: resolveService('bootstrap', import.meta.url, []),
      args: [
        config.start,
        config.args,
        { service: config.logservice ?? 'logger', file: config.logger, format: config.logFormat },
      ],
      onReady: () => report({ kind: 'bootstrapped' }),
      onFailure: (error) => {
        const size = packer.pack(error.cause)
        report({ kind: 'failed', error: Uint8Array.from(packer.bytes.subarray(0, size)) })
      },
    })
  },
  inspect: () => report({ kind: 'inspected', mailboxes: runtime.longestMailboxes() }),
  reopenLog: () => runtime.reopenLog(),
  drain: ({ graceMs }) => void runtime.drain(graceMs).then(() => report({ kind: 'drained' })),
  stop: () => void runtime.stop('stop').then(() => report({ kind: 'stopped' })),
  stopLogger: () => void runtime.stopLogger().then(() => report({ kind: 'stopped' })),
  leave: () => {
    client.flush()
    scheduler.stop()
    process.exit(0)
  },
}

const tellControl = (control: Control): void =>
  (CONTROL[control.kind] as (control: Control) => void)(control)
process.on('uncaughtException', (error) => runtime.stray('uncaught exception', error))
process.on('unhandledRejection', (reason) => runtime.stray('unhandled rejection', reason))
port.on('message', (message: Control) => tellControl(message))
start()
report({ kind: 'ready' })
