/**
 * Joins the kernel, the sockets and the services of one worker. The entry of a worker does that on
 * its thread; so do tests, on theirs.
 */
import type { Writer } from '../base/claim.ts'
import type { Clock } from '../base/clock.ts'
import { Doorbells } from '../base/doorbell.ts'
import { COMMAND_RING_BYTES, RING_BYTES, SOCKET_RING_BYTES } from '../base/limits.ts'
import { ManyRing, StreamRing } from '../base/ring.ts'
import { Channels } from '../kernel/channels.ts'
import { Env } from '../kernel/env.ts'
import { Handles } from '../kernel/handles.ts'
import { Loads } from '../kernel/loads.ts'
import { MonitorCells } from '../kernel/monitor.ts'
import { Multicast } from '../kernel/multicast.ts'
import { Names } from '../kernel/names.ts'
import { Outbox } from '../kernel/outbox.ts'
import { Router, type RouterOptions } from '../kernel/router.ts'
import { Scheduler } from '../kernel/scheduler.ts'
import { Snapshots } from '../kernel/snapshots.ts'
import { Wheel } from '../kernel/wheel.ts'
import { type ClientOptions, SocketClient } from '../net/client.ts'
import { Slots } from '../net/slots.ts'
import { Totals } from '../net/totals.ts'
import type { Os } from '../os/os.ts'
import { LogLedger } from '../service/log-ledger.ts'
import { Runtime, type RuntimeOptions } from '../service/runtime.ts'
import { SharedValues } from '../service/share-data.ts'
import { Packer } from '../wire/seri.ts'
import { Bridge } from './bridge.ts'
import { commandRingOf, type NodeMemory, socketThreadOf } from './memory.ts'
import type { ResolvedConfig } from './options.ts'
import type { Report } from './protocol.ts'

/** Of the config, what a worker needs. */
export type WorkerConfig = Pick<
  ResolvedConfig,
  | 'thread'
  | 'harbor'
  | 'env'
  | 'callTimeoutMs'
  | 'exitMs'
  | 'profile'
  | 'socket'
  | 'services'
  | 'budgets'
>

export interface WorkerOptions {
  readonly memory: NodeMemory
  readonly worker: number
  readonly config: WorkerConfig
  /** Wall clock, ms since 1970, when the node started. */
  readonly startedAt: number
  readonly clock: Clock
  readonly os: Os
  readonly wakeSocketThread: () => void
  readonly report: (message: Report) => void
  /** Of `RuntimeOptions`. */
  readonly dedicate: RuntimeOptions['dedicate']
  readonly notesCalls?: RuntimeOptions['notesCalls']
  readonly isLogservice: RuntimeOptions['isLogservice']
  /** Which service runs next, of so many that have mail. Default: the first. */
  readonly pick?: ((length: number) => number) | undefined
  readonly makeRouter?: (options: RouterOptions) => Router
  readonly makeClient?: (options: ClientOptions) => SocketClient
}

export interface AssembledWorker {
  readonly runtime: Runtime
  readonly scheduler: Scheduler
  readonly wheel: Wheel
  readonly client: SocketClient
  readonly packer: Packer
  /** The ways to the other workers. */
  readonly outboxes: readonly Outbox[]
  /** Begin to take from the rings. */
  readonly start: () => void
}

export function assemble(options: WorkerOptions): AssembledWorker {
  const { memory, worker, config, clock, os, report, pick } = options
  const makeClient = options.makeClient ?? ((given) => new SocketClient(given))
  const socketThread = socketThreadOf(memory)
  const bells = new Doorbells(memory.bells, {
    thread: socketThread,
    wake: options.wakeSocketThread,
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
    pick,
    onOverload: ({ handle }, length) => {
      runtime.log('error', handle, `May overload, message queue length = ${length}`)
    },
  })
  const commandWriter = writerOf(options, commandRingOf(memory))
  const commands = new ManyRing(os.region(memory.commands), 0, COMMAND_RING_BYTES, commandWriter)
  const slots = new Slots(memory.slots)
  const client = makeClient({
    os,
    clock,
    slots,
    totals: new Totals(memory.totals, slots),
    commands,
    bells,
    self: worker,
    socketThread,
  })
  const loads = new Loads(memory.loads, worker, config.thread)
  const runtime = new Runtime({
    worker,
    place: loads.placeOf(worker),
    clock,
    wheel,
    handles,
    names: new Names(memory.names, handles, worker + 1),
    scheduler,
    loads,
    client,
    env: new Env(memory.env, config.env, worker + 1),
    startedAt: options.startedAt,
    shared: new SharedValues(new Snapshots(memory.snapshots, os.blocks, worker + 1)),
    callTimeoutMs: config.callTimeoutMs,
    receiveLimitBytes: config.socket.receiveLimitBytes,
    profile: config.profile,
    exitMs: config.exitMs,
    startNoticeMs: config.budgets.startNoticeMs,
    notesCalls: options.notesCalls,
    folders: config.services,
    ledger: new LogLedger(memory.log, worker),
    isLogservice: options.isLogservice,
    logFallback: (line) => report({ kind: 'log', line }),
    onEmpty: () => report({ kind: 'empty' }),
    onAbort: () => report({ kind: 'abort' }),
    dedicate: options.dedicate,
    onVacant: (vacant, past) => report({ kind: 'vacant', worker: vacant, handles: past }),
  })

  const packer = new Packer()
  const parts = { bells, handles, scheduler, runtime, client, packer }
  const connected = connectRings(options, parts)
  return { runtime, scheduler, wheel, client, packer, ...connected }
}

interface Parts extends Pick<AssembledWorker, 'runtime' | 'scheduler' | 'client' | 'packer'> {
  readonly bells: Doorbells
  readonly handles: Handles
}

function connectRings(
  options: WorkerOptions,
  parts: Parts,
): Pick<AssembledWorker, 'start' | 'outboxes'> {
  const { memory, worker, os } = options
  const { bells, handles, scheduler, runtime, client, packer } = parts
  const makeRouter = options.makeRouter ?? ((given) => new Router(given))
  const rings = memory.messages.map((buffer, number) => {
    const region = os.region(buffer)
    return { region, ring: new ManyRing(region, 0, RING_BYTES, writerOf(options, number)) }
  })
  const outboxes = rings.map(
    ({ ring }, to) => new Outbox(to, ring, { bells, self: worker, packer, blocks: os.blocks }),
  )
  const channels = new Channels(memory.channels, memory.workers)
  const multicast = new Multicast({ worker, channels, scheduler, packer, outboxes })
  const router = makeRouter({
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
  const start = (): void => {
    // What a worker before this one left: it asleep, and others who wait for its ring to be read.
    bells.getUp(worker)
    bells.announceRoom(worker)
    scheduler.start([router, bridge], [...outboxes, client])
  }
  return { start, outboxes }
}

const writerOf = ({ memory, worker }: WorkerOptions, ring: number): Writer => ({
  claims: memory.claims,
  thread: worker,
  ring,
})
