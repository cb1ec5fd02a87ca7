/** Entry of a worker: build it, and do what the main thread says. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { noticeStores } from '../base/async-context.ts'
import { realClock } from '../base/clock.ts'
import { SkynetError } from '../base/errors.ts'
import { delay, setTimeout } from '../base/event-loop.ts'
import { shortPath } from '../base/paths.ts'
import { moduleOf, resolveService } from '../modules/modules.ts'
import { posixOs } from '../os/posix.ts'
import { originOf } from '../service/life.ts'
import type { Service } from '../service/service.ts'
import { keepNativeObjects, NativeObjects } from '../shm/native-objects.ts'
import { pinThread } from './affinity.ts'
import { assemble } from './assemble.ts'
import { guardHeap } from './heap-guard.ts'
import { hasLoaded } from './loaded.ts'
// The door of all services, while there are descriptors: Node.js keeps a load that failed until the
// thread ends.
import '../index.ts'
import { ProgramDesk } from './program-desk.ts'
import type { Control, Report, ThreadStart, WorkerStart } from './protocol.ts'
import { ownThreadId } from './thread-id.ts'

const { memory, worker, memoryLimitMb, heapBeats, config, startedAt, wakeupFd, loaded, koffi } =
  workerData as WorkerStart & ThreadStart
const port = parentPort!
const report = (message: Report): void => port.postMessage(message)

const os = posixOs({ koffi })
hasLoaded(loaded)
keepNativeObjects(new NativeObjects(memory.natives, worker))
noticeStores()
/** How long a worker that stops waits for room in the rings of others: they may be gone. */
const FLUSH_MS_MAX = config.exitMs / 2
/** How long a worker that leaves waits for files that are being opened. */
const OPEN_MS_MAX = 100
/** Who waits for a dedicated worker, by token. */
const dedications = new Map<number, (worker: number) => void>()
let lastToken = 0
const assembled = assemble({
  memory,
  worker,
  config,
  startedAt,
  clock: realClock(startedAt),
  os,
  wakeSocketThread: () => os.signalWakeup(wakeupFd),
  report,
  dedicate,
  isLogservice: (url) =>
    config.logservice !== undefined && url === resolveService(config.logservice, url, []),
})
const { runtime, features, services, log, stray, scheduler, client, packer, outboxes } = assembled
findDoor()
const { cpus } = config
if (cpus.length > 0) {
  pinThread(os, [cpus[worker % cpus.length]!], (text) => runtime.log('error', 0, text))
}
/** Main thread → this one. */
type Handlers = { readonly [K in Control['kind']]: (control: Control & { kind: K }) => void }
const CONTROL: Handlers = {
  bootstrap: () => bootstrap(() => report({ kind: 'bootstrapped' }), config.start),
  restore: () => bootstrap(() => report({ kind: 'bootstrapped' })),
  died: (death) => runtime.workerDied(death),
  closed: (loss) => runtime.workerClosed(loss),
  dedicated: ({ token, worker: found }) => {
    dedications.get(token)?.(found)
    dedications.delete(token)
  },
  inspect: () => report({ kind: 'inspected', mailboxes: runtime.longestMailboxes() }),
  stats: () => report({ kind: 'stats', stats: features.stats() }),
  reopenLog: () => log.reopen(),
  drain: ({ graceMs }) => void features.drain(graceMs).then(() => report({ kind: 'drained' })),
  stop: () => void stop(),
  stopLogger: () => void runtime.stopLogger().then(() => report({ kind: 'stopped' })),
  bringBack: () => {
    log.bringBack()
    report({ kind: 'broughtBack' })
  },
  ask: (ask) => desk.ask(ask),
  giveUp: ({ token }) => desk.giveUp(token),
  leave: () => leave(OPEN_MS_MAX),
}
const desk = new ProgramDesk({
  launch: launchProgram,
  pack: (value) => {
    const size = packer.pack(value)
    return Uint8Array.from(packer.bytes.subarray(0, size))
  },
  report,
  complain: (text) => runtime.log('error', 0, text),
})

/** The service that the program calls as. */
function launchProgram(): Promise<Service> {
  runtime.loads.add(worker)
  return new Promise((resolve, reject) => {
    runtime.launching.launch({
      url: resolveService('program', import.meta.url, []),
      args: [],
      origin: originOf(false, 'log'),
      onReady: (handle) => resolve(services.get(handle)!),
      onFailure: reject,
    })
  })
}

/**
 * Node.js 20 keeps, too, that it could not read a package.json. So it reads that of ours now, where
 * the module of the first service finds it.
 */
function findDoor(): void {
  const first = moduleOf(pathToFileURL(config.start).href)
  try {
    createRequire(first).resolve('skynet-ts')
  } catch {
    // Services there have another way to us.
  }
}

async function stop(): Promise<void> {
  await runtime.stop('stop')
  // What services said to the logger at their end may still wait for room.
  for (let left = FLUSH_MS_MAX; left > 0 && hasMail(); left--) await delay(1)
  report({ kind: 'stopped' })
}

/** Messages for other workers wait here, after another try to send them. */
function hasMail(): boolean {
  for (const outbox of outboxes) outbox.retry()
  return outboxes.some(({ waiting }) => waiting > 0)
}

/** Of a thread that ends while a file is being opened Node.js leaves the descriptor to nobody. */
function isOpening(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))
}

/** @param openMs How long it may still wait for files. */
function leave(openMs: number): void {
  const isLate = hasMail()
  // Of a dedicated worker the node goes on: what the last service here has said is on its way.
  if ((worker >= config.thread && isLate) || (openMs > 0 && isOpening())) {
    setTimeout(leave, 1, openMs - 1)
    return
  }
  for (const outbox of outboxes) outbox.drop()
  client.flush()
  scheduler.stop()
  process.exit(0)
}

async function dedicate(url: string, memoryLimitMb: number): Promise<number> {
  const token = ++lastToken
  report({ kind: 'dedicate', token, memoryLimitMb })
  const found = await new Promise<number>((resolve) => dedications.set(token, resolve))
  if (found >= 0) return found
  throw new SkynetError('ERR_WORKER_LIMIT', { path: shortPath(url), limit: config.dedicated })
}

/** @param first Of the first service; none: only what the node itself needs. */
function bootstrap(onReady: () => void, first?: string): void {
  const { logservice, logger, logFormat } = config
  // As whoever asks for a launch does.
  runtime.loads.add(worker)
  runtime.launching.launch({
    url: resolveService('bootstrap', import.meta.url, []),
    args: [
      { service: logservice ?? 'logger', file: logger, format: logFormat },
      first,
      config.args,
      config.cluster && { ...config.cluster, start: config.start },
    ],
    origin: originOf(false, 'log'),
    onReady,
    onFailure: (error) => {
      const size = packer.pack(error.cause)
      report({ kind: 'failed', error: Uint8Array.from(packer.bytes.subarray(0, size)) })
    },
  })
}

const tellControl = (control: Control): void =>
  (CONTROL[control.kind] as (control: Control) => void)(control)
process.on('uncaughtException', (error) => stray.fault('uncaught exception', error))
process.on('unhandledRejection', (reason) => stray.fault('unhandled rejection', reason))
port.on('message', (message: Control) => tellControl(message))
assembled.start()
guardHeap(memoryLimitMb, heapBeats, (usedMb) => {
  report({ kind: 'outgrown', usedMb })
  // Until it is ended: what would run now might be what ends the process.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
report({ kind: 'ready', systemId: ownThreadId() })
