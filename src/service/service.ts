/**
 * One service: its phase, its mailbox, its calls, its tasks and waits, and its end. All else that
 * it may have are parts: part.ts. What its author sees of it is skynet.ts. Everything here runs on
 * the worker where the service lives.
 */
import { checkFlag, checkNumber } from '../base/check.ts'
import type { Clock } from '../base/clock.ts'
import { formatHandle, isSkynetError, SkynetError } from '../base/errors.ts'
import { queueMicrotask } from '../base/event-loop.ts'
import { List } from '../base/list.ts'
import { describe } from '../base/thrown.ts'
import { Context, type Receiver } from '../kernel/context.ts'
import type { Message } from '../kernel/message.ts'
import { Timer } from '../kernel/timer.ts'
import { NO_TIMER, type TimerOwner } from '../kernel/timers.ts'
import type { Wheel } from '../kernel/wheel.ts'
import type { Methods } from '../modules/definition.ts'
import type { ModuleFinder } from '../modules/service-module.ts'
import { isAnswerType, PTYPE } from '../wire/ptype.ts'
import type { Address } from './addresses.ts'
import {
  Calls,
  type CallsRuntime,
  type FailedCall,
  type RequestTraits,
  type Send,
} from './calls.ts'
import { Faults } from './faults.ts'
import type { Ending, ExitHook, ExitReason, Fence, LaunchOrigin } from './life.ts'
import type { LogLevel } from './log.ts'
import { EARLY_TYPES } from './message-types.ts'
import type { Orders } from './orders.ts'
import { OwnTimers } from './own-timers.ts'
import type { Part, PartHost, PartKey } from './part.ts'
import { Profile } from './profile.ts'
import type { RawCaller } from './protocols.ts'
import { type Caller, ServiceRef } from './ref.ts'
import { Requests, type RequestsRuntime } from './requests.ts'
import { begin, isPlain, kept, leaveScopes, type Scope, useScopes } from './scope.ts'
import { asArgument, isThenable, sendable } from './sendable.ts'
import { NONE, Setup, type SetupHost, type WaitingSetup } from './setup.ts'
import { type TaskInfo, Tracer, taskId } from './tasks.ts'
import { areCallsWatched, watchedCall, watchedSend } from './trace.ts'
import type { Waiter, WaitHost } from './wait.ts'
import type { WaitOptions } from './wait-options.ts'

/** What a service needs of its worker. */
export interface ServiceRuntime extends CallsRuntime, RequestsRuntime {
  /** Messages that are no requests, by type: each feature brings those that it handles. */
  readonly rows: MessageRows
  readonly orders: Pick<Orders, 'elsewhere'>
  readonly exitMs: number
  readonly receiveLimitBytes: number
  readonly clock: Clock
  readonly wheel: Wheel
  readonly modules: ModuleFinder
  /** 0: no service has that name now. */
  handleOf(address: Address): number
  /** As `handleOf`. @throws {SkynetError} `ERR_NAME_UNKNOWN`. */
  knownHandle(address: Address): number
  addTimer(ms: number, owner: TimerOwner, task?: unknown): number
  /** The same at a time of `now`. */
  addTimerAt(due: number, owner: TimerOwner, task?: unknown): number
  log(level: LogLevel, handle: number, text: string, title?: string): void
  /** `:0000000a chat/gate`. */
  nameOf(handle: number): string
  /** `error` tells a wait of that service that the service has ended. */
  ended(error: Error, handle: number): void
  /** The service ends now: nobody can reach it any more. */
  retire(service: Service): void
}

/** Messages of one type that are no requests. */
export interface MessageRow {
  receive(service: Service, message: Message): void
  /** The service has ended, and this was in its mailbox. None: its sender is told. */
  left?(message: Message): void
}

/** By type of message; undefined: they are requests. */
export type MessageRows = (MessageRow | undefined)[]

/** Is told what a service gets. */
export interface MessageTap {
  write(message: Message): void
  /** There is nothing more to tell. */
  closing(): void
}

/** Of what a setup waits for, so much is told. */
const WAITS_SHOWN = 5

export class Service
  implements Receiver, Caller, RawCaller, WaitHost, TimerOwner, PartHost, SetupHost
{
  readonly runtime: ServiceRuntime
  readonly context: Context
  /** URL of the module, against which it names others. */
  readonly url: string
  readonly origin: LaunchOrigin
  /** By the index of their keys. */
  #parts: (Part | undefined)[] | undefined
  /** Of a crash. */
  #cause: unknown
  #reason: ExitReason = 'exit'
  firstTimer = NO_TIMER
  #ownTimers: OwnTimers | undefined
  /** `starting` until setup is done, `ending` while exit hooks run, then `ended`. */
  #phase: 'starting' | 'ready' | 'ending' | 'ended' = 'starting'
  /** Until it is done, or the service has ended. */
  #setup: Setup | undefined
  /** It is the one of the cluster that has a name. */
  fence: Fence | undefined
  readonly requests = new Requests(this)
  /** Notes where waits begin, while somebody wants to know. */
  tracer: Tracer | undefined
  /** Measures what its code takes, while somebody wants to know. */
  profile: Profile | undefined
  /** Sees each message before it is handled, while somebody wants to know. */
  tap: MessageTap | undefined
  #calls: Calls | undefined
  #lastTask = 0
  /** Exit hooks, the oldest first; each in an object, as the same may be added twice. */
  #hooks: Set<{ readonly run: ExitHook }> | undefined
  #faults: Faults | undefined
  #forks: (() => unknown)[] | undefined
  /** By what a task is: what hears of its fault. Tasks that wait need none each. */
  #faulted: Map<string, (error: unknown) => void> | undefined
  readonly #waiters = new List<Waiter<unknown>>()

  /** @param waitingFor Setups that wait for this one, each for the next. */
  constructor(
    runtime: ServiceRuntime,
    handle: number,
    url: string,
    title: string,
    origin: LaunchOrigin,
    waitingFor?: readonly WaitingSetup[],
  ) {
    this.origin = origin
    this.#setup = new Setup(this, waitingFor)
    this.runtime = runtime
    this.url = url
    this.context = new Context(handle, title, this)
  }

  get handle(): number {
    return this.context.handle
  }

  get hasEnded(): boolean {
    return this.#phase === 'ended'
  }

  /** It is about to end, or has. */
  get isEnding(): boolean {
    return this.#phase === 'ending' || this.#phase === 'ended'
  }

  /** What is in its mailbox is handled: nobody holds it, and it is not about to end. */
  get takesMail(): boolean {
    return !this.context.isHeld && !this.isEnding
  }

  /** Its setup is under way, and waits for no message and no timer, so for something else. */
  get isSettingUp(): boolean {
    return this.#phase === 'starting' && this.taskCount === 0 && this.firstTimer === NO_TIMER
  }

  /** Undefined: it is done, or the service has ended. */
  get setup(): Setup | undefined {
    return this.#setup
  }

  /** The setups that wait for what this service asks now: see `Setup.waiting`. */
  get setups(): readonly WaitingSetup[] {
    return this.#setup?.waiting ?? NONE
  }

  part<P extends object>(key: PartKey<P>): P | undefined {
    return this.#parts?.[key.index] as P | undefined
  }

  addPart<P extends object>(key: PartKey<P>, part: P): P {
    this.#parts ??= []
    this.#parts[key.index] = part as Part
    if (this.#phase === 'ended') {
      // Nobody would tell it again.
      ;(part as Part).closing?.()
      ;(part as Part).ended?.()
    }
    return part
  }

  /** Rows of `tasks` that its setup waits for, as text: for who reads that it is not done. */
  get waits(): string {
    const rows = this.tasks().filter(({ kind }) => kind !== 'request' && kind !== 'response')
    const shown = rows.slice(0, WAITS_SHOWN).map(({ kind, what }) => `${kind} ${what}`)
    const more = rows.length - shown.length
    return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ')
  }

  /** The node will stop: what is there goes on, nothing new is let in. */
  drain(): void {
    for (const part of this.#parts ?? NONE) part?.draining?.()
  }

  // --- messages ------------------------------------------------------------------------------

  /** Called by the scheduler; see Receiver. */
  receive(message: Message): void {
    if (this.profile === undefined) this.#receive(message)
    else this.#measure(this.profile, message)
  }

  /** Apart from `receive`: a closure in it would cost whoever is not measured. */
  #measure(profile: Profile, message: Message): void {
    profile.measure(() => this.#receive(message))
  }

  #receive(message: Message): void {
    if (this.#phase === 'starting' && !EARLY_TYPES.has(message.type)) {
      this.#setup!.keep(message)
      return
    }
    this.tap?.write(message)
    try {
      this.#handle(message)
    } catch (error) {
      this.fault('handling a message', error)
    }
    if (this.#forks !== undefined) this.#runForks()
  }

  #handle(message: Message): void {
    const { type } = message
    // First, as most messages are calls: each question before this one would be asked of all.
    if (type === PTYPE.LUA) this.#request(message)
    else if (isAnswerType(type)) this.#calls?.answered(message, type === PTYPE.RESPONSE)
    else {
      const row = this.runtime.rows[type]
      if (row === undefined) this.#request(message)
      else row.receive(this, message)
    }
  }

  /** Called for each reference in a message that comes: see Binder. */
  bind(target: number | string): ServiceRef {
    return new ServiceRef(this, target)
  }

  /** A message that travelled within another one is what it would be alone. */
  unwrapped(message: Message): void {
    const row = this.runtime.rows[message.type]
    if (row === undefined) this.requests.handle(message)
    else row.receive(this, message)
  }

  #request(message: Message): void {
    if (this.#phase !== 'ready') this.runtime.router.refuse(message, this.handle)
    else if (isPlain()) this.requests.handle(message)
    else this.#requestIn(message)
  }

  /** Apart from it: a closure would cost also who has no store. */
  #requestIn(message: Message): void {
    begin(() => this.requests.handle(message))
  }

  /** Setup is done: requests may come. */
  ready(methods: Methods): void {
    this.requests.setMethods(methods)
    this.#phase = 'ready'
    const early = this.#setup?.end() ?? NONE
    this.#setup = undefined
    this.runtime.scheduler.redeliver(this.context, early)
  }

  // --- calls ---------------------------------------------------------------------------------

  callMethod(
    to: number,
    message: unknown[],
    options?: WaitOptions,
    more?: RequestTraits,
  ): Promise<unknown> {
    if (areCallsWatched()) return watchedCall(this, PTYPE.LUA, to, message, options, more)
    const { router } = this.runtime
    const send: Send = (session, timeoutMs) =>
      router.send(PTYPE.LUA, to, this.handle, session, message, timeoutMs, true)
    return this.request(message[0] as string, to, options, send, more)
  }

  sendMethod(to: number, message: unknown[]): boolean {
    if (this.#phase === 'ended') return false
    try {
      if (areCallsWatched()) return watchedSend(this, PTYPE.LUA, to, message)
      // Not as made: most of what is sent has an object in it, and the look for that is no gain.
      return this.runtime.router.send(PTYPE.LUA, to, this.handle, 0, message)
    } catch (error) {
      throw asArgument(error)
    }
  }

  rawCall(address: Address, type: number, value: unknown, options?: WaitOptions): Promise<unknown> {
    const { router } = this.runtime
    const to = this.runtime.knownHandle(address)
    if (areCallsWatched()) return watchedCall(this, type, to, value, options)
    return this.request(`type ${type}`, to, options, (session, timeoutMs) =>
      router.send(type, to, this.handle, session, value, timeoutMs),
    )
  }

  rawSend(address: Address, type: number, value: unknown): boolean {
    if (this.#phase === 'ended') return false
    const to = this.runtime.handleOf(address)
    try {
      if (areCallsWatched()) return watchedSend(this, type, to, value)
      return this.runtime.router.send(type, to, this.handle, 0, value)
    } catch (error) {
      throw asArgument(error)
    }
  }

  /** Send a request and wait for its answer. */
  request(
    method: string,
    to: number,
    options: WaitOptions | undefined,
    send: Send,
    more?: RequestTraits,
  ): Promise<unknown> {
    if (this.#phase === 'ended') return Promise.reject(this.exited())
    this.#calls ??= new Calls(this)
    const isHeldUp = this.#phase === 'starting' && more?.isAnsweredInSetup !== true
    const setup = isHeldUp ? this.#setup : undefined
    return this.#calls.request(method, to, options, setup?.sending(to, send) ?? send, more)
  }

  /** The callee of that call has passed it on: see `Requests.redirect`. */
  redirected(message: Message): void {
    this.#calls?.redirected(message)
  }

  isCalling(session: number): boolean {
    return this.#calls?.isOpen(session) === true
  }

  get waitsForSetups(): boolean {
    if (this.#phase !== 'starting' || this.firstTimer !== NO_TIMER) return false
    for (let at = this.#waiters.first; at !== undefined; at = at.next as typeof at) {
      if (at.about.kind !== 'call') return false
    }
    return this.#calls?.waitForSetups === true
  }

  /**
   * A worker died. What it will not answer comes behind what it has answered.
   *
   * @param dead Handles, and -1 less the place of the worker.
   */
  workerDied(worker: number, dead: ReadonlySet<number>, cause: unknown): void {
    const { scheduler } = this.runtime
    const lost = this.#calls?.lostWith(worker, dead, cause) ?? []
    // Its last answers come first.
    if (lost.length > 0) {
      scheduler.whenTaken(() => {
        for (const [session, value] of lost) {
          scheduler.deliver(this.context, { type: PTYPE.ERROR, source: 0, session, value })
        }
      })
    }
    for (const part of this.#parts ?? NONE) part?.workerDied?.(dead)
  }

  // --- tasks, timers, waits --------------------------------------------------------------------

  /** Run `task` after the message that is handled now, before the next one. */
  fork(given: () => unknown): void {
    if (this.#phase === 'ended') return
    const task = kept(given)
    if (this.#forks !== undefined) {
      this.#forks.push(task)
      return
    }
    this.#forks = [task]
    queueMicrotask(() => this.#runForks())
  }

  #runForks(): void {
    const forks = this.#forks
    this.#forks = undefined
    if (forks === undefined) return
    for (const task of forks) if (this.#phase !== 'ended') this.run('fork', task)
  }

  /** Run a task of its author; what it throws is logged, and goes no further. */
  run(what: string, task: () => unknown): void {
    if (this.#setup !== undefined) this.#setup.isBranched = true
    try {
      this.runtime.scheduler.running(this.handle)
      const result = this.#isPlain ? task() : this.#runIn(this.tracer?.scope(what), task)
      if (!isThenable(result)) return
      Promise.resolve(result).catch(this.#faultOf(what))
    } catch (error) {
      this.fault(what, error)
    }
  }

  #faultOf(what: string): (error: unknown) => void {
    this.#faulted ??= new Map()
    return this.#faulted.get(what) ?? this.#addFaultOf(this.#faulted, what)
  }

  #addFaultOf(all: Map<string, (error: unknown) => void>, what: string): (error: unknown) => void {
    const faulted = (error: unknown): void => this.fault(what, error)
    all.set(what, faulted)
    return faulted
  }

  /** Nobody wants to know what its code sets off, or takes. */
  get #isPlain(): boolean {
    return this.profile === undefined && isPlain()
  }

  #runIn(scope: Scope | undefined, task: () => unknown): unknown {
    const run = (): unknown => begin(task, scope)
    return this.profile === undefined ? run() : this.profile.measure(run)
  }

  timeout(ms: number, task: () => unknown): Timer {
    const index = this.hasEnded ? NO_TIMER : this.runtime.addTimer(ms, this, kept(task))
    return new Timer(this.runtime.wheel.timers, index)
  }

  /** A timer of the runtime: see OwnTimers. */
  after(ms: number, task: () => void): Timer {
    if (this.hasEnded) return new Timer(this.runtime.wheel.timers, NO_TIMER)
    this.#ownTimers ??= new OwnTimers(this.runtime)
    return this.#ownTimers.set(ms, task)
  }

  /** Milliseconds since the node started. */
  now(): number {
    return this.runtime.now
  }

  /** A line of the log, in its name. */
  say(level: LogLevel, text: string): void {
    this.runtime.log(level, this.handle, text)
  }

  /** Run `then` behind all mail that has come by now. */
  afterMail(then: () => void): void {
    this.runtime.scheduler.afterMail(this.context, then)
  }

  /** Called by the wheel. */
  timerFired(task: () => unknown): void {
    this.run('timeout', task)
  }

  addTimer(ms: number, owner: TimerOwner, task?: unknown): number {
    return this.runtime.addTimer(ms, owner, task)
  }

  cancelTimers(owner: TimerOwner): void {
    this.runtime.wheel.cancelAll(owner)
  }

  /** Is a timer due that it has set, that one of its waits has, or that the runtime set for it? */
  get hasDueTimer(): boolean {
    const { wheel, now } = this.runtime
    const isDue = (owner: TimerOwner | undefined): boolean =>
      owner !== undefined && wheel.timers.hasDue(owner, now)
    let at = this.#waiters.first
    while (at !== undefined && !isDue(at)) at = at.next as typeof at
    return at !== undefined || isDue(this) || isDue(this.#ownTimers)
  }

  addWaiter(waiter: Waiter<unknown>): void {
    this.#waiters.add(waiter)
  }

  removeWaiter(waiter: Waiter<unknown>): void {
    this.#waiters.remove(waiter)
  }

  // --- what is not done yet ----------------------------------------------------------------------

  /** From now on waits note where they begin, or no longer. */
  trace(isOn: boolean): void {
    checkFlag('trace tasks', 'isOn', isOn)
    if (isOn === (this.tracer !== undefined) || this.#phase === 'ended') return
    if (isOn) useScopes()
    else leaveScopes()
    this.tracer = isOn ? new Tracer(this.handle, () => this.runtime.now) : undefined
  }

  setProfile(isOn: boolean): void {
    this.profile = isOn ? (this.profile ?? new Profile()) : undefined
  }

  /** Rows of `tasks`. */
  get taskCount(): number {
    return this.requests.count + (this.#calls?.unlimited ?? 0) + this.#waiters.size
  }

  nextTaskId(): number {
    return taskId(++this.#lastTask, 'other')
  }

  tasks(): TaskInfo[] {
    const tasks: TaskInfo[] = [...this.requests.tasks(), ...(this.#calls?.tasks() ?? [])]
    for (let at = this.#waiters.first; at !== undefined; at = at.next as typeof at) {
      const { kind, what } = at.about
      // Listed above.
      if (kind === 'call') continue
      if (at.id === 0) at.id = this.nextTaskId()
      tasks.push({ id: at.id, kind, what, ...at.origin })
    }
    return tasks.sort((a, b) => a.id - b.id)
  }

  /** Fail what a row of `tasks` waits for. False: it is done by now. */
  killTask(id: number): boolean {
    checkNumber('kill a task', 'id', id)
    // One that is not listed has no id.
    if (id === 0) return false
    const killed = ({ kind, what }: Pick<TaskInfo, 'kind' | 'what'>): Error =>
      new SkynetError('ERR_TASK_KILLED', { task: `${kind} ${what}` })
    if (this.#calls?.kill(id, killed) || this.requests.kill(id, killed)) return true
    for (let at = this.#waiters.first; at !== undefined; at = at.next as typeof at) {
      if (at.id !== id) continue
      at.reject(killed(at.about))
      return true
    }
    return false
  }

  // --- the end ---------------------------------------------------------------------------------

  /** @returns Takes the hook away again. */
  onExit(hook: ExitHook): () => void {
    const entry = { run: kept(hook) }
    this.#hooks ??= new Set()
    this.#hooks.add(entry)
    return () => void this.#hooks?.delete(entry)
  }

  exited(): SkynetError<'ERR_SERVICE_EXITED'> {
    const { handle } = this
    const error = new SkynetError('ERR_SERVICE_EXITED', { handle })
    this.runtime.ended(error, handle)
    return error
  }

  /**
   * End the service. Its exit hooks run first, oldest first; unless it was killed they may take
   * `exitMs`, and may call others meanwhile, while new requests are refused.
   */
  end(reason: ExitReason): Promise<void> {
    if (this.#phase === 'ending' && reason === 'kill') this.#finish(reason)
    if (this.#phase === 'ending' || this.#phase === 'ended') return Promise.resolve()
    this.#phase = 'ending'
    this.#reason = reason
    for (const message of this.#setup?.end() ?? NONE) {
      this.runtime.router.refuse(message, this.handle)
    }
    const running: PromiseLike<unknown>[] = []
    for (const { run } of this.#hooks ?? []) this.#runLast('exit hook', () => run(reason), running)
    if (reason === 'kill') this.#finish(reason)
    else if (running.length === 0) return this.#sayGoodbye(reason)
    else return this.#awaitHooks(running).then(() => this.#sayGoodbye(reason))
    return Promise.resolve()
  }

  #runLast(what: string, task: () => unknown, running: PromiseLike<unknown>[]): void {
    this.run(what, () => {
      const result = task()
      if (isThenable(result)) running.push(result)
      return result
    })
  }

  /** For as long as they may take. */
  #awaitHooks(running: readonly PromiseLike<unknown>[]): Promise<void> {
    return new Promise((resolve) => {
      const { exitMs } = this.runtime
      const limit = this.after(exitMs, () => {
        this.runtime.log('error', this.handle, `exit hook: not done within ${exitMs} ms`)
        resolve()
      })
      void Promise.allSettled(running).then(() => {
        limit.cancel()
        resolve()
      })
    })
  }

  #sayGoodbye(reason: ExitReason): Promise<void> {
    // It was killed meanwhile.
    if (this.#phase === 'ended') return Promise.resolve()
    const running: PromiseLike<unknown>[] = []
    for (const part of this.#parts ?? NONE) {
      if (part?.parting !== undefined) this.#runLast('goodbye', () => part.parting?.(), running)
    }
    if (running.length > 0) return Promise.allSettled(running).then(() => this.#finish(reason))
    this.#finish(reason)
    return Promise.resolve()
  }

  #finish(reason: ExitReason): void {
    if (this.#phase === 'ended') return
    this.trace(false)
    this.#faults?.end()
    this.#phase = 'ended'
    for (const part of this.#parts ?? NONE) part?.closing?.()
    this.runtime.retire(this)
    for (const part of this.#parts ?? NONE) part?.ended?.()
    this.requests.finish(reason)
    this.#leaveMail()
    this.#calls?.finish(this.exited())
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first) {
      waiter.reject(this.exited())
    }
    this.cancelTimers(this)
    this.#ownTimers?.end()
    this.#setup?.beginning?.ended()
    this.#setup = undefined
  }

  #leaveMail(): void {
    const { router, rows } = this.runtime
    const { mailbox } = this.context
    for (let next = mailbox?.shift(); next !== undefined; next = mailbox?.shift()) {
      const row = rows[next.type]
      if (row?.left === undefined) router.refuse(next, this.handle)
      else row.left(next)
    }
  }

  /** That call failed, and nobody awaited it. */
  forgot(call: FailedCall): void {
    this.#calls?.forgot(call)
  }

  /**
   * A fault of the service: logged with its name, handle and stack; nothing else happens.
   *
   * @param sender Whose message it was that nobody is told about; 0: nobody's.
   */
  fault(what: string, error: unknown, sender = 0): void {
    if (isSkynetError(error, 'ERR_SERVICE_EXITED') && this.#phase !== 'ready') return
    if (isSkynetError(error, 'ERR_SOCKET_FAILED')) {
      // Peers vanish every day: a line, not a stack.
      this.runtime.log('info', this.handle, error.message)
      return
    }
    if (isSkynetError(error, 'ERR_TASK_KILLED')) {
      this.runtime.log('info', this.handle, `${what}: ${error.message}`)
      return
    }
    const told = describe(error)
    if (this.isNewFault(`${what}: ${told}`)) {
      // At once: its title, which another worker knows, would come behind what happens next.
      const from = sender === 0 ? '' : ` from ${this.runtime.nameOf(sender)}`
      this.runtime.log('error', this.handle, `${what}${from}: ${told}`, this.context.title)
    }
    if (this.origin.onFault === 'end') this.crash(error)
  }

  /** False: it has come several times of late, and is counted. */
  isNewFault(text: string): boolean {
    this.#faults ??= new Faults({
      say: (line) => this.runtime.log('error', this.handle, line, this.context.title),
      after: (ms, task) => this.after(ms, task),
    })
    return this.#faults.isNews(text)
  }

  /** End by a fault, which whoever monitors it is told. */
  crash(cause: unknown): void {
    if (this.isEnding) return
    this.#cause = cause
    void this.end('crash')
  }

  /** Whoever gave an order about it, by the name that `askerOf` gives it, waits no more. */
  givenUp(asker: string): void {
    for (const part of this.#parts ?? NONE) part?.givenUp?.(asker)
  }

  /** How it ended, for whoever monitors it. */
  get ending(): Ending {
    const { handle } = this
    const reason = this.#reason
    return reason === 'crash'
      ? { handle, reason, cause: sendable(this.#cause) }
      : { handle, reason }
  }

  get name(): string {
    return `${this.context.title} ${formatHandle(this.handle)}`
  }
}
