/** The contract of codecs: what a value is as the bytes of one message, and back. */
import { SkynetError } from '../base/errors.ts'

/**
 * Values ⇄ the bytes of one message. Which bytes belong to one message is told by frames, not by
 * the codec: `decode` gets all of them at once. Both calls are synchronous, and keep nothing
 * between two messages that the next one would need.
 *
 * A codec of your own is an object with these two functions: see docs/codec.md.
 */
export interface Codec<In, Out = In> {
  /**
   * @returns The bytes of `value`; they are the caller's.
   * @throws What is wrong with the value, which is the caller's mistake: `TypeError`, `RangeError`,
   * {@link SkynetError} `ERR_MESSAGE_UNSUPPORTED`, `ERR_MESSAGE_TOO_DEEP`.
   */
  encode(value: In): Uint8Array

  /**
   * Never trusts `bytes`, which a peer has sent: takes memory in proportion to their number only.
   *
   * @param bytes Belong to the caller again on return: nothing of them is kept, unless the codec
   * says that it does.
   * @throws {SkynetError} `ERR_CODEC` when they are none that `encode` of the other side makes.
   */
  decode(bytes: Uint8Array): Out
}

/**
 * The error for bytes that are wrong, to be thrown by a `decode`.
 *
 * @param codec Its name, for people.
 * @param at Number of the byte, or what names the place: a field.
 * @param reason What is wrong there. Whatever of the bytes is in it has to be short.
 */
export function codecError(
  codec: string,
  at: number | string,
  reason: string,
): SkynetError<'ERR_CODEC'> {
  const place = typeof at === 'number' ? `byte ${at}` : at
  return new SkynetError('ERR_CODEC', { codec, at: place, reason })
}
