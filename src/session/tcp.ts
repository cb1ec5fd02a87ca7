/** Clients over TCP, or over any other listener of byte streams: each message in a frame. */
import { checkFunction, checkOptions, checkPlain, isA } from '../base/check.ts'
import { type FrameOptions, formatOf } from '../frames/frame-format.ts'
import type { FrameHeader } from '../frames/framing.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { ClientDoor, ClientEntrance, ClientTransport } from '../skynet/client-transport.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { ByteStream, StreamListener } from '../sockets/byte-stream.ts'
import { Connection } from '../sockets/connection.ts'
import { framed } from '../sockets/framed-stream.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { LISTEN_OPTION_NAMES, type ListenOptions } from '../sockets/open-listener.ts'
import { Refused } from '../sockets/refused.ts'

/** What is around each message. */
export interface TcpFrames {
  /**
   * Default `u16be`, as Skynet's gate has it: two bytes of length, the high one first, and so at
   * most 65,535 bytes. For longer messages `u32be` or `varint`.
   */
  readonly header?: FrameHeader
}

/** Where to listen: `port`, `host`, `path`, and whatever holds for each connection. */
export interface TcpOptions extends Omit<ListenOptions, keyof WaitOptions> {
  readonly frames?: TcpFrames
  /**
   * Who accepts connections, in place of all options above but `frames`: over TLS
   * `(skynet) => listenTls(skynet, { port: 7443, tls })`.
   */
  readonly listen?: (skynet: Skynet) => StreamListener | Promise<StreamListener>
}

const WHAT = 'make a TCP transport'
/** Without those of waits: how long it takes to listen is nothing of a transport. */
const NAMES = LISTEN_OPTION_NAMES.filter((name) => name !== 'timeoutMs' && name !== 'signal')

/**
 * Clients over TCP, one message in each frame.
 *
 *     defineGate(canvas, { listen: [tcp({ port: 7000 })], … })
 *
 * @throws `TypeError`, `RangeError` naming the option; those of the listener when it opens.
 */
export function tcp(options: TcpOptions): ClientTransport {
  checkPlain(WHAT, 'options', options)
  const { frames = {}, listen, ...place } = options
  const known = listen === undefined ? ['frames', 'listen', ...NAMES] : ['frames', 'listen']
  checkOptions(WHAT, 'options', options, known)
  checkOptions(WHAT, 'frames', frames, ['header'])
  if (listen !== undefined) checkFunction(WHAT, 'listen', listen)
  const { header = 'u16be' } = frames
  formatOf({ header })
  return {
    kind: 'tcp',
    async open(skynet, door) {
      const { messageBytesMax: max, sendLimitBytes, listenWhileStopping = false } = door
      const format = formatOf({ header, max })
      const listener =
        listen === undefined
          ? await skynet.socket.listen({
              ...{ sendLimitBytes, listenWhileStopping, ...place },
              options: { ...optionsOf(place), ...place.options },
            })
          : await listen(skynet)
      return new TcpEntrance(skynet, listener, door, format)
    },
  }
}

/** What a turn writes leaves at its end: nothing is gained by waiting for an acknowledgement. */
const optionsOf = ({ path }: TcpOptions) => (path === undefined ? { noDelay: 1 } : {})

class TcpEntrance implements ClientEntrance {
  readonly #listener: StreamListener
  readonly #door: ClientDoor
  readonly #format: FrameOptions
  readonly #refused: Refused

  constructor(skynet: Skynet, listener: StreamListener, door: ClientDoor, format: FrameOptions) {
    this.#listener = listener
    this.#door = door
    this.#format = format
    this.#refused = new Refused(Skynet.serviceOf(skynet))
    skynet.fork(() => this.#accept())
  }

  get address(): string {
    return this.#listener.address
  }

  get port(): number {
    return this.#listener.port
  }

  close(): Promise<void> {
    return this.#listener.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #accept(): Promise<void> {
    for await (const stream of this.#listener) {
      const visit = this.#door.knock(stream.remoteAddress)
      if (visit === undefined) this.#refused.turnAway(stream)
      // Whatever handshake there was is done by now.
      else visit.enter(this.#messages(stream))
    }
  }

  #messages(stream: ByteStream): MessageStream {
    const { header, max } = this.#format
    const frames = { header, max: max! }
    return isA(stream, Connection) ? stream.frames(frames) : framed(stream, frames)
  }
}
