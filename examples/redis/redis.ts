/** A client of Redis on a channel: pipelined, and back by itself after the connection was lost. */
import type { Skynet, WaitOptions } from 'skynet-ts'
import { type AnswerSink, type ParsedChannel, socketChannel } from 'skynet-ts/channel'
import { type Argument, encode, type Reply, RespParser } from './resp.ts'

export interface RedisOptions {
  readonly host?: string
  /** Default 6379. */
  readonly port?: number
  /** Of a Unix domain socket, instead of host and port. */
  readonly path?: string
  readonly username?: string
  readonly password?: string
  /** Number of the database. Default 0. */
  readonly db?: number
  /** How long a command waits that has no `timeoutMs` of its own. Default 0: for ever. */
  readonly timeoutMs?: number
  /** Commands under way. Default 65,536. */
  readonly maxRequests?: number
  /** How long a connection may take. Default 10 s. */
  readonly connectTimeoutMs?: number
  /** A reply is owed, and nothing came for so long: the connection is lost. Default 0: never. */
  readonly silenceMs?: number
}

/** Of a pipeline: what each command came to. */
export type Outcome =
  | { readonly ok: true; readonly out: Reply }
  | { readonly ok: false; readonly out: Error }

type Asker = Pick<ParsedChannel<Reply>, 'request' | 'send'>

/** What a channel to Redis is made with, for commands and for subscriptions. */
export function channelOptions(options: RedisOptions, also?: (to: Asker) => Promise<void>) {
  const { host, port = 6379, path, username, password, db = 0, ...more } = options
  const where = path === undefined ? { port, ...(host === undefined ? {} : { host }) } : { path }
  const auth = async (to: Asker): Promise<void> => {
    const name = username === undefined ? [] : [username]
    if (password !== undefined) await to.request(encode(['AUTH', ...name, password]))
    if (db !== 0) await to.request(encode(['SELECT', db]))
    await also?.(to)
  }
  const isOpen = password === undefined && db === 0 && also === undefined
  return {
    ...where,
    ...more,
    ...(isOpen ? {} : { auth }),
    parser: (answers: AnswerSink<Reply>) => new RespParser(answers),
  }
}

export class Redis implements AsyncDisposable {
  readonly #channel: ParsedChannel<Reply>

  /** Nothing is connected before the first command. */
  constructor(skynet: Skynet, options: RedisOptions = {}) {
    this.#channel = socketChannel(skynet, channelOptions(options))
  }

  /** Commands under way. */
  get pending(): number {
    return this.#channel.pending
  }

  /**
   * Send a command, and wait for its reply. Those of one turn leave together.
   *
   * @throws {RedisError} Redis says no. Errors of channels: after `ERR_SOCKETCHANNEL_LOST` nobody
   * knows whether Redis has done it.
   */
  call(command: string, ...words: readonly Argument[]): Promise<Reply> {
    return this.#channel.request(encode([command, ...words]))
  }

  /** `call` with limits of its own: `redis.within({ timeoutMs: 100 }, 'GET', 'key')`. */
  within(limits: WaitOptions, command: string, ...words: readonly Argument[]): Promise<Reply> {
    return this.#channel.request(encode([command, ...words]), limits)
  }

  /** Send many commands at once; each has its outcome, in order. None rejects. */
  async pipeline(
    commands: readonly (readonly Argument[])[],
    limits?: WaitOptions,
  ): Promise<Outcome[]> {
    const replies = commands.map((words) => this.#channel.request(encode(words), limits))
    const settled = await Promise.allSettled(replies)
    return settled.map((each) =>
      each.status === 'fulfilled'
        ? { ok: true, out: each.value }
        : { ok: false, out: each.reason as Error },
    )
  }

  async get(key: string): Promise<string | null> {
    return (await this.call('GET', key)) as string | null
  }

  async set(key: string, value: Argument): Promise<void> {
    await this.call('SET', key, value)
  }

  /** As in Skynet's driver: true or false. */
  async exists(key: string): Promise<boolean> {
    return (await this.call('EXISTS', key)) !== 0
  }

  /** Who waits gets `ERR_SOCKETCHANNEL_CLOSED`. */
  close(): Promise<void> {
    return this.#channel.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
