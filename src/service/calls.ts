/** The calls of one service that wait for their answers. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { isError } from '../base/thrown.ts'
import type { Context } from '../kernel/context.ts'
import type { Handles } from '../kernel/handles.ts'
import { type Loads, type Place, workerAt } from '../kernel/loads.ts'
import type { Message } from '../kernel/message.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import { PTYPE } from '../wire/ptype.ts'
import {
  afterHandler,
  asArgument,
  asField,
  causedBy,
  noteUnsent,
  UNNAMED_CALL,
} from './sendable.ts'
import { Sessions } from './sessions.ts'
import { callerPlace, type TaskInfo, type TaskOrigin, taskId, taskNumber } from './tasks.ts'
import { Waiter, type WaitFor, type WaitHost } from './wait.ts'
import { WaitLimits, type WaitOptions, wrongWait } from './wait-options.ts'

/** What calls need of their worker. */
export interface CallsRuntime {
  readonly handles: Handles
  readonly loads: Loads
  readonly scheduler: Scheduler
  readonly callTimeoutMs: number
  /** Each call notes where it begins: for tests. */
  readonly notesCalls: boolean
  /** `error` is what that call was rejected with. */
  failed(error: Error, call: FailedCall): void
}

/** What calls need of their service. */
export interface CallsHost extends WaitHost {
  readonly handle: number
  readonly context: Context
  readonly runtime: CallsRuntime
  /** That call failed, and nobody awaited it. */
  forgot(call: FailedCall): void
}

/** Methods of one service of which it is kept that nobody awaited a call that failed. */
const FORGOTTEN_MAX = 16
/** After such a call so many of that method are noted where they begin. */
const NOTED_CALLS = 1000

/** A call that was rejected with an error: its stack is that of the callee. */
export interface FailedCall {
  /** Whose fault it is when nobody awaits it. */
  readonly service: CallsHost
  readonly method: string
  /** `get of :0000000a`. */
  readonly what: string
  /** `/srv/main.ts:12:5`, where it was called; empty: not known. */
  readonly place: string
}

class OpenCall implements WaitFor, FailedCall {
  readonly service: CallsHost
  session = 0
  /** A handle; of an order to a worker -1 less its place. */
  to: number
  /** The worker of that handle, also when it has ended since; -1: none. */
  home: number
  /** Who passes it on, until that is known to have sent it; 0: nobody. */
  via = 0
  /** A handler has run, which has passed it on. */
  isPassedOn = false
  readonly method: string
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
  /** It has a waiter, which the service lists too. */
  isLimited = false
  /** 0: it waits as long as who passes it on says. */
  timeoutMs = 0
  /** Where it was called, if traced. */
  readonly origin: TaskOrigin | undefined
  readonly place: string
  readonly giveUp: RequestTraits['giveUp']

  constructor(
    service: CallsHost,
    isNoted: boolean,
    to: number,
    method: string,
    resolve: OpenCall['resolve'],
    reject: OpenCall['reject'],
    giveUp: RequestTraits['giveUp'],
  ) {
    this.service = service
    this.to = to
    this.home = to < 0 ? -1 : service.runtime.handles.workerOf(to)
    this.method = method
    this.resolve = resolve
    this.reject = reject
    this.origin = service.tracer?.origin()
    this.place = isNoted ? callerPlace() : (this.origin?.where ?? '')
    this.giveUp = giveUp
  }

  get kind(): 'call' {
    return 'call'
  }

  get what(): string {
    return `${this.method} of ${this.addressee}`
  }

  /** `:0000000a`, `b:0000000a`, `worker 3` */
  get addressee(): string {
    const { to, service } = this
    return to < 0 ? `worker ${workerAt(-1 - to)}` : service.runtime.handles.textOf(to)
  }

  late(timeoutMs: number): Error {
    const { method, addressee } = this
    const info = { to: addressee, method, timeoutMs, sent: 'maybe' as const }
    return this.blamed(new SkynetError('ERR_CALL_TIMEOUT', info))
  }

  /** `error`, of which this call is known to be the reason from now on. */
  blamed<E>(error: E): E {
    if (isError(error)) {
      noteUnsent(error)
      this.service.runtime.failed(error, this)
    }
    return error
  }
}

/**
 * To whom a request goes, and the worker of that service then: told before it is sent. Then, once
 * it has been sent, that: whoever passes it on may die with its worker between the two.
 */
export type Redirection = { readonly to: number; readonly place: Place } | { readonly isSent: true }

/** What a request is, beside its message. */
export interface RequestTraits {
  /** What it is called in errors and lists; else by its method. */
  readonly title?: string | undefined
  /**
   * The callee keeps who waits: tell it that nobody does any more under that session, as the caller
   * has given up, or has ended.
   */
  readonly giveUp?: (session: number) => void
  /** The worker of the callee answers it, so also during the setup of the callee. */
  readonly isAnsweredInSetup?: boolean
}

/**
 * Sends a request under a session; its caller waits so long, 0: for ever. False: nobody is there to
 * answer.
 */
export type Send = (session: number, timeoutMs: number) => boolean

/** Who sends requests, and waits for their answers. */
export interface Requester {
  request(
    method: string,
    to: number,
    options: WaitOptions | undefined,
    send: Send,
    more?: RequestTraits,
  ): Promise<unknown>
}

const NO_MORE: RequestTraits = {}
const nothing = (): void => {}

export class Calls {
  readonly #service: CallsHost
  readonly #open = new Sessions<OpenCall>()
  /** By method how many calls are still noted; 0: where it happens has been told. See `forgot`. */
  #forgotten: Map<string, number> | undefined

  constructor(service: CallsHost) {
    this.#service = service
  }

  /** Send a request and wait for its answer. */
  request(
    method: string,
    to: number,
    options: WaitOptions | undefined,
    send: Send,
    { title = method, giveUp }: RequestTraits = NO_MORE,
  ): Promise<unknown> {
    const wrong = wrongWait('wait', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    const timeoutMs = options?.timeoutMs ?? this.#service.runtime.callTimeoutMs
    if (timeoutMs !== 0 || options?.signal !== undefined) {
      const asked = WaitLimits.is(options) ? options.askedMs : undefined
      const limits = new WaitLimits({ timeoutMs, signal: options?.signal }, asked ?? timeoutMs)
      const call = this.#call(to, title, nothing, nothing, giveUp)
      const end = (): void => this.#open.take(call.session)?.giveUp?.(call.session)
      const waiter = new Waiter<unknown>(this.#service, call, limits, end)
      call.isLimited = true
      call.timeoutMs = timeoutMs
      call.resolve = (value) => waiter.resolve(value)
      call.reject = (error) => waiter.reject(error)
      if (!waiter.isOver) this.#send(call, send, timeoutMs)
      return waiter.promise
    }
    return new Promise((resolve, reject) => {
      this.#send(this.#call(to, title, resolve, reject, giveUp), send, 0)
    })
  }

  #call(
    to: number,
    title: string,
    resolve: OpenCall['resolve'],
    reject: OpenCall['reject'],
    giveUp: RequestTraits['giveUp'],
  ): OpenCall {
    const isNoted = this.#service.runtime.notesCalls || this.#isForgotten(title)
    return new OpenCall(this.#service, isNoted, to, title, resolve, reject, giveUp)
  }

  /**
   * A call of that method failed, and nobody awaited it. Where it was called is known by nobody: to
   * note that takes a stack, more than the call itself. So the next ones are noted, until one of
   * them has told the place.
   */
  forgot({ method, place }: FailedCall): void {
    this.#forgotten ??= new Map()
    if (this.#forgotten.has(method)) {
      if (place !== '') this.#forgotten.set(method, 0)
    } else if (place === '' && this.#forgotten.size < FORGOTTEN_MAX) {
      this.#forgotten.set(method, NOTED_CALLS)
    }
  }

  #isForgotten(method: string): boolean {
    const left = this.#forgotten?.get(method) ?? 0
    if (left === 0) return false
    // The next that fails begins anew.
    if (left === 1) this.#forgotten!.delete(method)
    else this.#forgotten!.set(method, left - 1)
    return true
  }

  #send(call: OpenCall, send: Send, timeoutMs: number): void {
    const session = this.#open.add(call)
    try {
      if (send(session, timeoutMs)) return
      this.#open.take(session)
      call.reject(call.blamed(deadCall(call, 'no')))
    } catch (error) {
      this.#open.take(session)
      call.reject(call.to < 0 ? asField(error) : asArgument(error))
    }
  }

  answered({ session, value }: Message, isOk: boolean): void {
    const call = this.#open.take(session)
    // Timed out or aborted before: nobody waits any more.
    if (call === undefined) return
    if (isOk) {
      call.resolve(value)
      return
    }
    const error = named(value ?? deadCall(call, 'maybe'), call)
    call.reject(call.blamed(call.isPassedOn ? afterHandler(error) : error))
  }

  isOpen(session: number): boolean {
    return this.#open.get(session) !== undefined
  }

  /** A launch is under way, or a call of this very service, and nothing else. */
  get waitForSetups(): boolean {
    const { handle } = this.#service
    const open = this.#open.items()
    return open.length > 0 && open.every(({ to }) => to < 0 || to === handle)
  }

  /** Calls under way that have no waiter. */
  get unlimited(): number {
    return this.#open.items().filter(({ isLimited }) => !isLimited).length
  }

  tasks(): TaskInfo[] {
    return this.#open.items().map(rowOf)
  }

  /** False: there is no such call. */
  kill(id: number, killed: (row: TaskInfo) => Error): boolean {
    const session = taskNumber(id, 'call')
    const call = session === undefined ? undefined : this.#open.take(session)
    if (call === undefined) return false
    call.reject(call.blamed(killed(rowOf(call))))
    call.giveUp?.(call.session)
    return true
  }

  /** Another service was asked in the place of that one: see `Requests.redirect`. */
  redirected({ source, session, value }: Message): void {
    const call = this.#open.get(session)
    if (call === undefined) return
    const redirection = value as Redirection
    if ('isSent' in redirection) {
      // It may have been passed on again since, by who got it.
      if (call.via === source) call.via = 0
      return
    }
    const { to, place } = redirection
    call.via = source
    call.isPassedOn = true
    call.to = to
    call.home = workerAt(place)
    const { runtime, context } = this.#service
    const { loads, scheduler } = runtime
    if (loads.placeOf(call.home) === place) return
    // That worker has died, which nobody will tell again. What it answered before comes first.
    const message = { type: PTYPE.ERROR, source: 0, session, value: deadCall(call, 'maybe') }
    scheduler.whenTaken(() => scheduler.deliver(context, message))
  }

  /** Session and error of each that waits for one of those; see `Service.workerDied`. */
  lostWith(
    worker: number,
    dead: ReadonlySet<number>,
    cause: unknown,
  ): [session: number, error: Error][] {
    const { handles } = this.#service.runtime
    // One that had ended before its worker did: its answer may not have left.
    const lost = this.#open
      .items()
      .filter(
        ({ to, home, via }) =>
          dead.has(to) || dead.has(via) || (home === worker && handles.workerOf(to) < 0),
      )
    return lost.map((call) => [call.session, deadCall(call, 'maybe', cause)])
  }

  /** The service has ended. */
  finish(error: unknown): void {
    for (const call of this.#open.takeAll()) {
      call.reject(error)
      call.giveUp?.(call.session)
    }
  }
}

const rowOf = ({ session, kind, what, origin }: OpenCall): TaskInfo => ({
  id: taskId(session, 'call'),
  kind,
  what,
  ...origin,
})

const deadCall = ({ addressee: to, method }: OpenCall, sent: 'no' | 'maybe', cause?: unknown) =>
  new SkynetError('ERR_CALL_DEAD', { to, method, sent }, { cause })

/** Who tells that nobody answers may not know who was asked, and what. */
function named(error: unknown, { addressee: to, method, timeoutMs }: OpenCall): unknown {
  if (isSkynetError(error, 'ERR_CALL_TIMEOUT') && error.info.method === UNNAMED_CALL.method) {
    const { info } = error
    const own = { to, method, timeoutMs: timeoutMs || info.timeoutMs }
    return new SkynetError('ERR_CALL_TIMEOUT', { ...info, ...own }, causedBy(error.cause))
  }
  if (isSkynetError(error, 'ERR_CALL_DEAD') && error.info.method === UNNAMED_CALL.method) {
    return new SkynetError('ERR_CALL_DEAD', { ...error.info, to, method }, causedBy(error.cause))
  }
  return error
}
