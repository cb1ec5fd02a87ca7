/** Who takes requests and responses in sproto, as Skynet's `host`. See docs/sproto.md. */
import { checkInteger, checkOptions, refusal } from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import { SPROTO_SESSIONS_MAX } from '../../base/limits.ts'
import { coreOf, type SprotoCore } from './core.ts'
import type { BodyOf, KnownName, ProtocolNames, SchemaSource, ValueOf, Way } from './infer.ts'
import { type Package, type Packages, type SprotoSession, sessionError } from './packages.ts'
import type { TypePlan } from './plan.ts'
import type { SchemaProtocol } from './schema.ts'

/** The user data `ud` of a package `P`, if it has some. */
type UserData<S extends string, P extends string, W extends Way> =
  ValueOf<S, P, W> extends { readonly ud?: infer U } ? U : undefined

/** What has no body needs no argument for it. */
type Answer<B, U> = [undefined] extends [B]
  ? [response?: B, ud?: U | undefined]
  : [response: B, ud?: U | undefined]

type Question<B, U> = [undefined] extends [B]
  ? [request?: B, session?: SprotoSession | undefined, ud?: U | undefined]
  : [request: B, session?: SprotoSession | undefined, ud?: U | undefined]

/** A request that has come. */
export interface SprotoRequest<
  S extends string,
  P extends string,
  W extends Way,
  N extends string = ProtocolNames<S>,
> {
  readonly type: 'request'
  /** Of its protocol. */
  readonly name: N
  readonly request: BodyOf<S, N, 'request', W>
  readonly session: SprotoSession | undefined
  readonly ud: UserData<S, P, W> | undefined
  /**
   * Makes the bytes of the answer, once. Without a session there is none: nobody waits.
   *
   * @throws {SkynetError} `ERR_RESPONSE_TWICE`
   */
  readonly respond:
    | ((...answer: Answer<BodyOf<S, N, 'response', 'in'>, UserData<S, P, 'in'>>) => Buffer)
    | undefined
}

/** The answer to a request of this side. */
export interface SprotoResponse<
  S extends string,
  P extends string,
  W extends Way,
  T extends string,
  N extends string = ProtocolNames<T>,
> {
  readonly type: 'response'
  /** Of the protocol of its request. */
  readonly name: N
  readonly session: SprotoSession
  readonly response: BodyOf<T, N, 'response', W>
  readonly ud: UserData<S, P, W> | undefined
}

/** One of each protocol, told apart by `name`. */
type Requests<S extends string, P extends string, W extends Way> = {
  [N in ProtocolNames<S>]: SprotoRequest<S, P, W, N>
}[ProtocolNames<S>]

type Responses<S extends string, P extends string, W extends Way, T extends string> = {
  [N in ProtocolNames<T>]: SprotoResponse<S, P, W, T, N>
}[ProtocolNames<T>]

export interface SprotoAttachOptions {
  /** Requests that may wait for their answers at a time: 65,536, unless you say otherwise. */
  maxSessions?: number
}

/**
 * Takes requests of the protocols of its schema. It keeps nothing of them, so that one is enough
 * for all connections.
 */
export class SprotoHost<S extends string, P extends string, W extends Way> {
  readonly #packages: Packages

  /** @internal */
  constructor(packages: Packages) {
    this.#packages = packages
  }

  /**
   * Take the request in `bytes`, packed as a peer has sent them. They are not kept.
   *
   * @throws {SkynetError} `ERR_CODEC`: they are none, or of no protocol of the schema;
   * `ERR_SPROTO_SESSION`: they are a response, and nobody has asked.
   */
  dispatch(bytes: Uint8Array): Requests<S, P, W> {
    const opened = this.#packages.open(bytes)
    if (opened.protocol === undefined) throw sessionError(opened.session!, 'nobody waits for it')
    return requestOf(this.#packages, opened, opened.protocol) as Requests<S, P, W>
  }

  /**
   * The other direction: requests of the protocols of `other`, and their responses. It remembers
   * which sessions wait, so each connection has its own.
   */
  attach<T extends string>(
    other: SchemaSource<T>,
    options?: SprotoAttachOptions,
  ): SprotoPeer<S, P, W, T> {
    return new SprotoPeer(this.#packages, coreOf('attach', other), options)
  }
}

/** One connection: requests go both ways, and responses. */
export class SprotoPeer<S extends string, P extends string, W extends Way, T extends string> {
  readonly #packages: Packages
  readonly #core: SprotoCore
  readonly #maxSessions: number
  readonly #waiting = new Map<SprotoSession, SchemaProtocol>()

  /** @internal */
  constructor(packages: Packages, core: SprotoCore, options: SprotoAttachOptions | undefined) {
    checkOptions('attach', 'options', options, ['maxSessions'])
    const { maxSessions = SPROTO_SESSIONS_MAX } = options ?? {}
    checkInteger('attach', 'maxSessions', maxSessions, 1, Number.MAX_SAFE_INTEGER)
    this.#packages = packages
    this.#core = core
    this.#maxSessions = maxSessions
  }

  /** How many requests wait for their answers. */
  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Make the bytes of a request, packed. With a session it waits for its answer, until that is
   * dispatched or you `forget` it: how long is up to you.
   *
   * @throws {SkynetError} `ERR_SPROTO_SESSION`: the session waits already, or too many do.
   */
  request<N extends string>(
    name: KnownName<N, ProtocolNames<T>>,
    ...question: Question<BodyOf<T, N, 'request', 'in'>, UserData<S, P, 'in'>>
  ): Buffer {
    const [request, session, ud] = question
    const protocol = this.#core.protocol('request', name)
    if (session !== undefined) this.#checkSession(session)
    const head = { type: protocol.tag, session, ud }
    const bytes = this.#packages.seal(
      'request',
      head,
      planOf(this.#core, protocol.request),
      request,
    )
    if (session !== undefined) this.#waiting.set(keyOf(session), protocol)
    return bytes
  }

  #checkSession(session: SprotoSession): void {
    if (typeof session !== 'bigint' && !Number.isSafeInteger(session)) {
      throw refusal('type', 'request', 'session', 'a whole number, or a bigint', session)
    }
    if (this.#waiting.has(keyOf(session))) {
      throw sessionError(session, 'it waits for another answer')
    }
    if (this.#waiting.size < this.#maxSessions) return
    throw sessionError(session, `${this.#maxSessions} wait already, which is the limit`)
  }

  /**
   * Take what a peer has sent, packed as it came. The bytes are not kept.
   *
   * @throws {SkynetError} `ERR_CODEC`: they are none, or of no protocol of the schema. A response
   * whose body is wrong has ended the wait for it.
   * `ERR_SPROTO_SESSION`: a response that nobody waits for (any more).
   */
  dispatch(bytes: Uint8Array): Requests<S, P, W> | Responses<S, P, W, T> {
    const opened = this.#packages.open(bytes)
    if (opened.protocol !== undefined) {
      return requestOf(this.#packages, opened, opened.protocol) as Requests<S, P, W>
    }
    const session = opened.session!
    const protocol = this.#waiting.get(session)
    if (protocol === undefined) throw sessionError(session, 'nobody waits for it')
    this.#waiting.delete(session)
    const response = this.#packages.body(opened, planOf(this.#core, protocol.response))
    const { ud } = opened
    return { type: 'response', name: protocol.name, session, response, ud } as Responses<S, P, W, T>
  }

  /**
   * Wait no longer for an answer. It is an `ERR_SPROTO_SESSION` when it comes after all.
   *
   * @returns False: nobody waited.
   */
  forget(session: SprotoSession): boolean {
    return this.#waiting.delete(keyOf(session))
  }
}

/** A session is decoded as a number where it can be one. */
function keyOf(session: SprotoSession): SprotoSession {
  const number = Number(session)
  return Number.isSafeInteger(number) ? number : session
}

const planOf = (core: SprotoCore, type: string | undefined): TypePlan | undefined =>
  type === undefined ? undefined : core.plan('dispatch', type)

function requestOf(packages: Packages, opened: Package, protocol: SchemaProtocol) {
  const { core } = packages
  const { name } = protocol
  const { session, ud } = opened
  const request = packages.body(opened, planOf(core, protocol.request))
  const respond = session === undefined ? undefined : responder(packages, protocol, session)
  return { type: 'request', name, request, session, ud, respond }
}

function responder(packages: Packages, protocol: SchemaProtocol, session: SprotoSession) {
  let isDone = false
  return (response?: unknown, ud?: unknown): Buffer => {
    if (isDone) throw new SkynetError('ERR_RESPONSE_TWICE', { method: protocol.name })
    const plan = planOf(packages.core, protocol.response)
    const bytes = packages.seal('respond', { session, ud }, plan, response)
    isDone = true
    return bytes
  }
}
