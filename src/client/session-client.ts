/** The client of a gate, as its user has it. Made by `connect`. */

import type { CallOptions } from './call-options.ts'
import type { ClientError } from './client-error.ts'
import type { CallsOf, ClientProtocol, HeardOf } from './client-protocol.ts'
import type { ClientReason } from './core.ts'
import type { EventStream } from './event-stream.ts'

/**
 * What a client is doing.
 *
 * | state | means |
 * | --- | --- |
 * | `connecting` | a connection is being made; calls are kept |
 * | `open` | the server is there |
 * | `waiting` | there is no connection, and the next one comes by itself; calls are kept |
 * | `closed` | it is over |
 */
export type SessionClientState = 'connecting' | 'open' | 'waiting' | 'closed'

/** What is told of a change of state. */
export interface StateChange {
  /**
   * Of `open`: the session is one of before, and nothing of it is missing. Not so: it is a new one,
   * which knows nothing of what the client has done and seen.
   */
  readonly isResumed: boolean
  /** Of `waiting` and `closed`: why. Its code is a row of the table of close codes, or `lost` … */
  readonly reason: ClientReason | undefined
}

/** A call that is answered. */
export type ClientCall<Request, Response> = undefined extends Request
  ? (value?: Request, options?: CallOptions) => Promise<Response>
  : (value: Request, options?: CallOptions) => Promise<Response>

/** A call that nobody waits for. */
export type ClientSend<Request> = undefined extends Request
  ? (value?: Request) => void
  : (value: Request) => void

/** One session, over as many connections as it takes. */
export interface SessionClient<P extends ClientProtocol> {
  /**
   * Resolves when the server has welcomed the client for the first time.
   *
   * @throws {ClientError} `ERR_CLIENT_CLOSED`: it was refused for good, `closeCode` says why; or it
   * was closed here.
   */
  readonly ready: Promise<void>
  readonly state: SessionClientState
  /** Why it waits, or is closed; why it waited, while it connects again. */
  readonly reason: ClientReason | undefined
  /** Of the session, for people and logs. Empty before the first welcome. */
  readonly id: string

  /**
   * The calls of the protocol: `client.call.draw(line, { timeoutMs: 1000 })`. Each runs once,
   * whatever happens to connections.
   *
   * @throws {ClientError} `ERR_CLIENT_FULL`, `ERR_CLIENT_CLOSED`, `ERR_CLIENT_TOO_LONG`: it was not
   * sent. `ERR_CLIENT_LOST`: the session has ended, and it may have run. `ERR_CLIENT_TIMEOUT`,
   * `ABORT_ERR` as asked for. `ERR_CLIENT_UNREADABLE` it has run. What the server says:
   * `ERR_HANDLER`, `ERR_MESSAGE_INVALID`, a code of the game … What the codec throws.
   */
  readonly call: {
    readonly [Name in keyof CallsOf<P>]: ClientCall<
      CallsOf<P>[Name]['request'],
      CallsOf<P>[Name]['answer']
    >
  }

  /**
   * The same calls, when nobody waits for the answer. They run once as well. One that cannot be
   * sent any more is told to `onLost`.
   *
   * @throws {ClientError} `ERR_CLIENT_FULL`, `ERR_CLIENT_CLOSED`, `ERR_CLIENT_TOO_LONG`. What the
   * codec throws.
   */
  readonly send: { readonly [Name in keyof CallsOf<P>]: ClientSend<CallsOf<P>[Name]['request']> }

  /**
   * Hear of an event, from now on: every one, in order, once, as long as the session lives. What a
   * listener throws is an uncaught error. An event that nobody listens to is dropped.
   *
   * @returns Ends it.
   */
  on<Name extends keyof HeardOf<P>>(
    event: Name,
    listener: (value: HeardOf<P>[Name]) => void,
  ): () => void

  /**
   * The same for a loop: what comes from now on, as fast as the loop is. It ends when the client is
   * closed here.
   *
   * @throws {ClientError} In the loop: `ERR_CLIENT_LAG` when more than `limit` wait;
   * `ERR_CLIENT_CLOSED` when the server has ended the session.
   */
  events<Name extends keyof HeardOf<P>>(
    event: Name,
    options?: EventsOptions,
  ): EventStream<HeardOf<P>[Name]>

  /** Hear of each change of the state, from now on. @returns Ends it. */
  onState(listener: (state: SessionClientState, change: StateChange) => void): () => void

  /** Hear of what was sent with `send`, and may not have run. @returns Ends it. */
  onLost(listener: (call: string, error: ClientError) => void): () => void

  /**
   * End the session, now: calls that wait are rejected. Again: harmless.
   *
   * @returns Resolves at once; what was sent still leaves.
   */
  close(): Promise<void>
}

export interface EventsOptions {
  /** Events that wait for the loop. Default 1000. */
  readonly limit?: number
}
