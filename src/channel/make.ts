/** `socketChannel`: the client of one server, as Skynet's socketchannel. */
import { checkFunction, refusal } from '../base/check.ts'
import { setImmediate } from '../base/event-loop.ts'
import { kept } from '../service/scope.ts'
import { Skynet } from '../skynet/skynet.ts'
import { Connection } from '../sockets/connection.ts'
import type {
  Answer,
  AnswerSink,
  ChunkParser,
  DataOf,
  SessionReader,
  SessionSink,
} from './answers.ts'
import { OrderBook, SessionBook } from './book.ts'
import { OrderChannel, ParsedChannel, SessionChannel } from './channels.ts'
import { ChannelCore } from './core.ts'
import { type ChannelOptions, checkChannel, type OpenStream, WHAT } from './options.ts'
import { type MakeReading, OrderReading, ParsedReading, SessionReading } from './reading.ts'
import type { SocketChannel } from './socket-channel.ts'

/** By what `auth` asks. */
export type ChannelAsker<C extends SocketChannel> = Pick<
  C,
  Extract<keyof C, 'request' | 'response' | 'send'>
>

/** Answers in the order of the requests, each read by a function that the request brings. */
export type OrderOptions = ChannelOptions<ChannelAsker<OrderChannel>>

/** Answers that name their request. */
export interface SessionOptions<S, A extends Answer>
  extends ChannelOptions<ChannelAsker<SessionChannel<S, DataOf<A>>>> {
  /** Reads the next answer, and says which session it has. */
  readonly response: SessionReader<S, A>
}

/** Answers in the order of the requests, all found by one parser. */
export interface ParserOptions<T> extends ChannelOptions<ChannelAsker<ParsedChannel<T>>> {
  /** Makes the parser of one connection, which puts the answers into `answers`. */
  readonly parser: (answers: AnswerSink<T>) => ChunkParser
}

/** Answers that name their request, all found by one parser. */
export interface SessionParserOptions<S, T>
  extends ChannelOptions<ChannelAsker<SessionChannel<S, T>>> {
  /** Makes the parser of one connection, which puts the answers into `answers`. */
  readonly sessionParser: (answers: SessionSink<S, T>) => ChunkParser
}

interface Given {
  readonly response?: SessionReader
  readonly parser?: (answers: AnswerSink<unknown>) => ChunkParser
  readonly sessionParser?: (answers: SessionSink<unknown, unknown>) => ChunkParser
}

/** How a kind of channel is made. */
interface Kind {
  readonly Channel: new (...made: ConstructorParameters<typeof SocketChannel>) => SocketChannel
  readonly makeReading: MakeReading
}

/** By the function that says how answers are read. */
const KINDS: { readonly [K in keyof Given]-?: (read: NonNullable<Given[K]>) => Kind } = {
  response: (read) => ({
    Channel: SessionChannel,
    makeReading: (host) => new SessionReading(host, read),
  }),
  parser: (read) => ({
    Channel: ParsedChannel,
    makeReading: (host) => new ParsedReading(host, new OrderBook(host), read),
  }),
  sessionParser: (read) => ({
    Channel: SessionChannel,
    makeReading: (host) => new ParsedReading(host, new SessionBook(host), read),
  }),
}
const READERS = Object.keys(KINDS) as (keyof Given)[]

const IN_ORDER: Kind = { Channel: OrderChannel, makeReading: (host) => new OrderReading(host) }

/** @throws {TypeError} For two of them, or one that is no function. */
function kindOf(given: Given): Kind {
  const [name, other] = READERS.filter((each) => given[each] !== undefined)
  if (name === undefined) return IN_ORDER
  checkFunction(WHAT, name, given[name])
  if (other !== undefined)
    throw refusal('value', WHAT, other, `absent with '${name}'`, given[other])
  const make = KINDS[name] as (read: unknown) => Kind
  return make(kept(given[name] as (of: never) => unknown))
}

/**
 * A channel to one server. Nothing is connected before the first request.
 *
 * - Without a parser each request brings the function that reads its answer, and answers come in
 *   the order of the requests.
 * - `response` reads all answers, and says whose each is: its session.
 * - `parser`, `sessionParser`: the same two, for a parser that is given the bytes as they come.
 *
 * @throws `TypeError`, `RangeError` naming the option that is wrong, or that there is not.
 */
export function socketChannel<S, A extends Answer>(
  skynet: Skynet,
  options: SessionOptions<S, A>,
): SessionChannel<S, DataOf<A>>
export function socketChannel<S, T>(
  skynet: Skynet,
  options: SessionParserOptions<S, T>,
): SessionChannel<S, T>
export function socketChannel<T>(skynet: Skynet, options: ParserOptions<T>): ParsedChannel<T>
export function socketChannel(skynet: Skynet, options: OrderOptions): OrderChannel
export function socketChannel(skynet: Skynet, given: ChannelOptions<never>): SocketChannel {
  const options = checkChannel(given, READERS)
  const { Channel, makeReading } = kindOf(given as Given)
  const { noDelay, maxBytes } = options
  const connect: OpenStream = async (endpoint, limits) => {
    const { timeoutMs, signal } = limits
    const more = { timeoutMs, signal, sendLimitBytes: maxBytes }
    const connection = await skynet.socket.connect({ ...endpoint, ...more })
    if (endpoint.path === undefined) connection.setNoDelay(noDelay)
    return connection
  }
  const core = new ChannelCore({
    service: Skynet.serviceOf(skynet),
    options,
    open: options.open ?? connect,
    makeReading,
    asker: (own, link) => new Channel(own, link),
    look(stream, then) {
      // What it finds is read in microtasks.
      if (stream instanceof Connection) stream.lastLook(() => setImmediate(then))
      else then()
    },
  })
  return new Channel(core)
}
