/** Frames for who sends them by other ways than a stream of messages: to many at once, say. */
import { checkFunction, isObject, refusal } from '../base/check.ts'
import { FRAME_NAMES, FrameFormat, type FrameOptions } from './frame-format.ts'

/** Options of `connection.frames`, of which the codec only encodes here. */
export interface EncoderOptions<Out> extends FrameOptions {
  readonly codec: { encode(message: Out): string | Uint8Array }
}

const NAMES = [...FRAME_NAMES, 'codec']

/**
 * Message → its frame, in one buffer: encoded once, however many get it.
 *
 *     const encode = frameEncoder({ header: 'u16be' })
 *     skynet.socket.broadcast(ids, encode('hello'))
 *
 * @returns A function that throws `ERR_FRAME_TOO_LARGE` for a message that is longer than `max`.
 * @throws `TypeError`, `RangeError` naming the option.
 */
export function frameEncoder<Out>(options: EncoderOptions<Out>): (message: Out) => Buffer
export function frameEncoder(options: FrameOptions): (message: string | Uint8Array) => Buffer
export function frameEncoder(
  options: FrameOptions & Partial<EncoderOptions<string | Uint8Array>>,
): (message: string | Uint8Array) => Buffer {
  const format = new FrameFormat(options, NAMES)
  const { codec } = options
  if (codec === undefined) return (message) => format.encode(message)
  if (!isObject(codec)) throw refusal('type', 'frame', 'codec', 'an object', codec)
  checkFunction('frame', 'codec.encode', codec.encode)
  return (message) => format.encode(codec.encode(message))
}
