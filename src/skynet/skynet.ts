/** What a service author has in hand: the first argument of every service. */
import { checkFunction, checkString } from '../base/check.ts'
import { printed } from '../base/thrown.ts'
import { DebugApi } from '../debug/debug-api.ts'
import { type StatName, stat } from '../debug/stat.ts'
import type { EnvValue } from '../kernel/env.ts'
import type { Timer } from '../kernel/timer.ts'
import { launchFrom } from '../launch/imported.ts'
import { type LaunchRest, launchOptions } from '../launch/options.ts'
import { askManager } from '../launch/unique-service.ts'
import type { AnyService, Methods, MethodsOf } from '../modules/definition.ts'
import type { ServicePath } from '../modules/service-module.ts'
import type { Address } from '../service/addresses.ts'
import { askMailbox, inboxOf, type MailboxState } from '../service/inbox.ts'
import type { Ending, ExitHook, Fence } from '../service/life.ts'
import type { Packing } from '../service/message-value.ts'
import { askAbout } from '../service/ordering.ts'
import { Protocol, type ProtocolDefinition, type RequestContext } from '../service/protocols.ts'
import { ServiceRef } from '../service/ref.ts'
import type { Response } from '../service/response.ts'
import { wroteAs } from '../service/sendable.ts'
import type { TaskInfo } from '../service/tasks.ts'
import { trace } from '../service/trace.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import { Datacenter, NodeData } from '../sharing/datacenter.ts'
import { MulticastApi } from '../sharing/multicast.ts'
import { ShareDataApi } from '../sharing/share-data.ts'
import { SocketOpener } from '../sockets/opening.ts'
import { SocketApi } from '../sockets/socket-api.ts'
import { exit, kill } from '../supervision/ending.ts'
import { link, monitor } from '../supervision/monitor.ts'
import { checkNotNeeded } from '../supervision/needed.ts'
import { onSignal, signal } from '../supervision/signals.ts'
import type { StopHook } from '../supervision/stop-hooks.ts'
import { type CriticalSection, criticalSection } from '../timing/critical-section.ts'
import { interval } from '../timing/interval.ts'
import { Selection, type SelectRequest } from '../timing/select.ts'
import { type SleepOptions, sleepsOf } from '../timing/sleeps.ts'
import { ClusterApi } from './cluster-api.ts'
import { Facade } from './facade.ts'
import { checkLocalName, giveName, localName } from './naming.ts'
import { getenv, setenv } from './variables.ts'

export class Skynet extends Facade {
  #socket: SocketApi | undefined
  #multicast: MulticastApi | undefined
  #shareData: ShareDataApi | undefined
  #datacenter: Datacenter | undefined
  #debug: DebugApi | undefined
  #cluster: ClusterApi | undefined

  /** Handle of this service: harbor (8 bits) and a number that counts up, as u32. */
  get self(): number {
    return Skynet.serviceOf(this).handle
  }

  /** The worker this service lives on, from 0. */
  get worker(): number {
    return Skynet.siteOf(this).worker
  }

  /** Sockets of this service. They close when it ends. */
  get socket(): SocketApi {
    this.#socket ??= new SocketApi(
      new SocketOpener(Skynet.serviceOf(this), Skynet.siteOf(this).client),
    )
    return this.#socket
  }

  /** Channels: one message for many services. */
  get multicast(): MulticastApi {
    this.#multicast ??= new MulticastApi(Skynet.serviceOf(this), Skynet.siteOf(this).multicast)
    return this.#multicast
  }

  /** Data that all services of the node read, and few change. */
  get shareData(): ShareDataApi {
    this.#shareData ??= new ShareDataApi(Skynet.serviceOf(this), Skynet.siteOf(this))
    return this.#shareData
  }

  /** Values by path for the whole node, and waiting for them. */
  get datacenter(): Datacenter {
    this.#datacenter ??= new Datacenter(
      Skynet.serviceOf(this),
      new NodeData(Skynet.serviceOf(this), Skynet.siteOf(this)),
    )
    return this.#datacenter
  }

  /** What the services and workers of the node do and hold. */
  get debug(): DebugApi {
    this.#debug ??= new DebugApi(Skynet.serviceOf(this))
    return this.#debug
  }

  /** Other nodes, and their services. */
  get cluster(): ClusterApi {
    this.#cluster ??= new ClusterApi(Skynet.serviceOf(this), Skynet.siteOf(this))
    return this.#cluster
  }

  /**
   * The token of this service, when it is the one of its cluster: `[era, revision]`, higher than
   * that of any owner before. Give it to a database with each write, which keeps the highest and
   * refuses what is lower: then nothing is written by one that was overtaken. Undefined: no such.
   */
  get fence(): Fence | undefined {
    return Skynet.serviceOf(this).fence
  }

  /** Milliseconds since the node started, with fractions; the same on every worker. */
  now(): number {
    return Skynet.serviceOf(this).now()
  }

  /** When the node started: milliseconds since 1970. With `now()` it gives the time of the day. */
  get startTime(): number {
    return Skynet.siteOf(this).startedAt
  }

  /** A variable of the node: of the config's `env`, or set by a service. */
  getenv(key: string): EnvValue | undefined {
    return getenv(Skynet.siteOf(this).env, key)
  }

  /**
   * Set a variable of the node, once and for all; every worker sees it at once. All that is set
   * takes at most 64 KiB. Throws `ERR_ENV_TAKEN`, `ERR_ENV_LIMIT`.
   */
  setenv(key: string, value: EnvValue): void {
    setenv(Skynet.siteOf(this).env, key, value)
  }

  /** A line for the logger: strings as they are, other values as `console.log` shows them. */
  log(...values: unknown[]): void {
    Skynet.serviceOf(this).say('info', values.map(printed).join(' '))
  }

  /** An error for the logger, with its stack and causes. */
  error(...values: unknown[]): void {
    Skynet.serviceOf(this).say('error', values.map(printed).join(' '))
  }

  /**
   * Launch a service and wait until its setup is done.
   *
   * @param path Its module: a function that imports it, `() => import('./agent.ts')`, of which all
   * types follow; or a path: relative to this service's module (`./agent.ts`), absolute, a URL,
   * or a bare name from the config's `services` folders.
   * @returns A reference typed by `S`, the module's default export; of a path, that is for you to
   * say: `newService<typeof agent>('./agent.ts')`.
   * @throws {SkynetError} `ERR_SERVICE_LAUNCH` no such module, or setup failed: see `cause`;
   * `ERR_MESSAGE_UNSUPPORTED` for the arguments; `ERR_CALL_TIMEOUT`, `ABORT_ERR` as asked for (the
   * service may come to life all the same).
   */
  async newService<S extends AnyService = AnyService>(
    path: ServicePath<S>,
    ...rest: LaunchRest<S>
  ): Promise<ServiceRef<MethodsOf<S>>> {
    const service = Skynet.serviceOf(this)
    const handle = await launchFrom(service, Skynet.siteOf(this), path, launchOptions(rest[0]))
    return new ServiceRef(service, handle)
  }

  /**
   * The one instance of a service in this node: launched by the first who asks, the same for all.
   * Those who ask meanwhile wait for it.
   *
   * @throws As `newService`. A failed launch is forgotten: the next who asks tries again.
   */
  async uniqueService<S extends AnyService = AnyService>(
    path: ServicePath<S>,
    ...rest: LaunchRest<S>
  ): Promise<ServiceRef<MethodsOf<S>>> {
    const { timeoutMs, signal, ...launch } = launchOptions(rest[0])
    const limits = { timeoutMs, signal }
    const given = { ...launch, on: launch.on === 'same' ? this.worker : launch.on }
    const service = Skynet.serviceOf(this)
    const asked = askManager(service, Skynet.siteOf(this), 'launch', [path, given], limits)
    const handle = await asked.catch(wroteAs('args[1].args', 'args'))
    return new ServiceRef(service, handle)
  }

  /** The one instance of a service, once somebody has launched it: until then this waits. */
  async queryService<S extends AnyService = AnyService>(
    path: ServicePath<S>,
    options?: WaitOptions,
  ): Promise<ServiceRef<MethodsOf<S>>> {
    checkWait('query', options)
    const service = Skynet.serviceOf(this)
    return new ServiceRef(
      service,
      await askManager(service, Skynet.siteOf(this), 'query', [path], options),
    )
  }

  /**
   * A typed reference to a service that is there already, and to no other: see `named`.
   *
   * @param address Its handle, or local name (`.lobby`).
   * @throws {SkynetError} `ERR_NAME_UNKNOWN` when no service has that name now.
   */
  ref<S extends AnyService = AnyService>(address: Address): ServiceRef<MethodsOf<S>> {
    const service = Skynet.serviceOf(this)
    return new ServiceRef(service, service.runtime.knownHandle(address))
  }

  /**
   * A typed reference to whoever has a local name: it is looked up at each use, so it follows a
   * service that is launched again. While nobody has it, calls reject with `ERR_NAME_UNKNOWN`, and
   * sends say false.
   *
   * @param name Begins with a dot: `.lobby`.
   */
  named<S extends AnyService = AnyService>(name: string): ServiceRef<MethodsOf<S>> {
    const service = Skynet.serviceOf(this)
    checkLocalName('refer to a name', name)
    return new ServiceRef(service, name)
  }

  /**
   * A reference to this service, to be given to others: `room.send.join(skynet.selfRef<Agent>())`.
   * `M` is what its methods are, as nothing can know before the setup is done.
   */
  selfRef<M extends Methods = Methods>(): ServiceRef<M> {
    const service = Skynet.serviceOf(this)
    return new ServiceRef<M>(service, service.handle)
  }

  /** Call a method by name: `ref.call` without types. Same errors, and `ERR_NAME_UNKNOWN`. */
  async call(address: Address, method: string, ...args: unknown[]): Promise<unknown> {
    const service = Skynet.serviceOf(this)
    checkString('call', 'method', method)
    return service.callMethod(service.runtime.knownHandle(address), [method, ...args])
  }

  /** Send by name. False: there is no such service. */
  send(address: Address, method: string, ...args: unknown[]): boolean {
    const service = Skynet.serviceOf(this)
    checkString('send', 'method', method)
    const handle = service.runtime.handleOf(address)
    return handle !== 0 && service.sendMethod(handle, [method, ...args])
  }

  /** Is there a service of that handle or name now? */
  isAlive(address: Address): boolean {
    const { runtime } = Skynet.serviceOf(this)
    return runtime.handles.workerOf(runtime.handleOf(address)) >= 0
  }

  /** The handle of a local name, or undefined. */
  localName(name: string): number | undefined {
    return localName(Skynet.siteOf(this), name)
  }

  /**
   * Give this service a local name, which begins with a dot. It is freed when the service ends.
   *
   * @throws {SkynetError} `ERR_NAME_TAKEN`, `ERR_NAME_INVALID`, `ERR_NAME_LIMIT`.
   */
  register(name: string): void {
    const { url, handle } = Skynet.serviceOf(this)
    giveName(Skynet.siteOf(this), name, url, () => handle)
  }

  /** Give another service a local name. Throws as `register`, and `ERR_NAME_UNKNOWN`. */
  name(name: string, address: Address): void {
    const { url, runtime } = Skynet.serviceOf(this)
    giveName(Skynet.siteOf(this), name, url, () => runtime.knownHandle(address))
  }

  /**
   * Begin a task of this service. It starts after the message that is handled now, before the next
   * one. What it throws is logged.
   */
  fork<Args extends readonly unknown[]>(task: (...args: Args) => unknown, ...args: Args): void {
    checkFunction('fork', 'task', task)
    Skynet.serviceOf(this).fork(() => task(...args))
  }

  /**
   * Wait. Never less than `ms`, unless `wakeup` is called with its token; 0 lets others run first.
   *
   * @returns `'BREAK'` when it was woken before its time.
   * @throws {SkynetError} `ABORT_ERR` when the signal aborts, `ERR_SERVICE_EXITED` when this ends,
   * `ERR_TOKEN_TAKEN` when another task rests on that token.
   */
  async sleep(ms: number, options?: SleepOptions): Promise<'BREAK' | undefined> {
    return sleepsOf(Skynet.serviceOf(this)).sleep(ms, options)
  }

  /** Let what waits run first: other tasks, and messages that have come. */
  async yield(): Promise<void> {
    await sleepsOf(Skynet.serviceOf(this)).sleep(0)
  }

  /**
   * Wait until `wakeup(token)`. A wakeup that came before is not remembered.
   *
   * @param token Any value; compared as a key of a `Map`, so an object is itself only.
   * @throws {SkynetError} `ERR_WAIT_TIMEOUT`, `ABORT_ERR`, `ERR_TOKEN_TAKEN`, `ERR_SERVICE_EXITED`.
   */
  async wait(token: unknown, options?: WaitOptions): Promise<void> {
    await sleepsOf(Skynet.serviceOf(this)).wait(token, options)
  }

  /** End the `sleep` or `wait` of that token. False: there is none. */
  wakeup(token: unknown): boolean {
    return sleepsOf(Skynet.serviceOf(this)).wakeup(token)
  }

  /**
   * A critical section: its tasks run one at a time, in the order they came, whatever they await.
   * A task inside may enter it again. See `CriticalSection`. While somebody is inside, before
   * Node.js 24, every `await` of this worker costs about three times as much: keep it short there.
   */
  queue(): CriticalSection {
    return criticalSection(Skynet.serviceOf(this))
  }

  /**
   * Several calls at once, their ends in the order they come:
   * `for await (const end of skynet.select(refs.map((r) => (limits) => r.with(limits).call.x())))`.
   * `timeoutMs` ends the loop, and `hasTimedOut` tells; `signal` makes it reject. Calls that are
   * not done when the loop is left are given up.
   */
  select<T>(requests: readonly SelectRequest<T>[], options?: WaitOptions): Selection<T> {
    return new Selection(Skynet.serviceOf(this), requests, options)
  }

  /** Run `task` after `ms`, unless it is cancelled before. What it throws is logged. */
  timeout(ms: number, task: () => unknown): Timer {
    checkFunction('set a timeout', 'task', task)
    return Skynet.serviceOf(this).timeout(ms, task)
  }

  /**
   * Run `task` every `ms` (at least 1) until it is cancelled. Its times are planned from now: being
   * late once does not move the next, and what was missed altogether is left out. It does not wait
   * for what an asynchronous task still does.
   */
  interval(ms: number, task: () => unknown): Timer {
    return interval(Skynet.serviceOf(this), ms, task)
  }

  /**
   * Be told when this service ends, however it ends. A hook may be asynchronous and call others:
   * the service stays reachable for their answers, for at most 1 s (not when it is killed).
   */
  onExit(hook: ExitHook): void {
    checkFunction('add an exit hook', 'hook', hook)
    Skynet.serviceOf(this).onExit(hook)
  }

  /**
   * Finish something before the node stops: let players end their round, hand work on. Called when
   * somebody stops the node, after listeners were closed (but those with `listenWhileStopping`);
   * every service goes on as ever until the hooks of all are done, or the time is up (config key
   * `graceMs`), when the signal that each was given aborts. Then services end, and exit hooks run.
   * Not called when this service ends by itself.
   */
  onStop(hook: StopHook): void {
    const service = Skynet.serviceOf(this)
    checkFunction('add a stop hook', 'hook', hook)
    if (service.hasEnded) return
    Skynet.siteOf(this).stopHooks.add(service, hook)
  }

  /**
   * End this service. Its callers get `ERR_CALL_DEAD`, its sockets close, its waits reject with
   * `ERR_SERVICE_EXITED`. It does not return: it throws that same error, which needs no handling.
   */
  exit(): never {
    return exit(Skynet.serviceOf(this))
  }

  /** Stop the node, as a signal does: all services end, their exit hooks run. */
  abort(): void {
    Skynet.siteOf(this).onAbort()
  }

  /**
   * Bound the mailbox of this service. Beyond it calls reject with `ERR_MAILBOX_FULL`, sends are
   * dropped and counted: dead letters. Answers, sockets and orders of the node are never held up.
   *
   * @param limit Messages that may wait, from 1.
   */
  boundMailbox(limit: number): void {
    inboxOf(Skynet.serviceOf(this)).bound(limit)
  }

  /** What waits in the mailbox of a service, wherever it lives. */
  async mailbox(address: Address, options?: WaitOptions): Promise<MailboxState> {
    const service = Skynet.serviceOf(this)
    const handle = service.runtime.knownHandle(address)
    return (await askMailbox(service, 'mailbox', handle, options)) as MailboxState
  }

  /**
   * Wait until the mailbox of a service is at most half full: how a sender keeps to the pace of its
   * receiver. Resolves at once for one without a bound. Rejects as a call.
   */
  async room(address: Address, options?: WaitOptions): Promise<void> {
    const service = Skynet.serviceOf(this)
    await askMailbox(service, 'room', service.runtime.knownHandle(address), options)
  }

  /**
   * Be told, once, how another service ends, or that it has ended before. It resolves whatever the
   * reason is. `ERR_SERVICE_EXITED` when this service ends first; `ERR_CALL_TIMEOUT`, `ABORT_ERR`.
   */
  async monitor(address: Address, options?: WaitOptions): Promise<Ending> {
    const service = Skynet.serviceOf(this)
    return monitor(service, service.runtime.knownHandle(address), options)
  }

  /**
   * From now on, when one of the two ends unmeant (not `exit`, `stop`), the other one ends too.
   * Throws `ERR_NAME_UNKNOWN`, and `ERR_SERVICE_NEEDED` for `.logger` and `.service`.
   */
  link(address: Address): void {
    const service = Skynet.serviceOf(this)
    const handle = service.runtime.knownHandle(address)
    checkNotNeeded(Skynet.siteOf(this), handle)
    link(service, handle)
  }

  /** End another service, at once. True: it was there. Refuses as `link`. */
  async kill(address: Address, options?: WaitOptions): Promise<boolean> {
    const service = Skynet.serviceOf(this)
    return await kill(service, Skynet.siteOf(this), service.runtime.handleOf(address), options)
  }

  // --- answers given otherwise than by return ---------------------------------------------------

  /**
   * Take the answer to the request at hand upon yourself: to be given later, once, from anywhere in
   * this service. Return it from the method, for the types of the callers. When it is dropped
   * unanswered, the caller and the log are told: `ERR_RESPONSE_FORGOTTEN`.
   *
   * @throws {SkynetError} `ERR_NO_REQUEST` after the first `await`, or the second time.
   */
  response<T = unknown>(): Response<T> {
    return Skynet.serviceOf(this).requests.response<T>()
  }

  /**
   * This service does not answer the request at hand: somebody else will (see `redirect`), or the
   * caller waits until it gives up. Throws as `response`.
   */
  ignoreRet(): void {
    Skynet.serviceOf(this).requests.ignore()
  }

  /** Who asked, for the request at hand. `ERR_NO_REQUEST` after the first `await`. */
  context(): RequestContext {
    return Skynet.serviceOf(this).requests.context('context')
  }

  // --- other message types ----------------------------------------------------------------------

  /** Handle, or just send, messages of a type of your own. Throws `ERR_PROTOCOL_TAKEN`. */
  registerProtocol<T = unknown>(definition: ProtocolDefinition<T> & Packing<T>): Protocol<T> {
    const service = Skynet.serviceOf(this)
    service.requests.protocols.add(definition as ProtocolDefinition<unknown>)
    return new Protocol<T>(service, definition)
  }

  /**
   * Handle messages of one type as if they were of another, whose protocol is registered: with
   * `{ lua: 'raw' }` a proxy gets method calls as values. By name or number.
   */
  forwardType(map: Readonly<Record<string, string | number>>): void {
    Skynet.serviceOf(this).requests.forward(map)
  }

  /** Send a message of any type, its value as it travels. A method call is `[method, ...args]`. */
  rawSend(address: Address, type: string | number, value: unknown): boolean {
    const service = Skynet.serviceOf(this)
    const { protocols } = service.requests
    return service.rawSend(address, protocols.typeOf(type, value), value)
  }

  /** Call with a message of any type. Rejects as `ref.call`, and with `ERR_NAME_UNKNOWN`. */
  async rawCall(
    address: Address,
    type: string | number,
    value: unknown,
    options?: WaitOptions,
  ): Promise<unknown> {
    const service = Skynet.serviceOf(this)
    const { protocols } = service.requests
    return service.rawCall(address, protocols.typeOf(type, value), value, options)
  }

  /**
   * Pass a request on: the answer goes to `source`, as if it had asked `address` itself.
   *
   * @returns False: there is no such service, and nobody was told.
   */
  redirect(
    address: Address,
    context: RequestContext,
    type: string | number,
    value: unknown,
  ): boolean {
    const { runtime, requests } = Skynet.serviceOf(this)
    const id = requests.protocols.typeOf(type, value)
    return requests.redirect(runtime.handleOf(address), context, id, value)
  }

  // --- looking inside ---------------------------------------------------------------------------

  /**
   * From here on follow the request at hand through every service it leads to, in the log and in
   * `node:diagnostics_channel`: docs/commands.md. Returns the id of the trace. Throws as `context`.
   */
  trace(info = ''): string {
    return trace(Skynet.serviceOf(this), info)
  }

  /** What is not done yet in this service: requests it handles, and what its tasks wait for. */
  tasks(): TaskInfo[] {
    return Skynet.serviceOf(this).tasks()
  }

  /**
   * Fail what a row of `tasks` waits for with `ERR_TASK_KILLED`; of a request or a response, its
   * caller is told so. False: it is done by now.
   */
  killTask(id: number): boolean {
    return Skynet.serviceOf(this).killTask(id)
  }

  /**
   * From now on `tasks` tells since when each waits, where in the code, and what had begun it. That
   * costs each wait a stack and each `await` of this worker a multiple: for finding what hangs.
   */
  traceTasks(isOn = true): void {
    Skynet.serviceOf(this).trace(isOn)
  }

  /**
   * Of this service: messages in the mailbox (`mqlen`), handled so far (`message`), rows of `tasks`
   * (`task`); while it is profiled, milliseconds of its code in all (`cpu`) and now (`time`); 1 if
   * since it asked last it was reported to hold its worker (`endless`).
   */
  stat(what: StatName): number {
    return stat(Skynet.serviceOf(this), what)
  }

  /**
   * Log every message that a service gets to `<handle>.log` in the folder that the variable
   * `logpath` names, until `logOff`. False: there is no such service.
   *
   * @throws {SkynetError} `ERR_MESSAGE_LOG`.
   */
  async logOn(address: Address, options?: WaitOptions): Promise<boolean> {
    const service = Skynet.serviceOf(this)
    const handle = service.runtime.handleOf(address)
    return askAbout(service, { order: 'logOn', handle }, options)
  }

  async logOff(address: Address, options?: WaitOptions): Promise<boolean> {
    const service = Skynet.serviceOf(this)
    const handle = service.runtime.handleOf(address)
    return askAbout(service, { order: 'logOff', handle }, options)
  }

  /** Tell a service a number: its `onSignal` hook, or else its log. False: it is not there. */
  async signal(address: Address, number = 0, options?: WaitOptions): Promise<boolean> {
    const service = Skynet.serviceOf(this)
    return signal(service, service.runtime.handleOf(address), number, options)
  }

  /** Be told of signals from other services. The last hook counts. */
  onSignal(hook: (signal: number) => unknown): void {
    checkFunction('be told of signals', 'hook', hook)
    onSignal(Skynet.serviceOf(this), hook)
  }
}
