/** The kinds of channels: how a request looks in each. */
import { checkFunction, refusal } from '../base/check.ts'
import { kept } from '../service/scope.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { Answer, AnswerReader, DataOf } from './answers.ts'
import type { Data } from './request.ts'
import { SocketChannel } from './socket-channel.ts'

/**
 * Answers come in the order of the requests, and each request brings the function that reads its
 * answer.
 */
export class OrderChannel extends SocketChannel {
  /**
   * Ask, and wait for the answer. Requests of one turn leave together, and do not wait for each
   * other's answers.
   *
   * A request that gives up is answered all the same, when it was sent: its answer is dropped.
   *
   * @param data Is yours again on return. Strings are UTF-8; of a list all are written in order.
   * @param reader Reads the answer; its `data` is what this resolves with, or a list of it when it
   * says `padding`.
   * @throws {SkynetError} `ERR_SOCKETCHANNEL_ANSWER` the server says no; `ERR_CONNECT`,
   * `ERR_SOCKETCHANNEL_AUTH` no address lets us in; `ERR_SOCKETCHANNEL_LOST` the connection ended
   * before the answer, and nobody knows whether the server has done it;
   * `ERR_SOCKETCHANNEL_PROTOCOL` a reader has thrown; `ERR_SOCKETCHANNEL_FULL` too much is under
   * way; `ERR_SOCKETCHANNEL_CLOSED`; `ERR_SOCKETCHANNEL_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  async request<A extends Answer>(
    data: Data,
    reader: AnswerReader<A>,
    options?: WaitOptions,
  ): Promise<DataOf<A>> {
    checkFunction('request', 'reader', reader)
    const question = { kind: 'request', data, reader: kept(reader) } as const
    return (await this.core.ask(question, options, this.bound)) as DataOf<A>
  }

  /**
   * Wait for what the server sends by itself. Connects, again and again if it has to.
   *
   * @throws As `request`. `ERR_SOCKETCHANNEL_LOST`: call it again to go on.
   */
  async response<A extends Answer>(
    reader: AnswerReader<A>,
    options?: WaitOptions,
  ): Promise<DataOf<A>> {
    checkFunction('wait for a response', 'reader', reader)
    const question = { kind: 'response', reader: kept(reader) } as const
    return (await this.core.listen(question, options, this.bound)) as DataOf<A>
  }
}

/** Each answer names its request by a session, which is whatever the protocol makes of it. */
export class SessionChannel<S, T> extends SocketChannel {
  /**
   * Ask, and wait for the answer with that session.
   *
   * The answer of a request that gave up is dropped; until it has come the session is in use.
   *
   * @param data As it goes out, its session included.
   * @param session Compared as a key of a `Map`.
   * @throws {SkynetError} As `OrderChannel.request`, and `ERR_SOCKETCHANNEL_SESSION`: a request
   * with that session is under way.
   */
  request(data: Data, session: S, options?: WaitOptions): Promise<T> {
    const wrong = wrongSession('request', session)
    if (wrong !== undefined) return Promise.reject(wrong)
    const question = { kind: 'request', data, session } as const
    return this.core.ask(question, options, this.bound) as Promise<T>
  }

  /** Wait for what the server sends by itself with that session. As `OrderChannel.response`. */
  response(session: S, options?: WaitOptions): Promise<T> {
    const wrong = wrongSession('wait for a response', session)
    if (wrong !== undefined) return Promise.reject(wrong)
    return this.core.listen({ kind: 'response', session }, options, this.bound) as Promise<T>
  }
}

function wrongSession(what: string, session: unknown): Error | undefined {
  if (session !== undefined) return undefined
  return refusal('type', what, 'session', 'a value', session)
}

/** Answers come in the order of the requests, and one parser finds them all: the fast way. */
export class ParsedChannel<T> extends SocketChannel {
  /** Ask, and wait for the next answer. As `OrderChannel.request`. */
  request(data: Data, options?: WaitOptions): Promise<T> {
    return this.core.ask({ kind: 'request', data }, options, this.bound) as Promise<T>
  }

  /** Wait for what the server sends by itself. As `OrderChannel.response`. */
  response(options?: WaitOptions): Promise<T> {
    return this.core.listen({ kind: 'response' }, options, this.bound) as Promise<T>
  }
}
