/** What all services of one worker share, and how services begin and end there. */
import { checkInteger, checkMs, checkText } from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import { formatHandle, isSkynetError, SkynetError } from '../base/errors.ts'
import { clearTimeout, setImmediate, setTimeout, wallNow } from '../base/event-loop.ts'
import { LOAD_NOTICE_MS } from '../base/limits.ts'
import { remember, shortPath } from '../base/paths.ts'
import { describe, isError, messageOf, placeOf, stackOf } from '../base/thrown.ts'
import type { Env } from '../kernel/env.ts'
import type { Handles } from '../kernel/handles.ts'
import { type Loads, type Place, workerAt } from '../kernel/loads.ts'
import type { Message } from '../kernel/message.ts'
import type { Multicast } from '../kernel/multicast.ts'
import type { Names } from '../kernel/names.ts'
import type { Router } from '../kernel/router.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import type { TimerOwner } from '../kernel/timers.ts'
import type { Wheel } from '../kernel/wheel.ts'
import type { SocketClient } from '../net/client.ts'
import { PTYPE } from '../wire/ptype.ts'
import { askerOf } from './askers.ts'
import type { FailedCall } from './calls.ts'
import type { Methods } from './definition.ts'
import { Faults } from './faults.ts'
import type { Parent } from './kin.ts'
import { type ExitReason, type Origin, originOf } from './life.ts'
import type { LogLevel, LogLine } from './log.ts'
import type { LogLedger } from './log-ledger.ts'
import { isBuiltin, type LoadedService, loadedService, loadService } from './modules.ts'
import { endChild, endWith, follow, tellParent } from './monitor.ts'
import { modulesIn } from './places.ts'
import { begin } from './scope.ts'
import { isThenable, sendable } from './sendable.ts'
import { Service } from './service.ts'
import { Setup, type WaitingSetup } from './setup.ts'
import type { SharedValues } from './share-data.ts'
import { type WorkerStats, workerStats } from './stats.ts'
import { StopHooks } from './stop-hooks.ts'
import type { LaunchOrder, WorkerOrder } from './worker-order.ts'

/** Mailboxes in a crash report. */
const MAILBOXES_SHOWN = 100

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

/**
 * A setup whose promise is garbage is never done: nobody is left who could settle it. It is said,
 * and that is all: what it has begun may be at work all the same.
 */
const abandoned = new FinalizationRegistry<() => void>((tell) => tell())
const ABANDONED = `setup will never be done: what it awaits is gone, or a method is called 'then'`

/** Records that are taken from the ring at a time. */
const RECORDS_PER_READ = 1024

interface Launch {
  readonly url: string
  readonly args: readonly unknown[]
  readonly origin: Origin
  /** The supervisor with which it ends, if any, and by which order of that it is launched. */
  readonly parent?: Parent | undefined
  /** That supervisor does not wait for it any more. */
  isGivenUp?: boolean
  /** As of its order. */
  readonly setups?: readonly WaitingSetup[] | undefined
  /** Exactly one of them is called, once. */
  readonly onReady: (handle: number) => void
  readonly onFailure: (error: SkynetError) => void
}

export interface RuntimeOptions {
  readonly worker: number
  /** The same, in this incarnation. */
  readonly place: Place
  readonly clock: Clock
  readonly wheel: Wheel
  readonly handles: Handles
  readonly names: Names
  readonly scheduler: Scheduler
  readonly loads: Loads
  readonly client: SocketClient
  readonly env: Env
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly shared: SharedValues
  readonly callTimeoutMs: number
  readonly receiveLimitBytes: number
  readonly exitMs: number
  /** How long a setup may take until that is said. */
  readonly startNoticeMs: number
  /** Measure from the beginning how long the code of services takes. */
  readonly profile: boolean
  /** Folders of services with bare names. */
  readonly folders: readonly string[]
  /** Calls note where they begin: for tests. */
  readonly notesCalls?: boolean | undefined
  readonly ledger: LogLedger
  /** Is the service of that URL the one that the user has log instead of ours? */
  readonly isLogservice: (url: string) => boolean
  /** Where lines go while there is no logger. */
  readonly logFallback: (line: LogLine) => void
  /** Only the services of the node itself are left, in the whole node. */
  readonly onEmpty: () => void
  /**
   * Start a worker for a service alone.
   *
   * @throws {SkynetError} `ERR_WORKER_LIMIT`
   */
  readonly dedicate: (url: string, memoryLimitMb: number) => Promise<number>
  /** A dedicated worker has nothing (any more); the handles that it had. */
  readonly onVacant: (worker: number, handles: readonly number[]) => void
  /** A service wants the node to stop. */
  readonly onAbort: () => void
}

export class Runtime {
  readonly options: RuntimeOptions
  readonly client: SocketClient
  readonly shared: SharedValues
  readonly callTimeoutMs: number
  readonly receiveLimitBytes: number
  readonly exitMs: number
  /** Set by `connect`, before the first message. */
  router!: Router
  multicast!: Multicast
  readonly stopHooks = new StopHooks(this)
  /** Each call notes where it begins, and says so in the stack of the error it fails with. */
  readonly notesCalls: boolean
  readonly #failedCalls = new WeakMap<Error, FailedCall>()
  readonly #services = new Map<number, Service>()
  /** Of nobody in particular. */
  readonly #faults = new Faults({
    say: (text) => this.log('error', 0, text),
    after: (ms, task) => {
      const timer = setTimeout(task, ms).unref()
      return { cancel: () => clearTimeout(timer) }
    },
  })
  /** Launches whose modules are being loaded. */
  readonly #loading = new Set<Launch>()
  /** Of a dedicated worker: the services that it had. */
  readonly #past: number[] = []
  /** To whom the last line went. */
  #logger = 0
  #isStopping = false
  /** Services begin with their profile on. */
  #isProfiled: boolean

  constructor(options: RuntimeOptions) {
    this.options = options
    this.#isProfiled = options.profile
    this.client = options.client
    this.shared = options.shared
    this.callTimeoutMs = options.callTimeoutMs
    this.receiveLimitBytes = options.receiveLimitBytes
    this.exitMs = options.exitMs
    this.notesCalls = options.notesCalls ?? false
  }

  connect(router: Router, multicast: Multicast): void {
    this.router = router
    this.multicast = multicast
  }

  get now(): number {
    return this.options.clock.now()
  }

  /**
   * Hand `task` to `owner` after `ms`. Returns the index of the timer.
   *
   * @throws {RangeError} When `ms` is no delay.
   */
  addTimer(ms: number, owner: TimerOwner, task?: unknown): number {
    checkMs('set a timer', 'ms', ms)
    return this.addTimerAt(this.now + ms, owner, task)
  }

  /** The same at a time of `now`. */
  addTimerAt(due: number, owner: TimerOwner, task?: unknown): number {
    const { wheel, scheduler } = this.options
    const timer = wheel.add(due, owner, task)
    scheduler.timerAdded(due)
    return timer
  }

  get clock(): Clock {
    return this.options.clock
  }

  get worker(): number {
    return this.options.worker
  }

  get handles(): Handles {
    return this.options.handles
  }

  get loads(): Loads {
    return this.options.loads
  }

  get scheduler(): Scheduler {
    return this.options.scheduler
  }

  get wheel(): Wheel {
    return this.options.wheel
  }

  log(level: LogLevel, handle: number, text: string, title = this.titleOf(handle) ?? ''): void {
    const line: LogLine = { at: wallNow(), level, handle, title, text }
    const { names, ledger, logFallback } = this.options
    const logger = names.query('.logger')
    if (logger !== this.#logger) {
      this.bringBack()
      this.#logger = logger
    }
    // A fault of the logger itself would only be its next fault.
    if (logger === 0 || handle === logger) logFallback(line)
    else if (!this.router.send(PTYPE.TEXT, logger, handle, ledger.sent(line), line)) {
      // It ended in this moment.
      this.bringBack()
    }
  }

  /** What the logger has not written, and will not: to where lines go while there is none. */
  bringBack(): void {
    const { ledger, logFallback } = this.options
    const { lines, lost } = ledger.takeBack()
    for (const line of lines) logFallback(line)
    if (lost === 0) return
    const text = `${lost} lines were lost with the logger`
    logFallback({ at: wallNow(), level: 'error', handle: 0, title: '', text })
  }

  /** Handle of `:0000000a`, `.name` or a number; 0 when there is no such name. */
  handleOf(address: number | string): number {
    if (typeof address === 'number') {
      checkInteger('find a service', 'address', address, 0, 0xffffffff)
      return address
    }
    checkText('find a service', 'address', address)
    if (!address.startsWith(':')) return this.options.names.query(address)
    const handle = Number.parseInt(address.slice(1), 16)
    return Number.isNaN(handle) ? 0 : handle >>> 0
  }

  /** As `handleOf`. @throws {SkynetError} `ERR_NAME_UNKNOWN`. */
  knownHandle(address: number | string): number {
    const handle = this.handleOf(address)
    if (handle === 0) throw new SkynetError('ERR_NAME_UNKNOWN', { name: String(address) })
    return handle
  }

  /** An order to this worker. The answer goes to the service that asked. */
  readonly onSystem = (message: Message): void => {
    const order = message.value as WorkerOrder
    if (order.order === 'launch') this.#launchFor(message, order)
    else if (order.order === 'cancel') this.#cancel(message.source, order.session)
    else if (order.order === 'uniques') this.#reply(message, this.#uniques())
    else if (order.order === 'stats') this.#reply(message, this.stats())
    else if (order.order === 'profile') this.#reply(message, this.#profile(order))
    else {
      try {
        this.#ordered(message, order)
      } catch (error) {
        this.router.send(PTYPE.ERROR, message.source, 0, message.session, sendable(error))
      }
    }
  }

  /** False: who gave the order went with its worker. The news of that came before the order. */
  #isThere({ source }: Message): boolean {
    return this.options.handles.workerOf(source) >= 0
  }

  /** Something about one service, which may have ended. */
  #ordered(
    message: Message,
    order: Exclude<
      WorkerOrder,
      LaunchOrder | { order: 'cancel' | 'uniques' | 'stats' | 'profile' }
    >,
  ): void {
    const { handle } = order
    const service = this.#services.get(handle)
    switch (order.order) {
      case 'monitor':
        if (service === undefined) this.#reply(message, { handle, reason: 'gone' })
        else if (this.#isThere(message)) service.kin.watch(message)
        return
      case 'giveUp':
        service?.givenUp(askerOf({ source: message.source, session: order.session }))
        return
      case 'circle':
        service?.refuseCircle(message.source, order)
        return
      case 'adopt':
        if (service === undefined) endChild(this, message.source)
        else service.adopt(message.source)
        return
      case 'disown':
        service?.disown(message.source)
        return
      case 'link':
        if (service !== undefined) follow(service, message.source)
        return
      case 'mailbox':
        if (service === undefined) this.router.refuse(message, handle)
        else this.#reply(message, service.inbox.info)
        return
      case 'room':
        if (service === undefined) this.router.refuse(message, handle)
        else if (this.#isThere(message)) service.inbox.waitForRoom(message)
        return
      case 'kill':
        void service?.end('kill')
        break
      case 'signal':
        service?.signal(order.number)
        break
      default:
        service?.logMessages(order.order === 'logOn')
    }
    this.#reply(message, service !== undefined)
  }

  stats(): WorkerStats {
    return workerStats(this, this.#services.values())
  }

  /** False: there is no such service. */
  #profile({ handle, isOn }: WorkerOrder & { order: 'profile' }): boolean {
    if (handle === 0) {
      this.#isProfiled = isOn
      for (const service of this.#services.values()) service.setProfile(isOn)
      return true
    }
    const service = this.#services.get(handle)
    service?.setProfile(isOn)
    return service !== undefined
  }

  /** URL and handle of each unique service here. */
  #uniques(): [string, number][] {
    const uniques = [...this.#services.values()].filter(({ origin }) => origin.isUnique)
    return uniques.map(({ url, handle }) => [url, handle])
  }

  /** A supervisor has given up a launch: what comes of it would be nobody's. */
  #cancel(source: number, session: number): void {
    const asker = askerOf({ source, session })
    for (const launch of this.#loading) if (launch.parent?.asker === asker) launch.isGivenUp = true
    for (const service of this.#services.values()) {
      if (service.parent?.asker === asker) void service.end('kill')
    }
  }

  #launchFor(message: Message, order: LaunchOrder): void {
    // Meant for the worker that was here before: whoever ordered it was told of its death.
    if (order.place !== this.options.place) return
    const { source, session } = message
    this.launch({
      url: order.url,
      args: order.args,
      origin: originOf(source === this.options.names.query('.service'), order.onFault ?? 'log'),
      parent: order.isChild === true ? { handle: source, asker: askerOf(message) } : undefined,
      setups: order.setups,
      onReady: (handle) => this.#reply(message, handle),
      onFailure: (error) => {
        if (session === 0) this.log('error', 0, describe(error))
        else this.router.send(PTYPE.ERROR, source, 0, session, sendable(error))
      },
    })
  }

  /** Launch a service here. Whoever asks has counted it in `loads` already. */
  launch(launch: Launch): void {
    const known = loadedService(launch.url)
    if (known !== undefined) {
      this.#launch(known, launch)
      return
    }
    const load = () => begin(() => loadService(launch.url))
    const notice = setTimeout(() => {
      const late = `${shortPath(launch.url)} is not loaded after ${LOAD_NOTICE_MS} ms`
      this.log('error', 0, `Service ${late}: a top-level await that never ends?`)
    }, LOAD_NOTICE_MS)
    this.#loading.add(launch)
    const loading = this.options.scheduler.watching(load).finally(() => {
      clearTimeout(notice)
      this.#loading.delete(launch)
    })
    loading.then(
      (definition) => this.#launch(definition, launch),
      (error: unknown) => this.#notBegun(launch, error),
    )
  }

  /** Launches that go on by themselves, without a message or a timer: modules, setups that read. */
  get launching(): string[] {
    const loading = [...this.#loading].map(({ url }) => `the module ${shortPath(url)} is loaded`)
    const settingUp = [...this.#services.values()].filter(({ isSettingUp }) => isSettingUp)
    return [...loading, ...settingUp.map(({ name }) => `the setup of ${name} is not done`)]
  }

  #reply({ source, session }: Message, value: unknown): void {
    if (session !== 0) this.router.send(PTYPE.RESPONSE, source, 0, session, value)
  }

  /** The launch failed before there was a service: take back what the launcher counted. */
  #notBegun(launch: Launch, error: unknown): void {
    this.options.loads.remove(this.options.place)
    this.#failed(launch, error)
  }

  #failed({ url, onFailure }: Launch, error: unknown): void {
    const path = shortPath(url)
    const hasExited = isSkynetError(error, 'ERR_SERVICE_EXITED')
    const isOfModule = isSkynetError(error, 'ERR_SERVICE_LAUNCH') && error.info.path === path
    const own = isOfModule ? error.info.reason : explain(error)
    const info = { path, reason: hasExited ? 'it ended before its setup was done' : own }
    onFailure(new SkynetError('ERR_SERVICE_LAUNCH', info, { cause: sendable(error) }))
  }

  #launch(definition: LoadedService, launch: Launch): void {
    let service: Service
    const setup = new Setup(launch.setups)
    try {
      if (this.#isStopping) throw new Error('the node is stopping')
      if (launch.isGivenUp === true) throw new Error('nobody waits for it any more')
      const { handles, worker } = this.options
      const handle = handles.register(worker, isBuiltin(launch.url))
      const { url, origin } = launch
      service = new Service(this, handle, url, titleOf(url), origin, setup)
    } catch (error) {
      this.#notBegun(launch, error)
      return
    }
    service.setProfile(this.#isProfiled)
    this.#services.set(service.handle, service)
    this.router.add(service.context)
    let isOver = false
    let notice: ReturnType<typeof setTimeout> | undefined
    const failed = (error: unknown): void => {
      if (isOver) return
      isOver = true
      clearTimeout(notice)
      // First the end: whoever is told finds nothing of the service any more, no name either.
      void service.end('launch failed').then(() => this.#failed(launch, error))
    }
    const launched = (methods: unknown): void => {
      // One that is about to end is not ready any more: its end tells who launched it.
      if (isOver || service.isEnding) return
      isOver = true
      clearTimeout(notice)
      service.ready((methods ?? {}) as Methods)
      launch.onReady(service.handle)
    }
    // Ended by itself or killed while its setup was still under way.
    setup.onEnded = () => failed(service.exited())
    if (launch.parent !== undefined) endWith(service, launch.parent)
    // Its supervisor was gone: it has ended before it began.
    if (service.hasEnded) return
    try {
      this.options.scheduler.running(service.handle)
      const result = begin(() => definition.setup(service.facade, ...launch.args))
      if (isThenable(result) && !('catch' in result)) {
        // A promise has both. Whoever awaits these methods would call one of them.
        failed(new TypeError(`a method cannot be called 'then'`))
      } else if (isThenable(result)) {
        const promise = Promise.resolve(result)
        abandoned.register(promise, () => {
          if (!isOver) this.log('error', service.handle, ABANDONED)
        })
        promise.then(launched, failed)
        if (!isOver && !isBuiltin(launch.url)) notice = this.#noticeOf(service)
      } else launched(result)
    } catch (error) {
      failed(error)
    }
  }

  /** What a setup awaits may never come: that is said, for it could be waited for silently. */
  #noticeOf(service: Service): ReturnType<typeof setTimeout> {
    const { startNoticeMs } = this.options
    return setTimeout(() => {
      if (service.isEnding) return
      const waits = service.waits || 'what it awaits may never come'
      this.log('error', service.handle, `setup: not done after ${startNoticeMs} ms: ${waits}`)
    }, startNoticeMs).unref()
  }

  /** The service ends now: nobody can reach it any more. */
  retire(service: Service): void {
    const { handles, names, loads, worker } = this.options
    handles.retire(service.handle)
    // After retire: a name that is being registered right now is still seen, and released.
    if (handles.isNamed(service.handle)) names.release(service.handle)
    this.router.remove(service.context)
    this.#services.delete(service.handle)
    this.stopHooks.remove(service)
    loads.remove(this.options.place)
    if (worker >= loads.workers) this.#vacated(service.handle)
    for (const watcher of service.watchers) this.#reply(watcher, service.ending)
    for (const child of service.children) endChild(this, child)
    tellParent(service)
    if (handles.users === 0 && !this.#isStopping) this.options.onEmpty()
  }

  /** The node will stop: accept nothing new, and let services finish what they have begun. */
  async drain(graceMs: number): Promise<void> {
    for (const service of this.#services.values()) service.stopListening()
    await this.stopHooks.run(graceMs)
  }

  /** A dedicated worker ends with its last service. */
  #vacated(handle: number): void {
    const { loads, worker, onVacant } = this.options
    this.#past.push(handle)
    if (loads.of(worker) === 0) onVacant(worker, this.#past)
  }

  /** Another worker died, with all its services: whoever waits for an answer of it is told. */
  workerDied(death: WorkerDeath): void {
    const { place, handles } = death
    if (handles.includes(this.#logger)) this.bringBack()
    this.#lose(death, handles)
    // What it said and published before comes first.
    this.options.scheduler.whenTaken(() => {
      this.#missLines(workerAt(place), death)
      this.multicast.workerDied()
      this.shared.lookAgain()
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

  /** Of a worker that died, lines for the logger here that never left it. */
  #missLines(worker: number, { linesSent, thread }: WorkerDeath): void {
    const { names, ledger } = this.options
    const logger = this.#services.get(names.query('.logger'))
    if (logger === undefined) return
    const missing = ledger.missing(worker, linesSent, logger.context.mailbox)
    if (missing > 0) this.log('error', 0, `${missing} lines of ${thread} were lost with it`)
  }

  /** The node stops: end all services here but the logger, the youngest first. */
  async stop(reason: ExitReason): Promise<void> {
    this.#isStopping = true
    const logger = this.options.names.query('.logger')
    const services = [...this.#services.values()].reverse()
    await Promise.all(services.filter((s) => s.handle !== logger).map((s) => s.end(reason)))
    this.client.flush()
  }

  /** The services here that have mail, the longest mailboxes first: for crash reports. */
  longestMailboxes(): MailboxInfo[] {
    const contexts = [...this.router.contexts.values()]
    return contexts
      .map(({ handle, title, mailbox }) => ({ handle, title, length: mailbox?.length ?? 0 }))
      .filter(({ length }) => length > 0)
      .sort((a, b) => b.length - a.length)
      .slice(0, MAILBOXES_SHOWN)
  }

  /** The log file was renamed: let the logger open it anew. */
  reopenLog(): void {
    this.router.send(PTYPE.SYSTEM, this.options.names.query('.logger'), 0, 0, null)
  }

  /** The logger goes last, when all others have said what they had to say. */
  async stopLogger(): Promise<void> {
    const logger = this.#services.get(this.options.names.query('.logger'))
    if (logger === undefined) return
    // What other workers said before they stopped is in the ring by now, or in the mailbox.
    while (!this.router.isEmpty || (logger.context.mailbox?.length ?? 0) > 0) {
      this.router.drain(RECORDS_PER_READ)
      await new Promise(setImmediate)
    }
    await logger.end('stop')
  }

  /** `error` is what a call was rejected with. */
  failed(error: Error, call: FailedCall): void {
    this.#failedCalls.set(error, call)
    if (!this.notesCalls || call.place === '') return
    error.stack = `${stackOf(error)}\n    at call ${call.what} (${call.place})`
  }

  /** Of a service here; undefined: it is none, or has ended. */
  titleOf(handle: number): string | undefined {
    return this.#services.get(handle)?.context.title
  }

  /** `:0000000a chat/gate` of a service here; of others the handle alone is known. */
  nameOf(handle: number): string {
    const title = this.titleOf(handle)
    return title === undefined ? formatHandle(handle) : `${formatHandle(handle)} ${title}`
  }

  /** A fault that no task of a service caught: a promise nobody awaits, an event of a library. */
  stray(what: string, error: unknown): void {
    if (isSkynetError(error, 'ERR_SERVICE_EXITED')) return
    const call = this.#failedCalls.get(error as Error)
    const suspects = call === undefined ? this.#suspects(error) : [call.service]
    const handle = suspects.length === 1 ? suspects[0]!.handle : 0
    const titles = [...new Set(suspects.map(({ context }) => context.title))].join(', ')
    const about = suspects.length > 1 ? ` (one of ${suspects.length} ${titles})` : forgotten(call)
    const service = this.#services.get(handle)
    const text = `${what}${about}: ${describe(error)}`
    const isNew = service === undefined ? this.#faults.isNews(text) : service.isNewFault(text)
    if (isNew) this.log('error', handle, text)
    if (service?.origin.onFault === 'end') service.crash(error)
  }

  /** Whose fault it is, is told by the stack: that of the only service of the only module in it. */
  #suspects(error: unknown): Service[] {
    const services = [...this.#services.values()]
    const urls = services.map(({ url }) => url)
    const modules = modulesIn(stackOf(error), urls)
    return services.filter(({ url }) => modules.has(url))
  }
}

/** Which call it was that nobody awaited, and where; that is known of the second one. */
function forgotten(call: FailedCall | undefined): string {
  if (call === undefined) return ''
  const { service, what, place } = call
  service.forgot(call)
  return ` (call ${what}${place === '' ? '' : ` at ${shortPath(place)}`})`
}

/** Why a setup failed, in one line: an error of a library says its class and where it happened. */
function explain(error: unknown): string {
  const message = messageOf(error)
  if (isSkynetError(error) || !isError(error)) return message
  const place = placeOf(error)
  return `${error.name}: ${message}${place === '' ? '' : ` (${shortPath(place)})`}`
}

const titles = new Map<string, string>()

/** `chat/agent` of `…/chat/agent.ts`: enough to know it by. */
function titleOf(url: string): string {
  let title = titles.get(url)
  if (title === undefined) {
    const path = shortPath(url).replace(/\.[mc]?[jt]s$/, '')
    title = path.split('/').slice(-2).join('/')
    remember(titles, url, title)
  }
  return title
}
