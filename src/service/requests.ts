/**
 * The requests that one service answers: which code handles a message, and who is owed an answer.
 * A request is answered once: by what its handler returns or throws, by a `Response` it has taken,
 * or by the end of the service.
 */
import { isObject, refusal } from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import type { Handles } from '../kernel/handles.ts'
import type { Loads } from '../kernel/loads.ts'
import type { Message } from '../kernel/message.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Redirection } from './calls.ts'
import type { ExitReason } from './life.ts'
import { guessMethod } from './methods.ts'
import {
  checkContext,
  type ProtocolDefinition,
  Protocols,
  type RequestContext,
} from './protocols.ts'
import { type Debtor, Owed, Response } from './response.ts'
import { enterScope } from './scope.ts'
import { asArgument, isThenable, sendable, thrownToo } from './sendable.ts'
import { Sessions } from './sessions.ts'
import { type TaskInfo, type TaskOrigin, type Tracer, taskId, taskNumber } from './tasks.ts'
import {
  areRequestsWatched,
  Handling,
  leaveTraces,
  post,
  type TracedValue,
  type TraceHost,
  type TraceRuntime,
  useTraces,
} from './trace.ts'

type Method = (...args: unknown[]) => unknown
/** How a handler answers if not by its return value: later, or not at all. */
type Taken = Owed | 'ignored'

/** Handled by asynchronous code, and not yet answered. */
interface OpenRequest {
  session: number
  readonly message: Message
  /** Where it began, if traced. */
  readonly origin: TaskOrigin | undefined
}

/** What requests need of the worker. */
export interface RequestsRuntime extends TraceRuntime {
  readonly handles: Handles
  readonly loads: Loads
  /** Its number. */
  readonly worker: number
}

/** What requests need of the service that answers them. */
export interface RequestsHost extends TraceHost {
  /** `chat/agent :0000000a`. */
  readonly name: string
  readonly isEnding: boolean
  readonly tracer: Tracer | undefined
  readonly runtime: RequestsRuntime
  exited(): Error
  /** Handle a message that came within another one. */
  unwrapped(message: Message): void
  fault(what: string, error: unknown, sender?: number): void
  nextTaskId(): number
}

export class Requests implements Debtor {
  readonly #service: RequestsHost
  #methods: Record<string, Method> = {}
  #protocols: Protocols | undefined
  /** Type of a message → type of the protocol that handles it. */
  #forwards: Map<number, number> | undefined
  #open: Sessions<OpenRequest> | undefined
  #owed: Set<Owed> | undefined
  /** Until the handler comes to its first `await`: the only time when it is known who asked. */
  #current: Message | undefined
  #taken: Taken | undefined
  /** As long, and only if somebody wants to know of it. */
  #handling: Handling | undefined
  /** Those that await something. */
  #handlings: Set<Handling> | undefined
  /** Of the message at hand. */
  #traceId: string | undefined

  constructor(service: RequestsHost) {
    this.#service = service
  }

  /** Made with the first use. */
  get protocols(): Protocols {
    this.#protocols ??= new Protocols()
    return this.#protocols
  }

  setMethods(methods: object): void {
    this.#methods = methods as Record<string, Method>
  }

  /** By name or number; all of them, or none when one is wrong. */
  forward(map: Readonly<Record<string, string | number>>): void {
    if (!isObject(map)) {
      throw refusal('type', 'forward types', 'map', 'an object', map)
    }
    const { protocols } = this
    const pairs = Object.entries(map).map(([from, to]): [number, number] => [
      protocols.idOf(/^\d+$/.test(from) ? Number(from) : from),
      protocols.idOf(to),
    ])
    this.#forwards = new Map([...(this.#forwards ?? []), ...pairs])
  }

  /** A message that is no answer. */
  handle(message: Message): void {
    const type = this.#forwards?.get(message.type) ?? message.type
    if (type === PTYPE.LUA) this.#call(message)
    else if (type === PTYPE.TRACE) this.#traced(message)
    else this.#dispatch(message, type)
  }

  /** A line from the node itself, for the logger; or somebody's protocol of that number. */
  text(message: Message): unknown {
    const isOurs = this.#protocols?.get(PTYPE.TEXT) === undefined
    if (isOurs && typeof this.#methods.text === 'function') {
      return this.#methods.text(message.source, message.value)
    }
    this.handle(message.session < 0 ? { ...message, session: 0 } : message)
    return undefined
  }

  /** The node tells the logger that its file was renamed. */
  reopen(): unknown {
    return this.#methods.reopen?.()
  }

  #call(message: Message): void {
    const value = message.value as [string, ...unknown[]]
    const name = value[0]
    const methods = this.#methods
    let result: unknown
    let isLater: boolean
    this.#current = message
    try {
      const method = methods[name]
      if (typeof method !== 'function' || name in Object.prototype) {
        throw this.#unknown(name)
      }
      result =
        this.#service.tracer === undefined && !areRequestsWatched()
          ? invoke(methods, method, value)
          : this.#watched(message, invoking(methods, method, value))
      isLater = isThenable(result)
    } catch (error) {
      this.#thrown(message, error)
      return
    }
    this.#done(message, result, isLater)
  }

  #unknown(method: string): Error {
    const hint = guessMethod(this.#methods, method)
    const service = this.#service.name
    return new SkynetError('ERR_METHOD_UNKNOWN', { service, method, hint, sent: 'no' })
  }

  #dispatch(given: Message, type: number): void {
    const { source, value } = given
    const session = Math.abs(given.session)
    const message = given.session < 0 ? unanswered(given) : given
    let result: unknown
    let isLater: boolean
    this.#current = message
    try {
      const protocol = this.#protocols?.get(type)
      if (protocol?.dispatch === undefined) {
        throw new SkynetError('ERR_PROTOCOL_UNKNOWN', { type: `${message.type}`, sent: 'no' })
      }
      const { dispatch, unpack } = protocol
      const run = (): unknown =>
        dispatch(unpack === undefined ? value : unpack(value), { source, session })
      const isPlain = this.#service.tracer === undefined && !areRequestsWatched()
      result = isPlain ? run() : this.#watched(message, run)
      isLater = isThenable(result)
    } catch (error) {
      this.#thrown(message, error)
      return
    }
    this.#done(message, result, isLater)
  }

  /** The handler has come to its first `await`, or its end. */
  #done(message: Message, given: unknown, isLater: boolean): void {
    const taken = this.#takenOf()
    const result = this.#handling === undefined ? given : this.#leaveWatched(given, isLater)
    if (isLater) this.#later(message, taken, result as PromiseLike<unknown>)
    else if (taken === undefined && message.session !== 0) this.#answer(message, result)
  }

  /** A message that is part of a trace. */
  #traced({ source, session, value }: Message): void {
    const [id, type, inner] = value as TracedValue
    useTraces()
    this.#traceId = id
    try {
      this.#service.unwrapped({ type, source, session, value: inner })
    } finally {
      this.#traceId = undefined
      leaveTraces()
    }
  }

  /** Run a handler for somebody who wants to know of tasks, or of requests. */
  #watched(message: Message, run: () => unknown): unknown {
    const scope = this.#service.tracer?.scope(this.#titleOf(message))
    if (!areRequestsWatched()) return enterScope(scope, run)
    this.#handling = new Handling(this.#service, message)
    return this.#handling.run(this.#traceId, scope, run)
  }

  /** It has come to its first `await`, or its end. Returns what to await instead of `result`. */
  #leaveWatched(result: unknown, isLater: boolean): unknown {
    const handling = this.#handling!
    this.#handling = undefined
    handling.leave()
    if (!isLater) {
      handling.end()
      return result
    }
    this.#handlings ??= new Set()
    this.#handlings.add(handling)
    const end = (error?: unknown): void => {
      this.#handlings?.delete(handling)
      handling.end(error)
    }
    const promise = Promise.resolve(result)
    promise.then(() => end(), end)
    return promise
  }

  #thrown(message: Message, error: unknown): void {
    const taken = this.#takenOf()
    this.#handling?.leave()
    this.#handling?.end(error)
    this.#handling = undefined
    this.#failed(message, taken, error)
  }

  /** @throws {SkynetError} `ERR_NO_REQUEST`. */
  beginTrace(info: string): string {
    this.#handling ??= new Handling(this.#service, this.#asked('trace'))
    return this.#handling.begin(info)
  }

  /** How the handler answers; from here on nobody knows who asked. */
  #takenOf(): Taken | undefined {
    const taken = this.#taken
    this.#current = undefined
    this.#taken = undefined
    return taken
  }

  #later(message: Message, taken: Taken | undefined, result: PromiseLike<unknown>): void {
    // A thenable of somebody may throw, or call back twice: a promise of ours does not.
    const promise = result instanceof Promise ? result : Promise.resolve(result)
    if (taken !== undefined) {
      promise.then(undefined, (error: unknown) => this.#failed(message, taken, error))
      return
    }
    this.#open ??= new Sessions()
    const open = this.#open
    const origin = this.#service.tracer?.origin()
    const key = open.add({ session: 0, message, origin })
    promise.then(
      (value) => {
        const isOpen = open.take(key) !== undefined
        if (isOpen && message.session !== 0) this.#answer(message, value)
      },
      (error: unknown) => {
        if (open.take(key) !== undefined) this.#failed(message, undefined, error)
      },
    )
  }

  #answer(message: Message, value: unknown): boolean {
    const { source, session } = message
    const { handle, runtime } = this.#service
    try {
      const answer = this.#protocols === undefined ? value : this.#packed(message, value)
      return runtime.router.send(PTYPE.RESPONSE, source, handle, session, answer)
    } catch (error) {
      this.#service.fault(`${this.#nameOf(message)} returned what cannot be sent`, error)
      return this.#error(message, error)
    }
  }

  #packed(message: Message, value: unknown): unknown {
    const pack = this.#protocolOf(message)?.pack
    return pack === undefined ? value : pack(value)
  }

  #protocolOf({ type }: Message): ProtocolDefinition<unknown> | undefined {
    return this.#protocols?.get(this.#forwards?.get(type) ?? type)
  }

  #error({ source, session }: Message, error: unknown): boolean {
    const { handle, runtime } = this.#service
    const told = sendable(thrownToo(error))
    return runtime.router.send(PTYPE.ERROR, source, handle, session, told)
  }

  #failed(message: Message, taken: Taken | undefined, error: unknown): void {
    const service = this.#service
    // exit() leaves a method by this error; its caller is told by finish().
    if (isSkynetError(error, 'ERR_SERVICE_EXITED') && service.isEnding) {
      if (taken === undefined) service.runtime.router.refuse(message, service.handle)
      return
    }
    // Whoever took the answer upon himself and then failed will hardly give it.
    if (taken instanceof Owed && taken.state === 'open') this.payError(taken, error)
    else if (taken !== undefined || message.session === 0) {
      service.fault(this.#nameOf(message), error, message.source)
      // It may not have come to whom it should be passed on to.
      if (taken === 'ignored' && message.session !== 0) this.#error(message, error)
    } else this.#error(message, error)
  }

  /** As it is called in logs and lists. */
  #nameOf(message: Message): string {
    const protocol = this.#protocolOf(message)
    if (protocol !== undefined) return `protocol ${protocol.name}`
    const { type, value } = message
    return type === PTYPE.LUA ? `method ${(value as [string])[0]}` : `message of type ${type}`
  }

  #titleOf(message: Message): string {
    return `${this.#nameOf(message)} from ${this.#from(message)}`
  }

  #from({ source }: Message): string {
    return this.#service.runtime.handles.textOf(source)
  }

  // --- answers given otherwise ------------------------------------------------------------------

  /** @throws {SkynetError} `ERR_NO_REQUEST`. */
  context(what: string): RequestContext {
    const { source, session } = this.#asked(what)
    return { source, session }
  }

  response<T>(): Response<T> {
    const message = this.#take('response')
    if (message.session === 0) {
      this.#taken = 'ignored'
      return new Response<T>(undefined)
    }
    const owed = new Owed(this, message, this.#nameOf(message))
    this.#owed ??= new Set()
    this.#owed.add(owed)
    this.#taken = owed
    return new Response<T>(owed)
  }

  ignore(): void {
    this.#take('ignoreRet')
    this.#taken = 'ignored'
  }

  /**
   * Pass a request on. Who asked is told first whom it waits for now, and with which worker that
   * may go, and then that it was sent: this worker may die between. It is not told when both are on
   * this worker, whose death it is told of anyway.
   */
  redirect(to: number, context: RequestContext, type: number, value: unknown): boolean {
    const { source, session } = checkContext('redirect', context)
    const { handle, runtime } = this.#service
    const { handles, loads, worker } = runtime
    const home = handles.workerOf(to)
    if (home < 0) return false
    const pass = (): boolean => {
      try {
        return post(runtime, type, to, source, session, value)
      } catch (error) {
        throw asArgument(error)
      }
    }
    if (session === 0 || home === worker) return pass()
    const tell = (redirection: Redirection): boolean =>
      runtime.router.send(PTYPE.SYSTEM, source, handle, session, redirection)
    tell({ to, place: loads.placeOf(home) })
    const hasLeft = pass()
    tell({ isSent: true })
    return hasLeft
  }

  #take(what: string): Message {
    const message = this.#asked(what)
    if (this.#taken !== undefined) throw new SkynetError('ERR_NO_REQUEST', { what })
    return message
  }

  #asked(what: string): Message {
    if (this.#current === undefined) throw new SkynetError('ERR_NO_REQUEST', { what })
    return this.#current
  }

  pay(owed: Owed, value: unknown): boolean {
    this.#settle(owed, 'answered')
    const { handle, runtime } = this.#service
    const { source, session } = owed.message
    try {
      const answer = this.#packed(owed.message, value)
      return runtime.router.send(PTYPE.RESPONSE, source, handle, session, answer)
    } catch (error) {
      this.#error(owed.message, error)
      throw error
    }
  }

  payError(owed: Owed, error: unknown): boolean {
    this.#settle(owed, 'answered')
    return this.#error(owed.message, error)
  }

  isThere(caller: number): boolean {
    return this.#service.runtime.handles.workerOf(caller) >= 0
  }

  forgot(owed: Owed): void {
    this.#settle(owed, 'closed')
    const { name } = this.#service
    const error = new SkynetError('ERR_RESPONSE_FORGOTTEN', { service: name, method: owed.method })
    this.#service.fault(`response to ${this.#from(owed.message)}`, error)
    this.#error(owed.message, error)
  }

  #settle(owed: Owed, state: Owed['state']): void {
    owed.state = state
    this.#owed?.delete(owed)
  }

  // --- lists, and the end -----------------------------------------------------------------------

  get count(): number {
    return (this.#open?.size ?? 0) + (this.#owed?.size ?? 0)
  }

  /** Those of `source`, and packets of clients, whose handlers have begun and are not done. */
  unfinishedOf(source: number): number {
    let count = 0
    for (const { message } of this.#open?.items() ?? []) {
      if (message.source === source || message.type === PTYPE.CLIENT) count++
    }
    return count
  }

  /** What is owed an answer. */
  *tasks(): Generator<TaskInfo> {
    for (const open of this.#open?.items() ?? []) yield this.#rowOf(open)
    for (const owed of this.#owed ?? []) {
      if (owed.id === 0) owed.id = this.#service.nextTaskId()
      yield this.#rowOfOwed(owed)
    }
  }

  /** The handlers go on, but nobody waits for their answers any more. */
  kill(id: number, killed: (row: TaskInfo) => Error): boolean {
    const session = taskNumber(id, 'request')
    const open = session === undefined ? undefined : this.#open?.take(session)
    if (open !== undefined) {
      if (open.message.session !== 0) this.#error(open.message, killed(this.#rowOf(open)))
      return true
    }
    for (const owed of this.#owed ?? []) {
      if (owed.id !== id) continue
      this.#settle(owed, 'closed')
      this.#error(owed.message, killed(this.#rowOfOwed(owed)))
      return true
    }
    return false
  }

  #rowOf({ session, message, origin }: OpenRequest): TaskInfo {
    const id = taskId(session, 'request')
    return { id, kind: 'request', what: this.#titleOf(message), ...origin }
  }

  #rowOfOwed({ id, message }: Owed): TaskInfo {
    return { id, kind: 'response', what: this.#titleOf(message) }
  }

  /** The service has ended: nobody will answer. */
  finish(reason: ExitReason): void {
    const { runtime, handle } = this.#service
    for (const handling of this.#handlings ?? []) handling.end(this.#service.exited())
    this.#handlings = undefined
    for (const { message } of this.#open?.takeAll() ?? []) runtime.router.refuse(message, handle)
    for (const owed of this.#owed ?? []) {
      this.#settle(owed, 'closed')
      runtime.router.refuse(owed.message, handle)
      if (reason === 'stop') continue
      const to = this.#from(owed.message)
      this.#service.say('info', `ended and owes ${to} the response of ${owed.method}`)
    }
  }
}

/**
 * A packet of a client, say: what is its session to who handles it, is the socket it came by. On
 * its way that is negative, as nobody waits for an answer.
 */
const unanswered = ({ type, source, value }: Message): Message => ({
  type,
  source,
  session: 0,
  value,
})

/** Apart from who calls it: a closure there would cost also who is not watched. */
const invoking = (methods: object, method: Method, value: readonly unknown[]) => (): unknown =>
  invoke(methods, method, value)

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
