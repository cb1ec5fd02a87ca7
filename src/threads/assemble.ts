/**
 * Joins the kernel, the sockets and the services of one worker. The entry of a worker does that on
 * its thread; so do tests, on theirs.
 */

import type { Clock } from '../base/clock.ts'
import { COMMAND_RING_BYTES, RING_BYTES, SOCKET_RING_BYTES } from '../base/limits.ts'
import { BusyCells } from '../kernel/busy.ts'
import { Channels } from '../kernel/channels.ts'
import type { Context } from '../kernel/context.ts'
import { Env } from '../kernel/env.ts'
import { Handles } from '../kernel/handles.ts'
import { Loads } from '../kernel/loads.ts'
import { Multicast } from '../kernel/multicast.ts'
import { Names } from '../kernel/names.ts'
import { Outbox } from '../kernel/outbox.ts'
import { Router, type RouterOptions } from '../kernel/router.ts'
import { type Inlet, Scheduler } from '../kernel/scheduler.ts'
import { Snapshots } from '../kernel/snapshots.ts'
import { Wheel } from '../kernel/wheel.ts'
import { resolveService } from '../modules/modules.ts'
import { SocketClient } from '../net/client/client.ts'
import { Slots } from '../net/slots.ts'
import { Totals } from '../net/totals.ts'
import type { Os } from '../os/os.ts'
import { LateCaller } from '../service/late-caller.ts'
import type { LogLine } from '../service/log.ts'
import { LogLedger } from '../service/log-ledger.ts'
import { Orders } from '../service/orders.ts'
import { Runtime, type RuntimeOptions } from '../service/runtime.ts'
import type { MessageRows } from '../service/service.ts'
import { Services } from '../service/services.ts'
import { Stray, type StrayOptions } from '../service/stray.ts'
import { WorkerLog } from '../service/worker-log.ts'
import { WorkerTimers } from '../service/worker-timers.ts'
import { SharedValues } from '../sharing/share-data.ts'
import type { ClaimWriter } from '../shm/claim.ts'
import { Doorbells } from '../shm/doorbell.ts'
import { ManyRing, StreamRing } from '../shm/ring.ts'
import { addFeatures, type Features } from '../skynet/features.ts'
import type { Site } from '../skynet/site.ts'
import { Skynet } from '../skynet/skynet.ts'
import { endWith } from '../supervision/monitor.ts'
import { StopHooks } from '../supervision/stop-hooks.ts'
import { Packer } from '../wire/pack.ts'
import { Bridge } from './bridge.ts'
import { commandRingOf, type NodeMemory, socketThreadOf } from './memory.ts'
import type { ResolvedConfig } from './options.ts'
import type { Report } from './protocol.ts'

/** Of the config, what a worker needs. */
export type WorkerConfig = Pick<
  ResolvedConfig,
  | 'thread'
  | 'harbor'
  | 'cluster'
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
  /** Of `LaunchSite`. */
  readonly dedicate: Site['dedicate']
  /** Of `LaunchSite`. Default: in the folders of the config. */
  readonly resolve?: Site['resolve']
  /** Calls note where they begin: for tests. */
  readonly notesCalls?: boolean
  /** Of `StrayOptions`. */
  readonly onKnown?: StrayOptions['onKnown']
  /** Of `NamingSite`. */
  readonly isLogservice: Site['isLogservice']
  /** Of `SchedulerOptions`. */
  readonly hasTimedTurns?: boolean
  /** Which service runs next, of so many that have mail. Default: the first. */
  readonly pick?: ((length: number) => number) | undefined
  readonly makeRouter?: (options: RouterOptions) => Router
  /** What is read of its sockets. Default: its end of the ring, which another thread fills. */
  readonly inletOf?: (bridge: Bridge) => Inlet
}

export interface AssembledWorker {
  readonly runtime: Runtime
  readonly features: Features
  readonly services: Services
  readonly log: WorkerLog
  readonly stray: Stray
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
  const { memory, worker, config, os } = options
  const base = baseOf(options)
  const { bells, scheduler, wheel, log, stray, services, ledger } = base
  const orders = new Orders()
  const mail = connectRings(options, { ...base, orders })
  const { router, packer, outboxes } = mail
  log.connect(router)
  orders.connect(router)
  const client = clientOf(options, bells)
  const loads = new Loads(memory.loads, worker, config.thread)
  const shared = new SharedValues(new Snapshots(memory.snapshots, os.blocks, worker + 1))
  const site = siteOf(options, { ...base, ...mail, loads, client, shared })
  const rows: MessageRows = []
  const runtime = runtimeOf(options, { ...base, ...mail, loads, client, orders, rows }, site)
  const features = addFeatures({ orders, rows, services, runtime, site, ledger })
  const { inletOf = (bridge) => bridge } = options
  const inlet = inletOf(bridgeOf(options, { bells, router, scheduler, client }))
  const start = (): void => {
    // What a worker before this one left: it asleep, and others who wait for its ring to be read.
    bells.getUp(worker)
    bells.announceRoom(worker)
    scheduler.start([router, inlet], [...outboxes, client])
  }
  return {
    runtime,
    features,
    services,
    log,
    stray,
    scheduler,
    wheel,
    client,
    packer,
    outboxes,
    start,
  }
}

/** What stands before there is a way to others: names, the log, time, and turns. */
function baseOf(options: WorkerOptions) {
  const { memory, worker, config, clock, os } = options
  const handles = new Handles(memory.handles, config.harbor)
  const names = new Names(memory.names, handles, worker + 1)
  const ledger = new LogLedger(memory.log, worker)
  const fallback = (line: LogLine): void => options.report({ kind: 'log', line })
  const log = new WorkerLog({ names, ledger, fallback })
  const contexts = new Map<number, Context>()
  const services = new Services(contexts)
  const say = (handle: number, text: string): void =>
    log.say('error', handle, text, services.titleOf(handle))
  const { notesCalls = false, onKnown } = options
  const stray = new Stray({ services, say, notesCalls, onKnown })
  const wheel = new Wheel(clock.now(), (error) => stray.fault('timer', error))
  const thread = socketThreadOf(memory)
  const bells = new Doorbells(memory.bells, { thread, wake: options.wakeSocketThread })
  const scheduler = new Scheduler({
    clock,
    wheel,
    bells,
    worker,
    monitor: new BusyCells(memory.monitor, worker),
    yield: () => os.yield(),
    hasTimedTurns: options.hasTimedTurns,
    pick: options.pick,
    onOverload: ({ handle }, length) =>
      say(handle, `May overload, message queue length = ${length}`),
  })
  const timers = new WorkerTimers({ clock, wheel, scheduler })
  const kernel = { handles, names, contexts, wheel, timers, bells, scheduler }
  return { ...kernel, ledger, log, services, say, stray }
}
type Base = ReturnType<typeof baseOf>

type SiteParts = Base & Pick<Site, 'loads' | 'client' | 'multicast' | 'shared'>

function siteOf(options: WorkerOptions, parts: SiteParts): Site {
  const { memory, worker, config, startedAt, dedicate, isLogservice, report } = options
  const { names, loads, client, multicast, shared, timers, ledger } = parts
  return {
    worker,
    names,
    loads,
    client,
    multicast,
    shared,
    startedAt,
    dedicate,
    isLogservice,
    clusterNode: config.cluster?.name,
    env: new Env(memory.env, config.env, worker + 1),
    resolve: options.resolve ?? ((path, base) => resolveService(path, base, config.services)),
    stopHooks: new StopHooks(timers),
    onVacant: (vacant, past) => report({ kind: 'vacant', worker: vacant, handles: past }),
    onAbort: () => report({ kind: 'abort' }),
    onLoggerNamed: () => ledger.settleHere(),
  }
}

type RuntimeParts = Base & Pick<RuntimeOptions, 'loads' | 'router' | 'client' | 'orders' | 'rows'>

function runtimeOf(options: WorkerOptions, parts: RuntimeParts, site: Site): Runtime {
  const { worker, config, clock, report, notesCalls = false } = options
  const { multicast, shared, onVacant } = site
  const runtime = new Runtime({
    ...parts,
    worker,
    place: parts.loads.placeOf(worker),
    clock,
    notesCalls,
    callTimeoutMs: config.callTimeoutMs,
    receiveLimitBytes: config.socket.receiveLimitBytes,
    exitMs: config.exitMs,
    clusterNode: config.cluster?.name,
    startNoticeMs: config.budgets.startNoticeMs,
    facadeOf: (service) => new Skynet(service, site),
    endWith,
    onEmpty: () => report({ kind: 'empty' }),
    onVacant,
    onDeath: () => {
      multicast.workerDied()
      shared.lookAgain()
    },
  })
  runtime.launching.isProfiled = config.profile
  return runtime
}

function clientOf(options: WorkerOptions, bells: Doorbells): SocketClient {
  const { memory, worker, clock, os } = options
  const commandWriter = writerOf(options, commandRingOf(memory))
  const commands = new ManyRing(os.region(memory.commands), 0, COMMAND_RING_BYTES, commandWriter)
  const slots = new Slots(memory.slots)
  return new SocketClient({
    os,
    clock,
    slots,
    totals: new Totals(memory.totals, slots),
    commands,
    bells,
    self: worker,
    socketThread: socketThreadOf(memory),
  })
}

interface MailParts {
  readonly bells: Doorbells
  readonly handles: Handles
  readonly contexts: Map<number, Context>
  readonly scheduler: Scheduler
  readonly orders: Orders
  readonly say: (handle: number, text: string) => void
}

/** The ways of messages to and from the other workers. */
function connectRings(options: WorkerOptions, parts: MailParts) {
  const { memory, worker, os } = options
  const { bells, handles, contexts, scheduler, orders, say } = parts
  const packer = new Packer()
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
    contexts,
    outboxes,
    packer,
    inbox: rings[worker]!,
    blocks: os.blocks,
    bells,
    onSystem: orders.take,
    newBinder: () => new LateCaller(),
    onPublished: (channel, source, bytes) => multicast.receive(channel, source, bytes),
    onFault: (text) => say(0, `cannot unpack a ${text}`),
  })
  return { router, multicast, packer, outboxes }
}

interface BridgeParts {
  readonly bells: Doorbells
  readonly router: Router
  readonly scheduler: Scheduler
  readonly client: SocketClient
}

function bridgeOf({ memory, worker, os }: WorkerOptions, parts: BridgeParts): Bridge {
  const stream = os.region(memory.streams[worker]!)
  const ring = new StreamRing(stream, 0, SOCKET_RING_BYTES)
  return new Bridge({ ...parts, ring, region: stream, worker })
}

const writerOf = ({ memory, worker }: WorkerOptions, ring: number): ClaimWriter => ({
  claims: memory.claims,
  thread: worker,
  ring,
})
