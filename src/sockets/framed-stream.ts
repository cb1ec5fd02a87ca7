/** Messages on a stream of bytes, each in a frame. */
import { checkFunction, isObject, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { FRAME_NAMES, FrameFormat, type FrameOptions } from '../frames/frame-format.ts'
import { FrameParser } from '../frames/frame-parser.ts'
import { malformed } from '../frames/framing.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import type { ByteStream } from './byte-stream.ts'
import { type FrameCarrier, handAll, StreamCarrier } from './frame-carrier.ts'
import { checkClose, MessageLoop, type MessageStream } from './message-stream.ts'

/** What messages are to users, and what they are as bytes. */
export interface MessageCodec<In, Out> {
  /** The bytes of a message. They may be used again once it was sent. */
  encode(message: Out): string | Uint8Array
  /**
   * What it throws rejects the receive, and null does too: it would look like the end.
   *
   * @param bytes Its own: it may keep them. A small part of a larger memory, perhaps.
   */
  decode(bytes: Buffer): In
}

/** Which frames. Messages are bytes. */
export interface BytesOptions extends FrameOptions {
  readonly codec?: undefined
}

/** Which frames, and what is in them. */
export interface CodecOptions<In, Out> extends FrameOptions {
  /** Types of the messages follow from it. */
  readonly codec: MessageCodec<In, Out>
}

const NAMES = [...FRAME_NAMES, 'codec']

export class FramedStream<In = Buffer, Out = string | Uint8Array>
  implements MessageStream<In, Out>
{
  readonly #carrier: FrameCarrier
  readonly #format: FrameFormat
  /** Undefined: messages are bytes, and their types say so. */
  readonly #codec: MessageCodec<In, Out> | undefined
  #isReceiving = false

  /** Made by `framed` and connection.ts only. @throws `TypeError`, `RangeError` for options. */
  constructor(carrier: FrameCarrier, options: BytesOptions | CodecOptions<In, Out>) {
    this.#carrier = carrier
    this.#format = new FrameFormat(options, NAMES)
    this.#codec = options.codec
    if (this.#codec !== undefined) checkCodec(this.#codec)
    carrier.startFrames(new FrameParser(this.#format))
  }

  get remoteAddress(): string {
    return this.#carrier.remoteAddress
  }

  get isOpen(): boolean {
    return this.#carrier.isOpen
  }

  get bufferedAmount(): number {
    return this.#carrier.bufferedAmount
  }

  /**
   * Send a message in a frame. What one turn sends leaves in one system call at its end, in order.
   * As `MessageStream.send`; on a connection beyond its `sendLimitBytes` as `Connection.write`.
   */
  send(message: Out): boolean {
    const codec = this.#codec
    const body = codec === undefined ? (message as string | Uint8Array) : codec.encode(message)
    return this.#carrier.writeFrame(this.#format, body)
  }

  /** Resolves once everything sent so far has left. As `MessageStream.drain`. */
  drain(options?: WaitOptions): Promise<void> {
    return this.#carrier.drain(options)
  }

  /** The next message; null at the end. As `MessageStream.receive`. */
  async receive(options?: WaitOptions): Promise<In | null> {
    checkWait('receive', options)
    this.#begin()
    try {
      const frame = this.#carrier.nextFrame() ?? (await this.#carrier.readFrame(options))
      return frame === null ? null : this.#decoded(frame as Buffer)
    } finally {
      this.#isReceiving = false
    }
  }

  /** Hand every message to `take`, up to the end. As `MessageStream.each`. */
  each(take: (message: In) => void | Promise<void>): Promise<void> {
    try {
      checkFunction('take messages', 'take', take)
      this.#begin()
    } catch (error) {
      return Promise.reject(error)
    }
    return handAll(this.#carrier, (frame) => take(this.#decoded(frame as Buffer)), this)
  }

  /** @internal */
  over(): void {
    this.#isReceiving = false
  }

  /** @internal */
  broke(): void {
    this.#isReceiving = false
  }

  #decoded(frame: Buffer): In {
    const codec = this.#codec
    if (codec === undefined) return frame as In
    const message = codec.decode(frame)
    // A peer must not be able to say the end in a message.
    if (message === null) throw malformed('null is the end, and no message')
    return message
  }

  /** @throws {SkynetError} `ERR_SOCKET_BUSY`. */
  #begin(): void {
    if (this.#isReceiving) throw new SkynetError('ERR_SOCKET_BUSY', { id: this.#carrier.id })
    this.#isReceiving = true
  }

  /** Close both ways. A byte stream has no place for code and reason. As `MessageStream.close`. */
  async close(code?: number, reason?: string): Promise<void> {
    checkClose(code, reason)
    await this.#carrier.close()
  }

  /** Messages up to the end. A failed receive does not close: there may be something to say. */
  [Symbol.asyncIterator](): AsyncIterator<In, undefined, void> {
    return new MessageLoop(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function checkCodec(codec: MessageCodec<unknown, never>): void {
  if (!isObject(codec)) throw refusal('type', 'frame', 'codec', 'an object', codec)
  checkFunction('frame', 'codec.encode', codec.encode)
  checkFunction('frame', 'codec.decode', codec.decode)
}

/**
 * Messages on any stream of bytes, which is read and written by nobody else from now on.
 * `connection.frames` does the same for a connection, and writes with a copy less.
 *
 * @throws `TypeError`, `RangeError` naming the option.
 */
export function framed<In, Out>(
  stream: ByteStream,
  options: CodecOptions<In, Out>,
): FramedStream<In, Out>
export function framed(stream: ByteStream, options: BytesOptions): FramedStream
export function framed<In, Out>(
  stream: ByteStream,
  options: BytesOptions | CodecOptions<In, Out>,
): FramedStream<In, Out> {
  return new FramedStream(new StreamCarrier(stream), options)
}
