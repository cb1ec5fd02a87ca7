/** The table of close codes of WebSocket (RFC 6455, 7.4, and the registry of IANA). */
import { CLOSE_REASON_BYTES_MAX } from '../../base/limits.ts'

/** Those that have a meaning, by name. */
export const CLOSE = {
  normal: 1000,
  /** A server that stops, a page that is left. */
  away: 1001,
  protocol: 1002,
  /** Messages of a kind that is not taken. */
  unsupported: 1003,
  /** Never on the wire: the peer has said none. */
  none: 1005,
  /** Never on the wire: it ended without a word. */
  abnormal: 1006,
  /** Bytes that are no text. */
  invalid: 1007,
  policy: 1008,
  tooLarge: 1009,
  /** A client that needs an extension. */
  extension: 1010,
  failed: 1011,
  restart: 1012,
  later: 1013,
} as const

/** Rows: first and last code, and what they are. What is in no row is never on the wire. */
export const ON_THE_WIRE: readonly (readonly [number, number, string])[] = [
  [1000, 1003, 'of the RFC'],
  [1007, 1014, 'of the RFC and of IANA'],
  [3000, 3999, 'registered at IANA'],
  [4000, 4999, 'of programs'],
]

/** May a peer send it? */
export const isOnTheWire = (code: number): boolean =>
  ON_THE_WIRE.some(([first, last]) => code >= first && code <= last)

/** The payload of a close frame; empty without a code. */
export function closePayload(code: number | undefined, reason = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0)
  const bytes = Buffer.allocUnsafe(2 + Buffer.byteLength(reason))
  bytes.writeUInt16BE(code)
  bytes.write(reason, 2)
  return bytes
}

/** Why a peer was at fault, as it is told: there is no room for half a sentence. */
export const toldReason = (text: string): string =>
  Buffer.byteLength(text) > CLOSE_REASON_BYTES_MAX ? '' : text
