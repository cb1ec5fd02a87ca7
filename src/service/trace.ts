/**
 * Following requests through services: Skynet's `trace`, and what is published of every call.
 *
 * A traced message travels inside one of type TRACE: `[id, type, value]`, under the same session.
 * So nothing can come between the two, or get lost without the other. Whether anybody wants to know
 * of calls is one look at the channel: while a trace is under way, this thread subscribes itself.
 */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { formatHandle } from '../base/errors.ts'
import type { Message } from '../kernel/message.ts'
import type { Router } from '../kernel/router.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Requester, RequestTraits, Send } from './calls.ts'
import {
  enterScope,
  kept,
  leaveScopes,
  type Scope,
  scopeNow,
  setScope,
  useScopes,
} from './scope.ts'
import { renamed } from './sendable.ts'
import type { WaitOptions } from './wait-options.ts'

/** What traces need of the worker. */
export interface TraceRuntime {
  readonly router: Router
  /** Milliseconds since the node started. */
  readonly now: number
  /** Name of this node in its cluster; undefined: it is in none. */
  readonly clusterNode: string | undefined
  readonly handles: { textOf(handle: number): string }
}

/** What traces need of a service. */
export interface TraceHost {
  readonly handle: number
  readonly runtime: TraceRuntime
  say(level: 'info', text: string): void
}

/** The same, of one that calls. */
export interface TracedCaller extends TraceHost, Requester {}

/** Published by the caller: its call is over, or it has sent something. */
const CALLS = channel('skynet-ts:call')
/** Published by the callee: the handler of a request is done. */
const REQUESTS = channel('skynet-ts:request')

/** One call, as either end sees it. */
export interface CallEvent {
  /** Of the trace that it is a part of: `:0000000a-1`, `a:0000000a-1`. Undefined: of none. */
  readonly id: string | undefined
  /** Handles. */
  readonly source: number
  readonly destination: number
  /** Name of the method; of another protocol `type 16`. */
  readonly method: string
  /** 0: it was sent, nobody waits for an answer. */
  readonly session: number
  /** Milliseconds until the call was over, or its handler done. 0 for who sent something. */
  readonly ms: number
  /** What it ended with, if not with an answer. */
  readonly error: unknown
}

/** What travels for a message that is traced. */
export type TracedValue = readonly [id: string, type: number, value: unknown]

export const areCallsWatched = (): boolean => CALLS.hasSubscribers
export const areRequestsWatched = (): boolean => REQUESTS.hasSubscribers

const nobody = (): void => {}
let traces = 0
let lastId = 0

/** From now on the ids of traces follow code. Each call is made up for by one of `leaveTraces`. */
export function useTraces(): void {
  useScopes()
  if (traces++ > 0) return
  subscribe('skynet-ts:call', nobody)
  subscribe('skynet-ts:request', nobody)
}

export function leaveTraces(): void {
  leaveScopes()
  if (--traces > 0) return
  unsubscribe('skynet-ts:call', nobody)
  unsubscribe('skynet-ts:request', nobody)
}

/** As Skynet's: handle and number, which counts up on each worker. In front of it the node. */
const nextId = ({ handle, runtime }: TraceHost): string =>
  `${runtime.clusterNode ?? ''}${formatHandle(handle)}-${++lastId}`

function log(service: TraceHost, id: string | undefined, text: string): void {
  if (id !== undefined) service.say('info', `<TRACE ${id}> ${text}`)
}

const within = (id: string, service: TraceHost, around: Scope | undefined): Scope => ({
  service: service.handle,
  task: around?.task ?? '',
  entry: around?.entry,
  trace: id,
})

const methodOf = (type: number, value: unknown): string =>
  type === PTYPE.LUA ? (value as [string])[0] : `type ${type}`

const ended = (ms: number, error: unknown): string =>
  `${ms.toFixed(3)} ms${error === undefined ? '' : `, error ${(error as Error)?.message ?? error}`}`

// --- who calls ----------------------------------------------------------------------------------

/** Send a message, with the trace of the code that sends it. As `Router.send`. */
export function post(
  { router }: TraceRuntime,
  type: number,
  to: number,
  source: number,
  session: number,
  value: unknown,
  timeoutMs = 0,
): boolean {
  const id = scopeNow()?.trace
  if (id === undefined) return router.send(type, to, source, session, value, timeoutMs)
  const traced: TracedValue = [id, type, value]
  try {
    return router.send(PTYPE.TRACE, to, source, session, traced, timeoutMs)
  } catch (error) {
    throw asUntraced(error, type)
  }
}

/** What cannot be sent is named as if it had travelled alone. */
const asUntraced = (error: unknown, type: number): unknown =>
  renamed(error, (path) => path.replace('value[2]', type === PTYPE.LUA ? 'args' : 'value'))

/** A call that somebody wants to know of. */
export function watchedCall(
  service: TracedCaller,
  type: number,
  to: number,
  value: unknown,
  options: WaitOptions | undefined,
  more?: RequestTraits,
): Promise<unknown> {
  const { runtime, handle: source } = service
  const id = scopeNow()?.trace
  const method = methodOf(type, value)
  const from = runtime.now
  const what = `${method} of ${runtime.handles.textOf(to)}`
  let session = 0
  const send: Send = (given, timeoutMs) => {
    session = given
    log(service, id, `call ${what}, session ${given}`)
    return post(runtime, type, to, source, given, value, timeoutMs)
  }
  const call = service.request(method, to, options, send, more)
  const end = (error?: unknown): void => {
    const ms = runtime.now - from
    log(service, id, `response ${what}, session ${session}, ${ended(ms, error)}`)
    const event: CallEvent = { id, source, destination: to, method, session, ms, error }
    CALLS.publish(event)
  }
  call.then(() => end(), end)
  return call
}

/** A send that somebody wants to know of. */
export function watchedSend(service: TraceHost, type: number, to: number, value: unknown): boolean {
  const { runtime, handle: source } = service
  const id = scopeNow()?.trace
  const method = methodOf(type, value)
  const isSent = post(runtime, type, to, source, 0, value)
  if (!isSent) return false
  log(service, id, `send ${method} to ${runtime.handles.textOf(to)}`)
  const sent = { id, source, destination: to, method, session: 0, ms: 0, error: undefined }
  CALLS.publish(sent satisfies CallEvent)
  return true
}

// --- who is called ------------------------------------------------------------------------------

/** The handling of one request that somebody wants to know of, until its handler is done. */
export class Handling {
  readonly #service: TraceHost
  readonly #message: Message
  readonly #method: string
  readonly #from: number
  /** It may end with its service, by what somebody else does. */
  readonly #publish = kept((event: CallEvent) => REQUESTS.publish(event))
  #id: string | undefined
  #isOver = false
  /** It began a trace itself: the scope to go back to when it leaves. */
  #around: { readonly scope: Scope | undefined } | undefined

  constructor(service: TraceHost, message: Message) {
    this.#service = service
    this.#message = message
    this.#method = methodOf(message.type, message.value)
    this.#from = service.runtime.now
  }

  /** Run the handler; its message came with the trace `id`, or with none. */
  run(id: string | undefined, scope: Scope | undefined, handler: () => unknown): unknown {
    if (id === undefined) return scope === undefined ? handler() : enterScope(scope, handler)
    useTraces()
    this.#id = id
    const from = this.#service.runtime.handles.textOf(this.#message.source)
    log(this.#service, id, `request ${this.#method} from ${from}`)
    return enterScope(within(id, this.#service, scope), handler)
  }

  /** The handler begins a trace, for all that it does from now on. */
  begin(info: string): string {
    const id = nextId(this.#service)
    useTraces()
    this.#id = id
    const scope = scopeNow()
    this.#around = { scope }
    setScope(within(id, this.#service, scope))
    log(this.#service, id, `trace ${info}`)
    return id
  }

  /** The handler has come to its first `await`, or its end. */
  leave(): void {
    if (this.#around !== undefined) setScope(this.#around.scope)
  }

  /** It is done; or its service has ended, and nobody waits for it. */
  end(error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    const { runtime, handle: destination } = this.#service
    const { source, session } = this.#message
    const id = this.#id
    const method = this.#method
    const ms = runtime.now - this.#from
    log(this.#service, id, `end ${method}, ${ended(ms, error)}`)
    const event: CallEvent = { id, source, destination, method, session, ms, error }
    this.#publish(event)
    if (id !== undefined) leaveTraces()
  }
}

/** Begin a trace in the request at hand, or go on with the one that the code is in. */
export function trace(
  service: TraceHost & { readonly requests: { beginTrace(info: string): string } },
  info: string,
): string {
  const id = scopeNow()?.trace
  if (id === undefined) return service.requests.beginTrace(info)
  log(service, id, `trace ${info}`)
  return id
}

/** Run `task` in a trace: the one that the code is in, or one of its own. */
export async function traced<T>(
  service: TraceHost,
  info: string,
  task: () => T | PromiseLike<T>,
): Promise<T> {
  const around = scopeNow()
  const id = around?.trace ?? nextId(service)
  const from = service.runtime.now
  useTraces()
  log(service, id, `trace ${info}`)
  try {
    return await enterScope(within(id, service, around), task)
  } finally {
    log(service, id, `end ${info}, ${ended(service.runtime.now - from, undefined)}`)
    leaveTraces()
  }
}
