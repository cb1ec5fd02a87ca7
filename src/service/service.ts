/**
 * One service: its open calls, its tasks, its waits, and its end. What the author sees of it is
 * skynet.ts. Everything here runs on the worker where the service lives.
 */
import { formatHandle, isSkynetError, SkynetError } from '../base/errors.ts'
import { List } from '../base/list.ts'
import { describe, messageOf } from '../base/thrown.ts'
import { Context, type Receiver } from '../kernel/context.ts'
import type { Message } from '../kernel/message.ts'
import { Timer } from '../kernel/timer.ts'
import { NO_TIMER, type TimerOwner } from '../kernel/timers.ts'
import { copy } from '../wire/copy.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Methods } from './definition.ts'
import { orphaned, type SocketEvent, SocketPool } from './pool.ts'
import type { Caller } from './ref.ts'
import type { Runtime } from './runtime.ts'
import { Sessions } from './sessions.ts'
import { Skynet } from './skynet.ts'
import { Waiter, type WaitHost, type WaitOptions } from './wait.ts'

/** Why a service ended: by itself, by another service, with its node, or it never began. */
export type ExitReason = 'exit' | 'kill' | 'stop' | 'launch failed'
export type ExitHook = (reason: ExitReason) => void | Promise<void>
type Method = (...args: unknown[]) => unknown

/** A call that waits for its answer. */
interface OpenCall {
  session: number
  readonly to: number
  readonly method: string
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

const nothing = (): void => {}

export class Service implements Receiver, Caller, WaitHost, TimerOwner {
  readonly runtime: Runtime
  readonly context: Context
  /** URL of the module, against which it names others. */
  readonly url: string
  readonly facade: Skynet
  /** Told once, when everything is over. */
  onEnded: (() => void) | undefined
  firstTimer = NO_TIMER
  /** `starting` until setup is done, `ending` while exit hooks run, then `ended`. */
  #phase: 'starting' | 'ready' | 'ending' | 'ended' = 'starting'
  #methods: Record<string, Method> = {}
  /** Requests that came before setup was done, in order. */
  #early: Message[] | undefined = []
  #calls: Sessions<OpenCall> | undefined
  /** Requests being handled by asynchronous methods: nobody has answered them yet. */
  #requests: Set<Message> | undefined
  #hooks: ExitHook[] | undefined
  #pool: SocketPool | undefined
  #forks: (() => unknown)[] | undefined
  readonly #waiters = new List<Waiter<unknown>>()

  constructor(runtime: Runtime, handle: number, url: string, title: string) {
    this.runtime = runtime
    this.url = url
    this.context = new Context(handle, title, this)
    this.facade = new Skynet(this)
  }

  get handle(): number {
    return this.context.handle
  }

  get hasEnded(): boolean {
    return this.#phase === 'ended'
  }

  get isStarting(): boolean {
    return this.#phase === 'starting'
  }

  /** Sockets of this service; made with the first one. */
  get pool(): SocketPool {
    this.#pool ??= new SocketPool(this, this.runtime.client)
    return this.#pool
  }

  // --- messages ------------------------------------------------------------------------------

  /** Called by the scheduler; see Receiver. */
  receive(message: Message): void {
    try {
      this.#handle(message)
    } catch (error) {
      this.fault('handling a message', error)
    }
    if (this.#forks !== undefined) this.#runForks()
  }

  #handle(message: Message): void {
    switch (message.type) {
      case PTYPE.LUA:
        if (this.#phase === 'ready') this.#request(message)
        else if (this.#early !== undefined) this.#early.push(message)
        else this.runtime.router.refuse(message, this.handle)
        return
      case PTYPE.RESPONSE:
        this.#answered(message, true)
        return
      case PTYPE.ERROR:
        this.#answered(message, false)
        return
      case PTYPE.SOCKET:
        this.pool.receive(message.value as SocketEvent)
        return
      case PTYPE.TEXT:
        this.#methods.text?.(message.source, message.value)
        return
      default:
        this.runtime.router.refuse(message, this.handle)
    }
  }

  /** Setup is done: requests may come. */
  ready(methods: Methods): void {
    this.#methods = methods as Record<string, Method>
    this.#phase = 'ready'
    const early = this.#early ?? []
    this.#early = undefined
    for (const message of early) {
      if (this.#phase === 'ready') this.#request(message)
      else this.runtime.router.refuse(message, this.handle)
    }
  }

  #request(message: Message): void {
    const value = message.value as [string, ...unknown[]]
    const name = value[0]
    let result: unknown
    try {
      const method = this.#methods[name]
      if (typeof method !== 'function' || name in Object.prototype) {
        throw new SkynetError('ERR_METHOD_UNKNOWN', { service: this.name, method: name })
      }
      result = invoke(this.#methods, method, value)
      if (isThenable(result)) {
        this.#later(message, name, result)
        return
      }
    } catch (error) {
      this.#failed(message, name, error)
      return
    }
    if (message.session !== 0) this.#answer(message, name, result)
  }

  #later(message: Message, name: string, result: PromiseLike<unknown>): void {
    this.#requests ??= new Set()
    const requests = this.#requests
    requests.add(message)
    // A thenable of somebody may throw, or call back twice: a promise of ours does not.
    const promise = result instanceof Promise ? result : Promise.resolve(result)
    promise.then(
      (value) => {
        if (requests.delete(message) && message.session !== 0) this.#answer(message, name, value)
      },
      (error: unknown) => {
        if (requests.delete(message)) this.#failed(message, name, error)
      },
    )
  }

  #answer({ source, session }: Message, name: string, value: unknown): void {
    const { router } = this.runtime
    try {
      router.send(PTYPE.RESPONSE, source, this.handle, session, value)
    } catch (error) {
      this.fault(`method ${name} returned what cannot be sent`, error)
      router.send(PTYPE.ERROR, source, this.handle, session, sendable(error))
    }
  }

  #failed(message: Message, name: string, error: unknown): void {
    // exit() leaves a method by this error; its caller is told by #finish.
    if (isSkynetError(error, 'ERR_SERVICE_EXITED') && this.#phase !== 'ready') {
      this.runtime.router.refuse(message, this.handle)
      return
    }
    if (message.session === 0) this.fault(`method ${name}`, error)
    else {
      const reason = sendable(error)
      this.runtime.router.send(PTYPE.ERROR, message.source, this.handle, message.session, reason)
    }
  }

  // --- calls ---------------------------------------------------------------------------------

  callMethod(to: number, message: unknown[], options?: WaitOptions): Promise<unknown> {
    const { router } = this.runtime
    return this.request(message[0] as string, to, options, (session) =>
      router.send(PTYPE.LUA, to, this.handle, session, message),
    )
  }

  sendMethod(to: number, message: unknown[]): boolean {
    if (this.#phase === 'ended') return false
    try {
      return this.runtime.router.send(PTYPE.LUA, to, this.handle, 0, message)
    } catch (error) {
      throw asArgument(error)
    }
  }

  /**
   * Send a request and wait for its answer.
   *
   * @param send Sends it under this session. False: nobody is there to answer.
   */
  request(
    method: string,
    to: number,
    options: WaitOptions | undefined,
    send: (session: number) => boolean,
  ): Promise<unknown> {
    if (this.#phase === 'ended') return Promise.reject(this.exited())
    this.#calls ??= new Sessions()
    const calls = this.#calls
    const timeoutMs = options?.timeoutMs ?? this.runtime.callTimeoutMs
    if (timeoutMs !== 0 || options?.signal !== undefined) {
      const limits = { timeoutMs, signal: options?.signal }
      const late = (ms: number): Error => {
        const info = { to: formatHandle(to), method, timeoutMs: ms }
        return new SkynetError('ERR_CALL_TIMEOUT', info)
      }
      const call: OpenCall = { session: 0, to, method, resolve: nothing, reject: nothing }
      const waiter = new Waiter<unknown>(this, limits, late, () => calls.take(call.session))
      call.resolve = (value) => waiter.resolve(value)
      call.reject = (error) => waiter.reject(error)
      if (!waiter.isOver) this.#open(call, send)
      return waiter.promise
    }
    return new Promise((resolve, reject) => {
      this.#open({ session: 0, to, method, resolve, reject }, send)
    })
  }

  #open(call: OpenCall, send: (session: number) => boolean): void {
    const calls = this.#calls!
    const session = calls.add(call)
    try {
      if (send(session)) return
      calls.take(session)
      call.reject(deadCall(call.to, call.method))
    } catch (error) {
      calls.take(session)
      call.reject(asArgument(error))
    }
  }

  #answered({ session, value }: Message, isOk: boolean): void {
    const call = this.#calls?.take(session)
    // Timed out or aborted before: nobody waits any more.
    if (call === undefined) return
    if (isOk) call.resolve(value)
    else call.reject(value ?? deadCall(call.to, call.method))
  }

  // --- tasks, timers, waits --------------------------------------------------------------------

  /** Run `task` after the message that is handled now, before the next one. */
  fork(task: () => unknown): void {
    if (this.#phase === 'ended') return
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

  /** Run a task of the service; what it throws is logged, and goes no further. */
  run(what: string, task: () => unknown): void {
    try {
      this.runtime.options.scheduler.running(this.handle)
      const result = task()
      if (!isThenable(result)) return
      Promise.resolve(result).catch((error: unknown) => this.fault(what, error))
    } catch (error) {
      this.fault(what, error)
    }
  }

  timeout(ms: number, task: () => unknown): Timer {
    const { runtime } = this
    const isOver = this.#phase === 'ended'
    const index = isOver ? NO_TIMER : runtime.addTimer(ms, this, task)
    return new Timer(runtime.options.wheel.timers, index)
  }

  interval(ms: number, task: () => unknown): Timer {
    const { runtime } = this
    let due = runtime.now + ms
    const tick = (): unknown => {
      // The next time of the plan that is not past: those that were missed are left out.
      due += ms * Math.floor((runtime.now - due) / ms + 1)
      timer.renew(runtime.addTimerAt(due, this, tick))
      return task()
    }
    const isOver = this.#phase === 'ended'
    const index = isOver ? NO_TIMER : runtime.addTimerAt(due, this, tick)
    const timer = new Timer(runtime.options.wheel.timers, index)
    return timer
  }

  /** Called by the wheel. */
  timerFired(task: () => unknown): void {
    this.run('timeout', task)
  }

  addTimer(ms: number, owner: TimerOwner, task?: unknown): number {
    return this.runtime.addTimer(ms, owner, task)
  }

  cancelTimers(owner: TimerOwner): void {
    this.runtime.options.wheel.cancelAll(owner)
  }

  addWaiter(waiter: Waiter<unknown>): void {
    this.#waiters.add(waiter)
  }

  removeWaiter(waiter: Waiter<unknown>): void {
    this.#waiters.remove(waiter)
  }

  // --- the end ---------------------------------------------------------------------------------

  onExit(hook: ExitHook): void {
    this.#hooks ??= []
    this.#hooks.push(hook)
  }

  exited(): SkynetError<'ERR_SERVICE_EXITED'> {
    return new SkynetError('ERR_SERVICE_EXITED', { handle: this.handle })
  }

  /**
   * End the service. Its exit hooks run first, oldest first; unless it was killed they may take
   * `SHUTDOWN_MS_MAX`, and may call others meanwhile, while new requests are refused.
   */
  end(reason: ExitReason): Promise<void> {
    if (this.#phase === 'ending' && reason === 'kill') this.#finish()
    if (this.#phase === 'ending' || this.#phase === 'ended') return Promise.resolve()
    this.#phase = 'ending'
    const early = this.#early ?? []
    this.#early = undefined
    for (const message of early) this.runtime.router.refuse(message, this.handle)
    const running: PromiseLike<unknown>[] = []
    for (const hook of this.#hooks ?? []) {
      this.run('exit hook', () => {
        const result = hook(reason)
        if (isThenable(result)) running.push(result)
        return result
      })
    }
    if (running.length === 0 || reason === 'kill') {
      this.#finish()
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const finish = (): void => {
        limit.cancel()
        this.#finish()
        resolve()
      }
      const { exitMs } = this.runtime
      const limit = this.timeout(exitMs, () => {
        this.runtime.log('error', this.handle, `exit hook: not done within ${exitMs} ms`)
        finish()
      })
      void Promise.allSettled(running).then(finish)
    })
  }

  #finish(): void {
    if (this.#phase === 'ended') return
    this.#phase = 'ended'
    const { router } = this.runtime
    this.#pool?.closeAll()
    this.runtime.retire(this)
    for (const request of this.#requests ?? []) router.refuse(request, this.handle)
    this.#requests?.clear()
    const { mailbox } = this.context
    for (let next = mailbox?.shift(); next !== undefined; next = mailbox?.shift()) {
      if (next.type === PTYPE.SOCKET) orphaned(this.runtime.client, next.value as SocketEvent)
      else router.refuse(next, this.handle)
    }
    for (const call of this.#calls?.takeAll() ?? []) call.reject(this.exited())
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first) {
      waiter.reject(this.exited())
    }
    this.cancelTimers(this)
    this.onEnded?.()
  }

  /** A fault of the service: logged with its name, handle and stack; nothing else happens. */
  fault(what: string, error: unknown): void {
    if (isSkynetError(error, 'ERR_SERVICE_EXITED') && this.#phase !== 'ready') return
    if (isSkynetError(error, 'ERR_SOCKET_FAILED')) {
      // Peers vanish every day: a line, not a stack.
      this.runtime.log('info', this.handle, error.message)
      return
    }
    this.runtime.log('error', this.handle, `${what}: ${describe(error)}`)
  }

  get name(): string {
    return `${this.context.title} ${formatHandle(this.handle)}`
  }
}

/**
 * What cannot be sent is named as its author wrote it: a call is packed as `[method, ...args]`, a
 * launch as an order with its `args`.
 */
function asArgument(error: unknown): unknown {
  const isUnsupported = isSkynetError(error, 'ERR_MESSAGE_UNSUPPORTED')
  if (!isUnsupported && !isSkynetError(error, 'ERR_MESSAGE_TOO_DEEP')) return error
  const { info } = error
  const path = info.path
    .replace(/^args\[(\d+)\]/, (_, index) => (index === '0' ? 'method' : `args[${index - 1}]`))
    .replace(/^value\.args/, 'args')
  return new SkynetError(error.code, { ...info, path } as never)
}

const deadCall = (to: number, method: string): Error =>
  new SkynetError('ERR_CALL_DEAD', { to: formatHandle(to), method })

function invoke(methods: object, method: Method, value: readonly unknown[]): unknown {
  switch (value.length) {
    case 1:
      return method.call(methods)
    case 2:
      return method.call(methods, value[1])
    case 3:
      return method.call(methods, value[1], value[2])
    default:
      return method.apply(methods, value.slice(1))
  }
}

/** What `await` would wait for. Asking may throw: a getter of somebody is run. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/** An error as a message value: what was thrown, or its text when that cannot be sent. */
export function sendable(error: unknown): unknown {
  try {
    if (error instanceof Error) return copy(error)
  } catch {
    // Something in it cannot be sent, or throws when it is looked at.
  }
  const plain = new Error(messageOf(error))
  plain.stack = describe(error)
  return plain
}
