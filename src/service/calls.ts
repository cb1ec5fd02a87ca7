/** The calls of one service that wait for their answers. */
import { formatHandle, SkynetError } from '../base/errors.ts'
import { isError } from '../base/thrown.ts'
import { type Place, workerAt } from '../kernel/loads.ts'
import type { Message } from '../kernel/message.ts'
import { PTYPE } from '../wire/ptype.ts'
import { asArgument } from './sendable.ts'
import type { Service } from './service.ts'
import { Sessions } from './sessions.ts'
import { type Origin, type TaskInfo, taskId, taskNumber } from './tasks.ts'
import { type LimitsLeft, Waiter, type WaitFor, wrongWait } from './wait.ts'

class OpenCall implements WaitFor {
  readonly kind = 'call'
  session = 0
  /** A handle; of an order to a worker -1 less its place. */
  to: number
  /** The worker of that handle, also when it has ended since; -1: none. */
  home: number
  readonly method: string
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
  /** It has a waiter, which the service lists too. */
  isLimited = false
  /** Where it was called, if traced. */
  readonly origin: Origin | undefined
  readonly giveUp: Asking['giveUp']

  constructor(
    { runtime, tracer }: Service,
    to: number,
    method: string,
    resolve: OpenCall['resolve'],
    reject: OpenCall['reject'],
    giveUp: Asking['giveUp'],
  ) {
    this.to = to
    this.home = to < 0 ? -1 : runtime.options.handles.workerOf(to)
    this.method = method
    this.resolve = resolve
    this.reject = reject
    this.origin = tracer?.origin()
    this.giveUp = giveUp
  }

  get what(): string {
    return `${this.method} of ${addressee(this.to)}`
  }

  late(timeoutMs: number): Error {
    const { method, to } = this
    return new SkynetError('ERR_CALL_TIMEOUT', { to: addressee(to), method, timeoutMs })
  }
}

/** To whom a request went, and the worker of that service then. */
export interface Redirection {
  readonly to: number
  readonly place: Place
}

/** What a request is, beside its message. */
export interface Asking {
  /** What it is called in errors and lists; else by its method. */
  readonly title?: string | undefined
  /**
   * The callee keeps who waits: tell it that nobody does any more under that session, as the caller
   * has given up, or has ended.
   */
  readonly giveUp?: (session: number) => void
}

const NO_MORE: Asking = {}
const nothing = (): void => {}

export class Calls {
  readonly #service: Service
  readonly #open = new Sessions<OpenCall>()

  constructor(service: Service) {
    this.#service = service
  }

  /**
   * Send a request and wait for its answer.
   *
   * @param send Sends it under this session. False: nobody is there to answer.
   */
  request(
    method: string,
    to: number,
    options: LimitsLeft | undefined,
    send: (session: number) => boolean,
    { title = method, giveUp }: Asking = NO_MORE,
  ): Promise<unknown> {
    const wrong = wrongWait('wait', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    const timeoutMs = options?.timeoutMs ?? this.#service.runtime.callTimeoutMs
    if (timeoutMs !== 0 || options?.signal !== undefined) {
      const limits = { timeoutMs, signal: options?.signal, askedMs: options?.askedMs ?? timeoutMs }
      const call = new OpenCall(this.#service, to, title, nothing, nothing, giveUp)
      const end = (): void => this.#open.take(call.session)?.giveUp?.(call.session)
      const waiter = new Waiter<unknown>(this.#service, call, limits, end)
      call.isLimited = true
      call.resolve = (value) => waiter.resolve(value)
      call.reject = (error) => waiter.reject(error)
      if (!waiter.isOver) this.#send(call, send)
      return waiter.promise
    }
    return new Promise((resolve, reject) => {
      this.#send(new OpenCall(this.#service, to, title, resolve, reject, giveUp), send)
    })
  }

  #send(call: OpenCall, send: (session: number) => boolean): void {
    const session = this.#open.add(call)
    try {
      if (send(session)) return
      this.#open.take(session)
      call.reject(deadCall(call))
    } catch (error) {
      this.#open.take(session)
      call.reject(asArgument(error))
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
    const error = value ?? deadCall(call)
    if (isError(error)) this.#service.runtime.callers.set(error, this.#service.handle)
    call.reject(error)
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
    call.reject(killed(rowOf(call)))
    call.giveUp?.(call.session)
    return true
  }

  /** Another service was asked in the place of that one: see `Requests.redirect`. */
  redirected({ session, value }: Message): void {
    const call = this.#open.get(session)
    if (call === undefined) return
    const { to, place } = value as Redirection
    call.to = to
    call.home = workerAt(place)
    const { runtime, context } = this.#service
    const { loads, scheduler } = runtime.options
    if (loads.placeOf(call.home) === place) return
    // That worker has died, which nobody will tell again. What it answered before comes first.
    runtime.takeAll()
    scheduler.deliver(context, { type: PTYPE.ERROR, source: 0, session, value: deadCall(call) })
  }

  /** Session and error of each that waits for one of those; see `Service.workerDied`. */
  lostWith(
    worker: number,
    dead: ReadonlySet<number>,
    cause: unknown,
  ): [session: number, error: Error][] {
    const { handles } = this.#service.runtime.options
    // One that had ended before its worker did: its answer may not have left.
    const lost = this.#open
      .items()
      .filter(({ to, home }) => dead.has(to) || (home === worker && handles.workerOf(to) < 0))
    return lost.map((call) => [call.session, deadCall(call, cause)])
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

const deadCall = ({ to, method }: OpenCall, cause?: unknown): Error =>
  new SkynetError('ERR_CALL_DEAD', { to: addressee(to), method }, { cause })

const addressee = (to: number): string =>
  to < 0 ? `worker ${workerAt(-1 - to)}` : formatHandle(to)
