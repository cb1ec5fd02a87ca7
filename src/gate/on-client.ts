/** The agent's side of the service `gate`: what clients send, and writing to them. */
import { checkFunction, checkOptions, isObject, refusal } from '../base/check.ts'
import { frameEncoder } from '../frames/frame-encoder.ts'
import { isThenable } from '../service/sendable.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { GateFrames } from './gate-options.ts'

/** Values → messages, and back. Any `Codec` is one. */
export interface ClientCodec<In, Out> {
  decode(bytes: Buffer): In
  encode(value: Out): string | Uint8Array
}

export interface AgentOptions<In, Out> {
  /** As the gate was opened with. */
  readonly frames?: GateFrames
  /** Default: messages are bytes. */
  readonly codec?: ClientCodec<In, Out>
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

const NAMES = ['frames', 'codec']

/**
 * Write to clients of gates from any service, on any worker.
 *
 * @throws `ERR_FRAME_TOO_LARGE` from what it returns, for a message longer than `frames.max`.
 */
export function clientWriter<Out = string | Uint8Array>(
  skynet: Skynet,
  options: Pick<AgentOptions<never, Out>, 'frames'> & {
    readonly codec?: { encode(value: Out): string | Uint8Array }
  } = {},
): ClientWriter<Out> {
  checkOptions('write to clients', 'options', options, NAMES)
  const { frames, codec } = options
  const format = { header: 'u16be', ...frames } as const
  const encode = (
    codec === undefined ? frameEncoder(format) : frameEncoder({ ...format, codec })
  ) as (message: Out) => Buffer
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
 * throws is logged, as is a message that the codec refuses; the client stays.
 *
 * @throws {SkynetError} `ERR_PROTOCOL_TAKEN` the second time.
 */
export function onClient<In = Buffer, Out = string | Uint8Array>(
  skynet: Skynet,
  handle: (message: In, from: ClientSource) => Out | undefined | Promise<Out | undefined>,
  options: AgentOptions<In, Out> = {},
): ClientWriter<Out> {
  checkFunction('handle clients', 'handle', handle)
  const writer = clientWriter<Out>(skynet, options)
  const { codec } = options
  if (codec !== undefined) {
    if (!isObject(codec)) throw refusal('type', 'handle clients', 'codec', 'an object', codec)
    checkFunction('handle clients', 'codec.decode', codec.decode)
  }
  skynet.registerProtocol<Buffer>({
    name: 'client',
    id: PTYPE.CLIENT,
    dispatch(bytes, { source, session: fd }) {
      const message = codec === undefined ? (bytes as unknown as In) : codec.decode(bytes)
      const answer = handle(message, { fd, source })
      if (isThenable(answer)) return answer.then((value) => reply(writer, fd, value))
      reply(writer, fd, answer)
      return undefined
    },
  })
  return writer
}

function reply<Out>(writer: ClientWriter<Out>, fd: number, answer: Out | undefined): void {
  if (answer !== undefined) writer.send(fd, answer)
}
