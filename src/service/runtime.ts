/** What all services of one worker share, and how they end there. How they begin: launching.ts. */
import type { Clock } from '../base/clock.ts'
import { SkynetError } from '../base/errors.ts'
import { setImmediate } from '../base/event-loop.ts'
import type { Handles } from '../kernel/handles.ts'
import { type Loads, type Place, workerAt } from '../kernel/loads.ts'
import type { Message } from '../kernel/message.ts'
import type { Names } from '../kernel/names.ts'
import type { Router } from '../kernel/router.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import type { TimerOwner } from '../kernel/timers.ts'
import type { Wheel } from '../kernel/wheel.ts'
import type { ModuleFinder } from '../modules/service-module.ts'
import { type Address, Addresses } from './addresses.ts'
import { askerOf } from './askers.ts'
import type { FailedCall } from './calls.ts'
import { Launching, type LaunchingOptions } from './launching.ts'
import type { ExitReason } from './life.ts'
import type { LogLevel } from './log.ts'
import type { GiveUpOrder } from './ordering.ts'
import { LATER, type OrderAbout, type Orders } from './orders.ts'
import type { MessageRows, Service, ServiceRuntime } from './service.ts'
import type { Services } from './services.ts'
import type { CircleOrder } from './setup.ts'
import type { Stray } from './stray.ts'
import type { WorkerLog } from './worker-log.ts'
import type { WorkerTimers } from './worker-timers.ts'

/** Mailboxes in a crash report. */
const MAILBOXES_SHOWN = 100
/** Records that are taken from the ring at a time. */
const RECORDS_PER_READ = 1024

/** A service that has mail. */
export interface MailboxInfo {
  readonly handle: number
  readonly title: string
  readonly length: number
}

/** A worker that is gone. */
export interface WorkerLoss {
  /** Which one, in which incarnation: kernel/loads.ts. */
  readonly place: Place
  readonly thread: string
  readonly reason: string
}

/** What went with a worker. */
export interface WorkerDeath extends WorkerLoss {
  /** Its services. */
  readonly handles: readonly number[]
  /** The number of the last line that it sent to the logger: log-ledger.ts. */
  readonly linesSent: number
}

export interface RuntimeOptions extends LaunchingOptions {
  readonly handles: Handles
  readonly names: Names
  readonly loads: Loads
  readonly scheduler: Scheduler
  readonly router: Router
  readonly clock: Clock
  readonly wheel: Wheel
  /** Over that clock and wheel. */
  readonly timers: WorkerTimers
  /** Sockets: what was written in this turn leaves. */
  readonly client: { flush(): void }
  readonly orders: Orders
  readonly rows: MessageRows
  readonly log: WorkerLog
  readonly stray: Stray
  readonly callTimeoutMs: number
  readonly receiveLimitBytes: number
  readonly exitMs: number
  /** Calls note where they begin: for tests. */
  readonly notesCalls: boolean
  /** Name of this node in its cluster; undefined: it is in none. */
  readonly clusterNode: string | undefined
  /** Only the services of the node itself are left, in the whole node. */
  readonly onEmpty: () => void
  /** A dedicated worker has nothing (any more); the handles that it had. */
  readonly onVacant: (worker: number, handles: readonly number[]) => void
  /** A worker has died, and what it sent before has come. */
  readonly onDeath: () => void
}

export class Runtime implements ServiceRuntime {
  readonly #options: RuntimeOptions
  readonly router: Router
  readonly orders: Orders
  readonly scheduler: Scheduler
  readonly handles: Handles
  readonly loads: Loads
  readonly clock: Clock
  readonly wheel: Wheel
  readonly rows: MessageRows
  readonly worker: number
  readonly callTimeoutMs: number
  readonly receiveLimitBytes: number
  readonly exitMs: number
  readonly notesCalls: boolean
  readonly clusterNode: string | undefined
  readonly launching: Launching
  readonly modules: ModuleFinder
  readonly #services: Services
  readonly #timers: WorkerTimers
  readonly #addresses: Addresses
  /** Of a dedicated worker: the services that it had. */
  readonly #past: number[] = []
  #isStopping = false

  constructor(options: RuntimeOptions) {
    this.#options = options
    this.router = options.router
    this.orders = options.orders
    this.scheduler = options.scheduler
    this.handles = options.handles
    this.loads = options.loads
    this.clock = options.clock
    this.wheel = options.wheel
    this.rows = options.rows
    this.worker = options.worker
    this.callTimeoutMs = options.callTimeoutMs
    this.receiveLimitBytes = options.receiveLimitBytes
    this.exitMs = options.exitMs
    this.notesCalls = options.notesCalls
    this.clusterNode = options.clusterNode
    this.#services = options.services
    this.#timers = options.timers
    this.#addresses = new Addresses(options.names)
    this.launching = new Launching(options, this)
    this.modules = this.launching.modules
    this.#addOrders(options.orders)
  }

  #addOrders(orders: Orders): void {
    const services = this.#services
    orders.add<OrderAbout>('kill', (_message, { handle }) => {
      const service = services.get(handle)
      void service?.end('kill')
      return service !== undefined
    })
    orders.add<GiveUpOrder>('giveUp', ({ source }, { handle, session }) => {
      services.get(handle)?.givenUp(askerOf({ source, session }))
      return LATER
    })
    orders.add<CircleOrder>('circle', ({ source }, order) => {
      services.get(order.handle)?.setup?.refuse(source, order)
      return LATER
    })
  }

  /** Names of the services with timers that are due. */
  get dueServices(): string[] {
    const all = [...this.#services.values()]
    return all.filter(({ hasDueTimer }) => hasDueTimer).map(({ name }) => name)
  }

  get now(): number {
    return this.clock.now()
  }

  addTimer(ms: number, owner: TimerOwner, task?: unknown): number {
    return this.#timers.addTimer(ms, owner, task)
  }

  addTimerAt(due: number, owner: TimerOwner, task?: unknown): number {
    return this.#timers.addTimerAt(due, owner, task)
  }

  log(level: LogLevel, handle: number, text: string, title = this.#services.titleOf(handle)): void {
    this.#options.log.say(level, handle, text, title)
  }

  nameOf(handle: number): string {
    return this.#services.nameOf(handle)
  }

  handleOf(address: Address): number {
    return this.#addresses.handleOf(address)
  }

  knownHandle(address: Address): number {
    return this.#addresses.knownHandle(address)
  }

  ended(error: Error, handle: number): void {
    this.#options.stray.ended(error, handle)
  }

  failed(error: Error, call: FailedCall): void {
    this.#options.stray.failed(error, call)
  }

  /** Of services here that have mail, the longest mailboxes first: for crash reports. */
  longestMailboxes(): MailboxInfo[] {
    const contexts = [...this.router.contexts.values()]
    return contexts
      .map(({ handle, title, mailbox }) => ({ handle, title, length: mailbox?.length ?? 0 }))
      .filter(({ length }) => length > 0)
      .sort((a, b) => b.length - a.length)
      .slice(0, MAILBOXES_SHOWN)
  }

  retire(service: Service): void {
    const { names, place, worker, onEmpty } = this.#options
    const { handles, loads } = this
    handles.retire(service.handle)
    // After retire: a name that is being registered right now is still seen, and released.
    if (handles.isNamed(service.handle)) names.release(service.handle)
    this.router.remove(service.context)
    this.#services.ended(service)
    loads.remove(place)
    if (worker >= loads.workers) this.#vacated(service.handle)
    if (handles.users === 0 && !this.#isStopping) onEmpty()
  }

  /** A dedicated worker ends with its last service. */
  #vacated(handle: number): void {
    this.#past.push(handle)
    if (this.loads.of(this.worker) === 0) this.#options.onVacant(this.worker, this.#past)
  }

  /** Another worker died, with all its services: whoever waits for an answer of it is told. */
  workerDied(death: WorkerDeath): void {
    const { place, handles } = death
    const { log, onDeath } = this.#options
    log.workerDied(handles)
    this.#lose(death, handles)
    // What it said and published before comes first.
    this.scheduler.whenTaken(() => {
      this.#missLines(workerAt(place), death)
      onDeath()
    })
  }

  /** Nothing comes in the place of a worker that died: what was ordered there since is refused. */
  workerClosed(loss: WorkerLoss): void {
    this.#lose(loss, [])
  }

  #lose({ place, thread, reason }: WorkerLoss, handles: readonly number[]): void {
    const lost = new Set([...handles, -1 - place])
    const cause = new SkynetError('ERR_THREAD_DIED', { thread, reason })
    for (const service of this.#services.values()) {
      service.workerDied(workerAt(place), lost, cause)
    }
  }

  #missLines(worker: number, { linesSent, thread }: WorkerDeath): void {
    const { log } = this.#options
    const logger = this.#services.get(log.logger)
    if (logger !== undefined) log.missed(worker, linesSent, thread, logger.context.mailbox)
  }

  /** The node will stop: services go on as ever, but let nothing new in. */
  drain(): void {
    for (const service of this.#services.values()) service.drain()
  }

  /** The node stops: end all services here but the logger, the youngest first. */
  async stop(reason: ExitReason): Promise<void> {
    this.#isStopping = true
    this.launching.stop()
    const { logger } = this.#options.log
    const services = [...this.#services.values()].reverse()
    await Promise.all(services.filter((s) => s.handle !== logger).map((s) => s.end(reason)))
    this.#options.client.flush()
  }

  /** The logger goes last, when all others have said what they had to say. */
  async stopLogger(): Promise<void> {
    const logger = this.#services.get(this.#options.log.logger)
    if (logger === undefined) return
    // What other workers said before they stopped is in the ring by now, or in the mailbox.
    while (!this.router.isEmpty || (logger.context.mailbox?.length ?? 0) > 0) {
      this.router.drain(RECORDS_PER_READ)
      await new Promise(setImmediate)
    }
    await logger.end('stop')
  }

  /** Whoever gave it went with its worker. The news of that came before the order. */
  isLost({ source }: Message): boolean {
    return this.handles.workerOf(source) < 0
  }
}
