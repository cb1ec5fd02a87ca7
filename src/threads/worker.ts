/** Entry of a worker: join the kernel, the sockets and the services of this thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { realClock } from '../base/clock.ts'
import { Doorbells } from '../base/doorbell.ts'
import {
  COMMAND_RING_BYTES,
  RING_BYTES,
  SHUTDOWN_MS_MAX,
  SOCKET_RING_BYTES,
} from '../base/limits.ts'
import { ManyRing, StreamRing } from '../base/ring.ts'
import { Channels } from '../kernel/channels.ts'
import { Env } from '../kernel/env.ts'
import { Handles } from '../kernel/handles.ts'
import { Loads } from '../kernel/loads.ts'
import { MonitorCells } from '../kernel/monitor.ts'
import { Multicast } from '../kernel/multicast.ts'
import { Names } from '../kernel/names.ts'
import { Outbox } from '../kernel/outbox.ts'
import { Router } from '../kernel/router.ts'
import { Scheduler } from '../kernel/scheduler.ts'
import { Snapshots } from '../kernel/snapshots.ts'
import { Wheel } from '../kernel/wheel.ts'
import { SocketClient } from '../net/client.ts'
import { Slots } from '../net/slots.ts'
import { Totals } from '../net/totals.ts'
import { posixOs } from '../os/posix.ts'
import { resolveService } from '../service/modules.ts'
import { Runtime } from '../service/runtime.ts'
import { SharedValues } from '../service/share-data.ts'
import { Packer } from '../wire/seri.ts'
import { pinThread } from './affinity.ts'
import { Bridge } from './bridge.ts'
import { socketThreadOf } from './memory.ts'
import type { Control, Report, WorkerStart } from './protocol.ts'

const { memory, worker, config, startedAt, wakeupFd } = workerData as WorkerStart
const port = parentPort!
const report = (message: Report): void => port.postMessage(message)

const os = posixOs()
const clock = realClock(startedAt)
const socketThread = socketThreadOf(memory)
const bells = new Doorbells(memory.bells, {
  thread: socketThread,
  wake: () => os.signalWakeup(wakeupFd),
})
const wheel = new Wheel(clock.now(), (error) => runtime.stray('timer', error))
const handles = new Handles(memory.handles, config.harbor)
const scheduler = new Scheduler({
  clock,
  wheel,
  bells,
  worker,
  monitor: new MonitorCells(memory.monitor, worker),
  yield: () => os.yield(),
  onOverload: ({ handle }, length) => {
    runtime.log('error', handle, `May overload, message queue length = ${length}`)
  },
})
const commands = new ManyRing(os.region(memory.commands), 0, COMMAND_RING_BYTES)
const slots = new Slots(memory.slots)
const client = new SocketClient({
  os,
  clock,
  slots,
  totals: new Totals(memory.totals, slots),
  commands,
  bells,
  self: worker,
  socketThread,
})
const runtime = new Runtime({
  worker,
  clock,
  wheel,
  handles,
  names: new Names(memory.names, handles, worker + 1),
  scheduler,
  loads: new Loads(memory.loads, worker),
  client,
  env: new Env(memory.env, config.env, worker + 1),
  startedAt,
  shared: new SharedValues(new Snapshots(memory.snapshots, os.blocks, worker + 1)),
  callTimeoutMs: config.callTimeoutMs,
  receiveLimitBytes: config.socket.receiveLimitBytes,
  exitMs: SHUTDOWN_MS_MAX,
  folders: config.services,
  logFallback: (line) => report({ kind: 'log', line }),
  onEmpty: () => report({ kind: 'empty' }),
  onAbort: () => report({ kind: 'abort' }),
})

const packer = new Packer()
const rings = memory.messages.map((ring) => {
  const region = os.region(ring)
  return { region, ring: new ManyRing(region, 0, RING_BYTES) }
})
const outboxes = rings.map(
  ({ ring }, to) => new Outbox(to, ring, { bells, self: worker, packer, blocks: os.blocks }),
)
const channels = new Channels(memory.channels, memory.workers)
const multicast = new Multicast({ worker, channels, scheduler, packer, outboxes })
const router = new Router({
  worker,
  handles,
  scheduler,
  outboxes,
  inbox: rings[worker]!,
  blocks: os.blocks,
  bells,
  onSystem: runtime.onSystem,
  onPublished: (channel, source, bytes) => multicast.receive(channel, source, bytes),
  onFault: (text) => runtime.log('error', 0, `cannot unpack a ${text}`),
})
runtime.connect(router, multicast)
const { cpus } = config
if (cpus.length > 0) {
  pinThread(os, [cpus[worker % cpus.length]!], (text) => runtime.log('error', 0, text))
}
const stream = os.region(memory.streams[worker]!)
const bridge = new Bridge({
  ring: new StreamRing(stream, 0, SOCKET_RING_BYTES),
  region: stream,
  bells,
  worker,
  router,
  scheduler,
  client,
})

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
scheduler.start([router, bridge], [...outboxes, client])
report({ kind: 'ready' })
