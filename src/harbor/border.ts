/**
 * Where messages of services here become frames for other harbors, and back, without sockets. A
 * handle means the same in all harbors, so nothing in a message is rewritten; sessions of calls
 * are, on their way out: see open-calls.ts.
 */
import { formatHandle, SkynetError } from '../base/errors.ts'
import { HARBOR_OPEN_MAX } from '../base/limits.ts'
import { messageOf } from '../base/thrown.ts'
import type { Message } from '../kernel/message.ts'
import { RESERVED_TYPES } from '../service/message-types.ts'
import { isAnswerType, PTYPE } from '../wire/ptype.ts'
import { type OpenCall, OpenCalls, type RemoteRequest, RemoteRequests } from './open-calls.ts'
import { answerPayload, readAnswerPayload, readRequestPayload, requestPayload } from './payload.ts'
import { decodeRemote, encodeRemote, type RemoteMessage } from './remote-message.ts'
import type { HarborParcel } from './roads.ts'

/** What goes wrong at a border, each a line of the log that may come in floods. */
export const TROUBLES = ['unsent', 'failed', 'unknown', 'unwanted'] as const
export type Trouble = (typeof TROUBLES)[number]

/** What the border needs of its node, and of the ways to others. */
export interface BorderHost {
  /** Number of this harbor. */
  readonly harbor: number
  /** How long a call may take whose caller has not said. */
  readonly callTimeoutMs: number
  /** Milliseconds since the node started. */
  now(): number
  /** As `Router.send`. */
  send(type: number, to: number, source: number, session: number, value: unknown): boolean
  /** A call of `source`, a service here, came back: now `to`, which is here too, answers it. */
  returned(source: number, session: number, to: number): void
  /** Of a local name: its handle, or 0. */
  handleOf(name: string): number
  /** What is returned: it is not sent. */
  transmit(harbor: number, parcel: HarborParcel): SkynetError | undefined
  say(trouble: Trouble, text: string): void
}

export const harborNumber = (handle: number): number => handle >>> 24

const SESSION_MAX = 0x7fffffff
const NO_PAYLOAD = Buffer.alloc(0)

/** What a peer may send besides answers: what services say to each other. */
const isForServices = (type: number): boolean => !RESERVED_TYPES.has(type) && type !== PTYPE.HARBOR

/** What is between what was sent and the method or the type in it. */
type Traced = readonly [id: string, type: number, value: unknown]

const methodOf = (type: number, value: unknown): string =>
  type === PTYPE.LUA ? String((value as readonly unknown[])[0]) : `type ${type}`

export class Border {
  readonly #host: BorderHost
  readonly #calls = new OpenCalls()
  readonly #requests = new RemoteRequests()

  constructor(host: BorderHost) {
    this.#host = host
  }

  /** What waits for an answer: calls of services here, and requests of others. */
  get open(): { readonly calls: number; readonly requests: number } {
    return { calls: this.#calls.size, requests: this.#requests.size }
  }

  // --- from services here ----------------------------------------------------------------------

  /**
   * A message of a service here for `to`, which is of another harbor. It never throws.
   *
   * @param timeoutMs How long its sender waits for the answer; 0: it has not said.
   */
  take(to: number, message: Message, timeoutMs = 0): void {
    const { type, source, session, value } = message
    switch (type) {
      case PTYPE.RESPONSE:
      case PTYPE.ERROR:
        this.#answer(to, message)
        return
      case PTYPE.SYSTEM:
        this.#passedOn(to, message)
        return
      case PTYPE.TRACE: {
        const [, inner, what] = value as Traced
        this.take(to, { type: inner, source, session, value: what }, timeoutMs)
        return
      }
      default:
        if (isForServices(type)) this.#request(to, message, timeoutMs)
        else this.#refuse(to, message, new SkynetError('ERR_PROTOCOL_UNKNOWN', { type: `${type}` }))
    }
  }

  #request(to: number, message: Message, timeoutMs: number): void {
    const { type, source, value } = message
    const host = this.#host
    let payload: Uint8Array
    try {
      payload = requestPayload(type, value, (name) => host.handleOf(name))
    } catch (error) {
      this.#refuse(to, message, error)
      return
    }
    const isOurs = harborNumber(source) === host.harbor
    // Passed on by who was asked from another harbor: the answer will not come this way.
    if (!isOurs) this.#requests.take(source, message.session)
    const call = isOurs && message.session > 0 ? this.#callOf(to, message, timeoutMs) : undefined
    const session = call === undefined ? Math.max(message.session, 0) : this.#opened(call)
    const error = this.#transmit({ type, to, source, session, payload }, call)
    if (error === undefined) return
    if (call !== undefined) this.#calls.take(call.onWay, source)
    this.#refuse(to, message, error)
  }

  #callOf(to: number, { type, source, session, value }: Message, asked: number): OpenCall {
    const { callTimeoutMs } = this.#host
    const timeoutMs = asked === 0 ? callTimeoutMs : asked
    const until = this.#host.now() + timeoutMs
    const method = methodOf(type, value)
    return { source, session, onWay: 0, to, type, method, timeoutMs, until, hasLeft: false }
  }

  #opened(call: OpenCall): number {
    return this.#calls.add(call, (oldest) => {
      const sent = oldest.hasLeft ? 'maybe' : 'no'
      const info = {
        harbor: harborNumber(oldest.to),
        bytes: 0,
        limit: HARBOR_OPEN_MAX,
        sent,
      } as const
      this.#fail(oldest, new SkynetError('ERR_HARBOR_FULL', info))
    })
  }

  #transmit(message: RemoteMessage, call?: OpenCall): SkynetError | undefined {
    const { type, to } = message
    const parcel = { frame: encodeRemote(message), call, isAnswer: isAnswerType(type) }
    return this.#host.transmit(harborNumber(to), parcel)
  }

  /** It is not sent: who called is told; of what was sent alone the log. */
  #refuse(to: number, { source, session, type, value }: Message, error: unknown): void {
    if (session > 0) {
      if (harborNumber(source) === this.#host.harbor) {
        this.#host.send(PTYPE.ERROR, source, to, session, error)
      } else this.#deny(source, to, session)
      return
    }
    const from = formatHandle(source)
    const what = methodOf(type, value)
    this.#host.say(
      'unsent',
      `Cannot send ${what} from ${from} to ${formatHandle(to)}: ${messageOf(error)}`,
    )
  }

  #answer(to: number, { type, source, session, value }: Message): void {
    const request = this.#requests.take(to, session)
    // Nobody has asked, or its harbor went down, or it was told an error before.
    if (request === undefined) return
    let payload: Uint8Array = NO_PAYLOAD
    let isError = type === PTYPE.ERROR
    let why = value
    if (!isError) {
      try {
        payload = answerPayload(request.type, value, (name) => this.#host.handleOf(name))
      } catch (error) {
        isError = true
        why = error
      }
    }
    // Skynet has no room for the text of an error, so it stays here.
    if (isError && why !== undefined) {
      const [by, whom] = [formatHandle(source), formatHandle(to)]
      this.#host.say(
        'failed',
        `${by} has failed, called by ${whom} of another harbor: ${messageOf(why)}`,
      )
    }
    const answer = isError ? PTYPE.ERROR : PTYPE.RESPONSE
    const error = this.#transmit({ type: answer, to, source, session, payload })
    if (error === undefined) return
    const [by, whom] = [formatHandle(source), formatHandle(to)]
    this.#host.say('unsent', `Cannot send the answer of ${by} to ${whom}: ${messageOf(error)}`)
    this.#transmit({ type: PTYPE.ERROR, to, source, session, payload: NO_PAYLOAD })
  }

  /** Who answers a request from another harbor is now another service here. */
  #passedOn(asker: number, { session, value }: Message): void {
    const request = this.#requests.get(asker, session)
    const { to } = (value ?? {}) as { readonly to?: unknown }
    if (request !== undefined && typeof to === 'number') request.to = to
  }

  // --- from other harbors ----------------------------------------------------------------------

  /**
   * A frame of another harbor, without its size.
   *
   * @throws {SkynetError} `ERR_HARBOR_PROTOCOL` when it is none: what follows cannot be trusted.
   */
  receive(body: Buffer): void {
    const message = decodeRemote(body, this.#host.harbor)
    if (isAnswerType(message.type)) this.#answered(message)
    else if (isForServices(message.type)) this.#requested(message)
    // Skynet announces a trace by a message of its own; it is not followed here.
    else if (message.type !== PTYPE.TRACE) this.#unwanted(message, `of type ${message.type}`)
  }

  #answered({ type, to, source, session, payload }: RemoteMessage): void {
    const call = this.#calls.take(session, to)
    // Given up, or none that was ever made.
    if (call === undefined) return
    if (type === PTYPE.ERROR) {
      const { method } = call
      this.#fail(call, new SkynetError('ERR_HARBOR_FAILED', { to: formatHandle(call.to), method }))
      return
    }
    try {
      const value = readAnswerPayload(call.type, payload)
      this.#host.send(PTYPE.RESPONSE, to, source, call.session, value)
    } catch (error) {
      this.#fail(call, error)
    }
  }

  #fail({ source, to, session }: OpenCall, error: unknown): void {
    this.#host.send(PTYPE.ERROR, source, to, session, error)
  }

  #requested(message: RemoteMessage): void {
    const { type, source, payload } = message
    if (message.session > SESSION_MAX) {
      this.#unwanted(message, `with session ${message.session}`)
      return
    }
    let value: unknown
    try {
      value = readRequestPayload(type, payload)
    } catch (error) {
      this.#unwanted(message, messageOf(error))
      return
    }
    if (value === undefined) {
      this.#unwanted(message, 'whose first value is no name of a method')
      return
    }
    if (harborNumber(source) === this.#host.harbor) this.#comeBack(message, value)
    else this.#deliver(message, value)
  }

  #deliver(message: RemoteMessage, value: unknown): void {
    const { type, to, source, session } = message
    // Nobody could be answered.
    const isCall = session !== 0 && harborNumber(source) !== 0
    const request = { source, session, type, to }
    if (isCall) this.#requests.add(request, (oldest) => this.#denyRequest(oldest))
    try {
      if (this.#host.send(type, to, source, isCall ? session : 0, value)) return
      const [gone, from] = [formatHandle(to), formatHandle(source)]
      this.#host.say('unknown', `Unknown destination ${gone} from ${from} type(${type})`)
      this.#deny(source, to, session)
    } catch (error) {
      // What a service here cannot be told: nested too deep, say.
      this.#unwanted(message, messageOf(error))
    }
  }

  /** What a service here has sent, and was passed on to another one here: it stays here. */
  #comeBack({ type, to, source, session }: RemoteMessage, value: unknown): void {
    const call = session === 0 ? undefined : this.#calls.take(session, source)
    // It was given up.
    if (session !== 0 && call === undefined) return
    if (call !== undefined) this.#host.returned(source, call.session, to)
    try {
      if (this.#host.send(type, to, source, call?.session ?? 0, value)) return
      if (call !== undefined) this.#fail(call, undefined)
    } catch (error) {
      if (call !== undefined) this.#fail(call, error)
    }
  }

  #unwanted(message: RemoteMessage, what: string): void {
    const { source, to, session } = message
    const [from, whom] = [formatHandle(source), formatHandle(to)]
    this.#host.say('unwanted', `Cannot take a message from ${from} to ${whom}: ${what}`)
    this.#deny(source, to, session)
  }

  /** Answer with an error, as somebody who is not there. */
  #deny(source: number, to: number, session: number): void {
    if (session === 0) return
    this.#requests.take(source, session)
    const harbor = harborNumber(source)
    if (harbor === 0) return
    if (harbor !== this.#host.harbor) {
      this.#transmit({ type: PTYPE.ERROR, to: source, source: to, session, payload: NO_PAYLOAD })
      return
    }
    const call = this.#calls.take(session, source)
    if (call === undefined) return
    const info = { to: formatHandle(to), method: call.method }
    this.#fail(call, new SkynetError('ERR_HARBOR_FAILED', info))
  }

  #denyRequest({ source, to, session }: RemoteRequest): void {
    this.#deny(source, to, session)
  }

  // --- ends ------------------------------------------------------------------------------------

  /** A harbor is down: calls that wait for it end. Its own requests are answered by nobody. */
  lost(harbor: number, errorOf: (call: OpenCall) => SkynetError): void {
    for (const call of this.#calls.takeAll(({ to }) => harborNumber(to) === harbor)) {
      this.#fail(call, errorOf(call))
    }
    this.#requests.takeAll(({ source }) => harborNumber(source) === harbor)
  }

  /** Called from time to time: calls that took too long end. */
  tick(): void {
    const now = this.#host.now()
    for (const call of this.#calls.takeAll(({ until }) => until <= now)) {
      const { to, method, timeoutMs } = call
      const info = { to: formatHandle(to), method, timeoutMs }
      this.#fail(call, new SkynetError('ERR_CALL_TIMEOUT', info))
    }
  }

  /** What had to wait for a harbor is not sent. */
  dropped({ call }: HarborParcel, error: SkynetError): void {
    if (call === undefined) {
      this.#host.say('unsent', messageOf(error))
      return
    }
    if (this.#calls.take(call.onWay, call.source) !== undefined) this.#fail(call, error)
  }

  /** A worker died. `dead`: handles that it had. What it has answered before has come. */
  workerDied(dead: ReadonlySet<number>): void {
    for (const request of this.#requests.takeAll(({ to }) => dead.has(to))) {
      this.#denyRequest(request)
    }
  }

  /** Nothing goes across any more. */
  end(errorOf: (call: OpenCall) => SkynetError): void {
    for (const call of this.#calls.takeAll(() => true)) this.#fail(call, errorOf(call))
    for (const request of this.#requests.takeAll(() => true)) this.#denyRequest(request)
  }
}
