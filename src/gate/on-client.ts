/** The agent's side of the service `gate`: what clients send, and writing to them. */
import { checkFunction, checkOptions } from '../base/check.ts'
import { frameEncoder } from '../frames/frame-encoder.ts'
import { Repeats } from '../service/repeats.ts'
import { isThenable } from '../service/sendable.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { MessageCodec } from '../sockets/framed-stream.ts'
import { PTYPE } from '../wire/ptype.ts'
import { frameOptions, type GateFrames } from './gate-options.ts'

export interface AgentOptions {
  /** As the gate was opened with. */
  readonly frames?: GateFrames
}

/** The same, where messages are more than bytes. */
export interface AgentCodecOptions<In, Out> extends AgentOptions {
  readonly codec: MessageCodec<In, Out>
}

/** Who has sent a message. */
export interface ClientSource {
  /** The client, whatever its gate: it may be written to. */
  readonly fd: number
  /** What `forward` was given as its client: 0 by default. */
  readonly source: number
}

/** How a service writes to the clients of gates. */
export interface ClientWriter<Out = string | Uint8Array> {
  /** @returns False: it is gone, or more waits than its policy allows. Nothing was sent. */
  send(fd: number, message: Out): boolean
  /** The same message to many: encoded once. Those that are gone are left out. */
  broadcast(fds: readonly number[], message: Out): void
}

type Bytes = string | Uint8Array
/** What a handler gives back. */
type Answer<Out> = Out | undefined | Promise<Out | undefined>
type Handle<In, Out> = (message: In, from: ClientSource) => Answer<Out>

const NAMES = ['frames', 'codec']
/** Bytes as they are. */
const RAW: MessageCodec<Buffer, Bytes> = { decode: (bytes) => bytes, encode: (value) => value }

/**
 * Write to clients of gates from any service, on any worker.
 *
 * @throws From what it returns `ERR_FRAME_TOO_LARGE`, for a message longer than `frames.max`.
 */
export function clientWriter<Out>(
  skynet: Skynet,
  options: AgentCodecOptions<never, Out>,
): ClientWriter<Out>
export function clientWriter(skynet: Skynet, options?: AgentOptions): ClientWriter
export function clientWriter(
  skynet: Skynet,
  options: Partial<AgentCodecOptions<never, Bytes>> = {},
): ClientWriter {
  checkOptions('write to clients', 'options', options, NAMES)
  const { frames = {}, codec = RAW } = options
  const encode = frameEncoder({ ...frameOptions('write to clients', frames), codec })
  const { socket } = skynet
  return {
    send: (fd, message) => socket.write(fd, encode(message)),
    broadcast: (fds, message) => socket.broadcast(fds, encode(message)),
  }
}

/**
 * Handle what the clients send that a gate forwards to this service.
 *
 * What `handle` returns is sent back, unless it is undefined; so is what a promise of it resolves
 * to. Messages are handled as they come: where one awaits something, the next ones begin. What it
 * throws is logged, as is a message that the codec refuses; the client stays. Of answers that are
 * dropped, as more waits than the policy of the client allows, the log tells as well.
 *
 * @throws {SkynetError} `ERR_PROTOCOL_TAKEN` the second time.
 */
export function onClient<In, Out>(
  skynet: Skynet,
  handle: Handle<In, Out>,
  options: AgentCodecOptions<In, Out>,
): ClientWriter<Out>
export function onClient(
  skynet: Skynet,
  handle: Handle<Buffer, Bytes>,
  options?: AgentOptions,
): ClientWriter
export function onClient(
  skynet: Skynet,
  handle: Handle<Buffer, Bytes>,
  options: Partial<AgentCodecOptions<Buffer, Bytes>> = {},
): ClientWriter {
  checkFunction('handle clients', 'handle', handle)
  const writer = clientWriter(skynet, options)
  const { codec = RAW } = options
  checkFunction('handle clients', 'codec.decode', codec.decode)
  const more = (count: number): string => `${count} more answers to clients were dropped`
  const drops = new Repeats(Skynet.serviceOf(skynet), more, 'error')
  const reply = (fd: number, answer: Bytes | undefined): void => {
    if (answer === undefined || writer.send(fd, answer) || !skynet.socket.has(fd)) return
    drops.say(`an answer to client ${fd} was dropped: more waits for it than its policy allows`)
  }
  skynet.registerProtocol<Buffer>({
    name: 'client',
    id: PTYPE.CLIENT,
    dispatch(bytes, { source, session: fd }) {
      const answer = handle(codec.decode(bytes), { fd, source })
      if (isThenable(answer)) return answer.then((value) => reply(fd, value as Bytes | undefined))
      reply(fd, answer)
      return undefined
    },
  })
  return writer
}
