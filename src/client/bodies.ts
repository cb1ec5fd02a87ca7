/**
 * The bytes of a value within a message of a session. Both ends use this file: nothing of Node.js.
 */
import type { Codec } from '../codec/codec.ts'
import { NOTHING } from './wire.ts'

/** What a value is in a protocol of clients. */
export type BodyPart = 'login' | 'request' | 'response' | 'event'

/** Values ⇄ bytes. A codec may do it by the place of a value, as sproto does. */
export interface MessageBodies {
  /**
   * @param name Of the call or event; '' for a login.
   * @returns Bytes, which are the caller's. Of `undefined` there are none.
   * @throws What the codec throws: the value is the caller's mistake.
   */
  encode(part: BodyPart, name: string, value: unknown): Uint8Array
  /**
   * @param bytes What a peer has sent. No bytes are `undefined`.
   * @throws What the codec throws: they are none of its own.
   */
  decode(part: BodyPart, name: string, bytes: Uint8Array): unknown
}

/** By a codec that does the same at each place. */
export function bodiesOf(codec: Codec<unknown>): MessageBodies {
  return {
    encode: (_part, _name, value) => (value === undefined ? NOTHING : codec.encode(value)),
    decode: (_part, _name, bytes) => (bytes.length === 0 ? undefined : codec.decode(bytes)),
  }
}
