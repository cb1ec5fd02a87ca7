/** Skynet's `gateserver`: a service that lets clients in, and is told what they send. */
import {
  checkArray,
  checkFunction,
  checkGiven,
  checkPlain,
  checkText,
  refusal,
} from '../base/check.ts'
import type { NoMethods } from '../modules/definition.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { Connection } from '../sockets/connection.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { type ClientHandler, Clients } from './clients.ts'
import { Entrance, type GatePlace } from './entrance.ts'
import {
  checkGate,
  frameOptions,
  GATE_NAMES,
  type GateFrames,
  type GateOptions,
} from './gate-options.ts'

/** What a gate does, and is told: see `gateServer`. */
export interface GateHandler<
  In = Buffer,
  Out = string | Uint8Array,
  Own extends object = NoMethods,
  Commands extends object = NoMethods,
> extends ClientHandler<In> {
  /**
   * The gate listens, and nobody has come in. When this throws, or rejects, the gate stays closed,
   * and whoever opens it is told so.
   *
   * @param source Handle of the service that opens it.
   */
  open?(source: number, options: GateOptions & Own, place: GatePlace): unknown
  /** Names of options of `open` that are the handler's own. */
  readonly options?: readonly string[]
  /** Methods of the service besides `open` and `close`. */
  readonly command?: Commands
  /** What carries the messages of a client. Default: `connection.frames(frames)`. */
  stream?(connection: Connection, frames: GateFrames): MessageStream<In, Out>
}

/** What a handler has in hand of its gate. */
export interface Gate<Out = string | Uint8Array> {
  /** Clients that are in: their end was not told. */
  readonly count: number
  /** So many may be in; 0 before the first `open`. */
  readonly maxClient: number
  /** Clients that were one too many, since the service began. */
  readonly refused: number
  /** Handle what a client sends, from now on. False: it is not there. */
  openClient(fd: number): boolean
  /**
   * Close a client: what was written to it still leaves, what it has sent and was not handled is
   * dropped. `disconnect` follows, unless it was told. False: it is not there.
   */
  closeClient(fd: number): boolean
  /** Let nobody in any more, and close all that are there. */
  closeAll(): void
  /**
   * Send a message to a client, also before it is opened, and for a while after it has ended. One
   * that is not opened is read from then on, up to 128 KiB; its messages wait.
   *
   * @returns False: much waits to be sent (await `drain`), or it is not there.
   * @throws What `MessageStream.send` throws; `ERR_SOCKET_FULL` where the gate was opened with
   * `sendPolicy: 'pause-producer'`: nothing was sent, await `drain`.
   */
  send(fd: number, message: Out): boolean
  /**
   * Resolves once all that was sent to a client by now has left here.
   *
   * @throws {SkynetError} `ERR_CLIENT_UNKNOWN` it is not there; as `MessageStream.drain`.
   */
  drain(fd: number, options?: WaitOptions): Promise<void>
}

/** What other services may ask of every gate. */
export interface GateMethods<Own extends object = NoMethods> {
  /**
   * Listen, and let clients in. Its own service may call this as well.
   *
   * @returns Where: with the port that is really open.
   * @throws {SkynetError} `ERR_GATE_OPEN` it is open already; `ERR_GATE_CLOSED` it was closed
   * meanwhile; `ERR_LISTEN`, `ERR_SOCKET_LIMIT`.
   * `TypeError`, `RangeError` for the options.
   */
  open(options: GateOptions & Own): Promise<GatePlace>
  /** Let nobody in any more. Who is in stays. It may be opened again. */
  close(): Promise<void>
}

/**
 * The methods of a service that is a gate. It lets clients in once somebody has called its `open`.
 * Each client is a number: the id of its socket.
 *
 * ```ts
 * export default defineService((skynet) =>
 *   gateServer(skynet, (gate) => ({
 *     connect: (fd) => gate.openClient(fd),
 *     message: (fd, message) => gate.send(fd, message),
 *   })),
 * )
 * ```
 *
 * @param define Called at once, with the gate, which is of use once this has returned what it does.
 */
export function gateServer<
  In = Buffer,
  Out = string | Uint8Array,
  Own extends object = NoMethods,
  Commands extends object = NoMethods,
>(
  skynet: Skynet,
  define: (gate: Gate<Out>) => GateHandler<In, Out, Own, Commands>,
): GateMethods<Own> & Commands {
  const service = Skynet.serviceOf(skynet)
  checkFunction('make a gate', 'define', define)
  let frames: GateFrames = {}
  const streamOf = (connection: Connection): MessageStream<In, Out> =>
    handler.stream === undefined
      ? framesOf<In, Out>(connection, frames)
      : handler.stream(connection, frames)
  const gate: Gate<Out> = {
    get count() {
      return clients.count
    },
    get maxClient() {
      return entrance.max
    },
    get refused() {
      return entrance.refused
    },
    openClient: (fd) => clients.open(fd),
    closeClient: (fd) => clients.close(fd),
    closeAll() {
      // Nobody waits for that: when the service ends meanwhile, it is closed all the same.
      entrance.close().catch(() => {})
      clients.closeAll()
    },
    send: (fd, message) => clients.send(fd, message),
    drain: (fd, options) => clients.drain(fd, options),
  }
  const handler = define(gate)
  checkHandler(handler)
  const clients = new Clients<In, Out>(service, handler, streamOf)
  const entrance = new Entrance(service, (options) => skynet.socket.listen(options), clients)

  const open = async (options: GateOptions & Own): Promise<GatePlace> => {
    const checked = checkGate(options, handler.options)
    const source = whoAsks(skynet)
    return entrance.open(checked.listen, checked.maxClient, async (place) => {
      await handler.open?.(source, options, place)
      frames = checked.frames
      clients.limitSilence(checked.messageTimeoutMs)
      clients.limitRate(checked.maxMessagesPerSecond)
    })
  }
  const close = (): Promise<void> => entrance.close()
  return { ...(handler.command as Commands), open, close }
}

/** The service itself, when it opens its own gate. */
function whoAsks(skynet: Skynet): number {
  try {
    return skynet.context().source
  } catch {
    return skynet.self
  }
}

function framesOf<In, Out>(connection: Connection, frames: GateFrames): MessageStream<In, Out> {
  const stream = connection.frames(frameOptions('frame', frames))
  // Without a codec both are what they are by default.
  return stream as MessageStream<unknown, never> as MessageStream<In, Out>
}

const NEEDED = ['connect', 'message']
const OPTIONAL = ['disconnect', 'error', 'warning', 'open', 'stream']
const NAMES = [...NEEDED, ...OPTIONAL, 'options', 'command']
const TAKEN = ['open', 'close']

/** @throws `TypeError` naming what is wrong with it. */
function checkHandler(handler: object): void {
  const what = 'make a gate'
  checkGiven(what, 'handler', handler, NAMES)
  const given = handler as Readonly<Record<string, unknown>>
  for (const name of NEEDED) checkFunction(what, name, given[name])
  for (const name of OPTIONAL) {
    if (given[name] !== undefined) checkFunction(what, name, given[name])
  }
  const { options, command } = given
  if (options !== undefined) checkOwnNames(what, options)
  if (command === undefined) return
  checkPlain(what, 'command', command)
  for (const name of TAKEN) {
    if (!(name in (command as object))) continue
    throw refusal('value', what, 'command', `without '${name}', which a gate has`, command)
  }
}

/** Names of options that the gate does not have itself: it would take them. */
function checkOwnNames(what: string, options: unknown): void {
  checkArray(what, 'options', options)
  for (const name of options as readonly unknown[]) {
    checkText(what, 'options', name)
    if (!GATE_NAMES.includes(name as string)) continue
    throw refusal('value', what, 'options', 'names that a gate does not have itself', name)
  }
}
