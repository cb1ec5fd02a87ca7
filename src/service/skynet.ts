/** What a service author has in hand: the first argument of every service. */
import { inspect } from 'node:util'
import { checkFunction, checkMs, checkOptions, checkString, shown } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { describe } from '../base/thrown.ts'
import type { Timer } from '../kernel/timer.ts'
import type { AnyService, ArgsOf, Methods, MethodsOf } from './definition.ts'
import { resolveService } from './modules.ts'
import { ServiceRef } from './ref.ts'
import type { WorkerOrder } from './runtime.ts'
import type { ExitHook, Service } from './service.ts'
import { SocketApi } from './socket-api.ts'
import { Waiter, type WaitOptions } from './wait.ts'

/** Where a new service lives: the worker with the fewest services, the caller's, or that number. */
export type Placement = 'least-loaded' | 'same' | number

export interface LaunchOptions<Args extends readonly unknown[]> extends WaitOptions {
  /** What setup gets after `skynet`: any message values. They are copied. */
  readonly args?: Args
  /** Default `least-loaded`. */
  readonly on?: Placement
}
/** Options may be left out only for a service that takes no arguments. */
export type LaunchRest<S> =
  [] extends ArgsOf<S>
    ? [options?: LaunchOptions<ArgsOf<S>>]
    : [options: LaunchOptions<ArgsOf<S>> & { readonly args: ArgsOf<S> }]

const LAUNCH_KEYS = ['args', 'on', 'timeoutMs', 'signal']

export class Skynet {
  readonly #service: Service
  #socket: SocketApi | undefined

  constructor(service: Service) {
    this.#service = service
  }

  /** Handle of this service: harbor (8 bits) and a number that counts up, as u32. */
  get self(): number {
    return this.#service.handle
  }

  /** The worker this service lives on, from 0. */
  get worker(): number {
    return this.#service.runtime.options.worker
  }

  /** Sockets of this service. They close when it ends. */
  get socket(): SocketApi {
    this.#socket ??= new SocketApi(this.#service)
    return this.#socket
  }

  /** Milliseconds since the node started, with fractions; the same on every worker. */
  now(): number {
    return this.#service.runtime.now
  }

  /** A value of the config's `env`. */
  getenv(key: string): string | number | boolean | undefined {
    const { env } = this.#service.runtime.options
    return Object.hasOwn(env, key) ? env[key] : undefined
  }

  /** A line for the logger: strings as they are, other values as `console.log` shows them. */
  log(...values: unknown[]): void {
    this.#service.runtime.log('info', this.self, values.map(text).join(' '))
  }

  /** An error for the logger, with its stack and causes. */
  error(...values: unknown[]): void {
    this.#service.runtime.log('error', this.self, values.map(text).join(' '))
  }

  /**
   * Launch a service and wait until its setup is done.
   *
   * @param path Of its module: relative to this service's module (`./agent.ts`), absolute, a URL,
   * or a bare name from the config's `services` folders.
   * @returns A reference typed by `S`, which is `typeof` the module's default export.
   * @throws {SkynetError} `ERR_SERVICE_LAUNCH` no such module, or setup failed: see `cause`;
   * `ERR_MESSAGE_UNSUPPORTED` for the arguments; `ERR_CALL_TIMEOUT`, `ABORT_ERR` as asked for (the
   * service may come to life all the same).
   */
  async newService<S extends AnyService = AnyService>(
    path: string | URL,
    ...rest: LaunchRest<S>
  ): Promise<ServiceRef<MethodsOf<S>>> {
    const service = this.#service
    const { runtime } = service
    const options = launchOptions(rest[0])
    const { loads, worker, folders } = runtime.options
    const url = resolveService(path, service.url, folders)
    const home = placeOf(options.on ?? 'least-loaded', worker, loads)
    const order: WorkerOrder = { order: 'launch', url, args: options.args ?? [] }
    const handle = await service.request('launch', 0, launchLimits(options), (session) => {
      runtime.router.sendToWorker(home, this.self, session, order)
      return true
    })
    return new ServiceRef(service, handle as number)
  }

  /**
   * The one instance of a service in this node: launched by the first who asks, the same for all.
   * Those who ask meanwhile wait for it.
   *
   * @throws As `newService`. A failed launch is forgotten: the next who asks tries again.
   */
  async uniqueService<S extends AnyService = AnyService>(
    path: string | URL,
    ...rest: LaunchRest<S>
  ): Promise<ServiceRef<MethodsOf<S>>> {
    const options = launchOptions(rest[0])
    const { args = [], on = 'least-loaded', ...wait } = options
    return this.#manager('launch', [path, args, on === 'same' ? this.worker : on], wait)
  }

  /** The one instance of a service, once somebody has launched it: until then this waits. */
  async queryService<S extends AnyService = AnyService>(
    path: string | URL,
    options?: WaitOptions,
  ): Promise<ServiceRef<MethodsOf<S>>> {
    return this.#manager('query', [path], options)
  }

  async #manager<M extends Methods>(
    method: string,
    [path, ...args]: [string | URL, ...unknown[]],
    options: WaitOptions | undefined,
  ): Promise<ServiceRef<M>> {
    const service = this.#service
    const url = resolveService(path, service.url, service.runtime.options.folders)
    const manager = this.#known('.service')
    const limits = launchLimits(options)
    const handle = await service.callMethod(manager, [method, url, ...args], limits)
    return new ServiceRef<M>(service, handle as number)
  }

  /**
   * A typed reference to a service that is there already.
   *
   * @param address Its handle, or local name (`.lobby`).
   * @throws {SkynetError} `ERR_NAME_UNKNOWN` when no service has that name now.
   */
  ref<S extends AnyService = AnyService>(address: number | string): ServiceRef<MethodsOf<S>> {
    return new ServiceRef(this.#service, this.#known(address))
  }

  /** Call a method by name: `ref.call` without types. Same errors, and `ERR_NAME_UNKNOWN`. */
  async call(address: number | string, method: string, ...args: unknown[]): Promise<unknown> {
    return this.#service.callMethod(this.#known(address), [method, ...args])
  }

  /** Send by name. False: there is no such service. */
  send(address: number | string, method: string, ...args: unknown[]): boolean {
    const handle = this.#service.runtime.handleOf(address)
    return handle !== 0 && this.#service.sendMethod(handle, [method, ...args])
  }

  /** Is there a service of that handle or name now? */
  isAlive(address: number | string): boolean {
    const { runtime } = this.#service
    return runtime.options.handles.workerOf(runtime.handleOf(address)) >= 0
  }

  /** The handle of a local name, or undefined. */
  localName(name: string): number | undefined {
    const handle = this.#service.runtime.options.names.query(name)
    return handle === 0 ? undefined : handle
  }

  /**
   * Give this service a local name, which begins with a dot. It is freed when the service ends.
   *
   * @throws {SkynetError} `ERR_NAME_TAKEN`, `ERR_NAME_INVALID`, `ERR_NAME_LIMIT`.
   */
  register(name: string): void {
    checkString('register', 'name', name)
    this.#service.runtime.options.names.register(name, this.self)
  }

  #known(address: number | string): number {
    const handle = this.#service.runtime.handleOf(address)
    if (handle === 0) throw new SkynetError('ERR_NAME_UNKNOWN', { name: String(address) })
    return handle
  }

  /**
   * Begin a task of this service. It starts after the message that is handled now, before the next
   * one. What it throws is logged.
   */
  fork<Args extends readonly unknown[]>(task: (...args: Args) => unknown, ...args: Args): void {
    checkFunction('fork', 'task', task)
    this.#service.fork(() => task(...args))
  }

  /**
   * Wait. Never less than `ms`; 0 lets others run first.
   *
   * @throws {SkynetError} `ABORT_ERR` when the signal aborts, `ERR_SERVICE_EXITED` when this ends.
   */
  async sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    checkOptions('sleep', 'options', options)
    const service = this.#service
    if (service.hasEnded) throw service.exited()
    const limits = options?.signal === undefined ? undefined : { signal: options.signal }
    checkMs('sleep', 'ms', ms)
    const waiter = new Waiter<void>(service, limits, () => service.exited())
    if (!waiter.isOver) service.addTimer(ms, waiter)
    return waiter.promise
  }

  /** Run `task` after `ms`, unless it is cancelled before. What it throws is logged. */
  timeout(ms: number, task: () => unknown): Timer {
    checkFunction('set a timeout', 'task', task)
    return this.#service.timeout(ms, task)
  }

  /**
   * Run `task` every `ms` (at least 1) until it is cancelled. Its times are planned from now: being
   * late once does not move the next, and what was missed altogether is left out. It does not wait
   * for what an asynchronous task still does.
   */
  interval(ms: number, task: () => unknown): Timer {
    checkFunction('set an interval', 'task', task)
    checkMs('set an interval', 'ms', ms, 1)
    return this.#service.interval(ms, task)
  }

  /**
   * Be told when this service ends, however it ends. A hook may be asynchronous and call others:
   * the service stays reachable for their answers, for at most 1 s (not when it is killed).
   */
  onExit(hook: ExitHook): void {
    checkFunction('add an exit hook', 'hook', hook)
    this.#service.onExit(hook)
  }

  /**
   * End this service. Its callers get `ERR_CALL_DEAD`, its sockets close, its waits reject with
   * `ERR_SERVICE_EXITED`. It does not return: it throws that same error, which needs no handling.
   */
  exit(): never {
    void this.#service.end('exit')
    throw this.#service.exited()
  }

  /** Stop the node, as a signal does: all services end, their exit hooks run. */
  abort(): void {
    this.#service.runtime.options.onAbort()
  }

  /** End another service, at once. True when it was there. */
  async kill(address: number | string): Promise<boolean> {
    const service = this.#service
    const { runtime } = service
    const handle = runtime.handleOf(address)
    const home = runtime.options.handles.workerOf(handle)
    if (home < 0) return false
    if (handle === this.self) {
      await service.end('kill')
      return true
    }
    const order: WorkerOrder = { order: 'kill', handle }
    const wasThere = await service.request('kill', handle, undefined, (session) => {
      runtime.router.sendToWorker(home, this.self, session, order)
      return true
    })
    return wasThere as boolean
  }
}

function launchOptions(given: unknown): LaunchOptions<readonly unknown[]> {
  checkOptions('launch', 'options', given)
  const options = (given ?? {}) as LaunchOptions<readonly unknown[]>
  const unknown = Object.keys(options).find((key) => !LAUNCH_KEYS.includes(key))
  if (unknown !== undefined) {
    const known = LAUNCH_KEYS.join(', ')
    throw new TypeError(`Cannot launch with option '${unknown}': there are ${known}`)
  }
  if (options.args !== undefined && !Array.isArray(options.args)) {
    throw new TypeError(
      `Cannot launch as 'args' must be an array: current value is ${shown(options.args)}`,
    )
  }
  return options
}

/** A launch is no call: it takes as long as its setup does, unless its caller says otherwise. */
function launchLimits({ timeoutMs = 0, signal }: WaitOptions = {}): WaitOptions {
  return { timeoutMs, signal }
}

function placeOf(
  placement: Placement,
  own: number,
  loads: { workers: number; least(): number; add(worker: number): void },
): number {
  const worker =
    placement === 'same' ? own : placement === 'least-loaded' ? loads.least() : placement
  if (!(Number.isInteger(worker) && worker >= 0 && worker < loads.workers)) {
    throw new RangeError(
      `Cannot launch as 'on' must be a worker in 0..${loads.workers - 1}, 'same' or ` +
        `'least-loaded': current value is ${String(placement)}`,
    )
  }
  loads.add(worker)
  return worker
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return describe(value)
  try {
    return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 })
  } catch {
    return shown(value)
  }
}
