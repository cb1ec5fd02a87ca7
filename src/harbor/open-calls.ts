/** What waits for an answer across harbors: calls that left here, and requests that came. */
import { HARBOR_OPEN_MAX } from '../base/limits.ts'

/** A service here has called one of another harbor. */
export interface OpenCall {
  readonly source: number
  /** Its own, for that service alone. */
  readonly session: number
  /** The one that it has on the way. */
  onWay: number
  /** Handle in the other harbor. */
  readonly to: number
  readonly type: number
  /** For people. */
  readonly method: string
  /** So long it may take, until then: a time of the node. */
  readonly timeoutMs: number
  readonly until: number
  /** It has been handed to a connection: it may have been handled. */
  hasLeft: boolean
}

/** Sessions of 31 bits, from 1: the most that Skynet has. */
const SESSION_MAX = 0x7fffffff

/**
 * By the session that they have on the way. Those of services do not do: they count up beyond 31
 * bits, and two services may have the same.
 */
export class OpenCalls {
  readonly #all = new Map<number, OpenCall>()
  #last = 0

  get size(): number {
    return this.#all.size
  }

  /** @param evicted Told of the oldest, when there are too many: it waits no more. */
  add(call: OpenCall, evicted: (oldest: OpenCall) => void): number {
    if (this.#all.size >= HARBOR_OPEN_MAX) {
      const [session, oldest] = this.#all.entries().next().value!
      this.#all.delete(session)
      evicted(oldest)
    }
    do this.#last = (this.#last % SESSION_MAX) + 1
    while (this.#all.has(this.#last))
    this.#all.set(this.#last, call)
    call.onWay = this.#last
    return this.#last
  }

  /** The call of that session, if `source` has made it; it waits no more. */
  take(session: number, source: number): OpenCall | undefined {
    const call = this.#all.get(session)
    if (call?.source !== source) return undefined
    this.#all.delete(session)
    return call
  }

  /** Those that match wait no more. */
  takeAll(matches: (call: OpenCall) => boolean): OpenCall[] {
    const found = [...this.#all].filter(([, call]) => matches(call))
    for (const [session] of found) this.#all.delete(session)
    return found.map(([, call]) => call)
  }
}

/** A service of another harbor has called one here. */
export interface RemoteRequest {
  readonly source: number
  readonly session: number
  readonly type: number
  /** Who answers it: handle of a service here, or whom that has passed it on to. */
  to: number
}

const keyOf = (source: number, session: number): string => `${source} ${session}`

/** By who asked, and under which session. */
export class RemoteRequests {
  readonly #all = new Map<string, RemoteRequest>()

  get size(): number {
    return this.#all.size
  }

  /** @param evicted Told of the oldest, when there are too many: it is answered with an error. */
  add(request: RemoteRequest, evicted: (oldest: RemoteRequest) => void): void {
    const key = keyOf(request.source, request.session)
    if (this.#all.size >= HARBOR_OPEN_MAX && !this.#all.has(key)) {
      const [first, oldest] = this.#all.entries().next().value!
      this.#all.delete(first)
      evicted(oldest)
    }
    this.#all.set(key, request)
  }

  get(source: number, session: number): RemoteRequest | undefined {
    return this.#all.get(keyOf(source, session))
  }

  take(source: number, session: number): RemoteRequest | undefined {
    const key = keyOf(source, session)
    const request = this.#all.get(key)
    this.#all.delete(key)
    return request
  }

  takeAll(matches: (request: RemoteRequest) => boolean): RemoteRequest[] {
    const found = [...this.#all].filter(([, request]) => matches(request))
    for (const [key] of found) this.#all.delete(key)
    return found.map(([, request]) => request)
  }
}
