/**
 * A segment of KCP on the wire: a head of 24 bytes, little endian, and its data. A packet is one
 * segment behind the other.
 *
 *      0       4     5     6     8      12     16     20     24
 *      │ conv  │ cmd │ frg │ wnd │ time │ sn   │ una  │ len  │ data …
 */

export const SEGMENT_HEAD_BYTES = 24

/** Where the fields of a head begin. */
export const AT = { conv: 0, command: 4, fragment: 5, window: 6, time: 8, number: 12, una: 16 }
const LENGTH_AT = 20

export const SEGMENT_COMMAND = {
  /** Data. */
  push: 81,
  /** The segment of that number has come; its time goes back to whoever measures. */
  ack: 82,
  /** How much room is there? */
  ask: 83,
  /** So much. */
  tell: 84,
} as const

/** Numbers and times go round at 2^32: above 0 when `a` is behind `b`. */
export const distance = (a: number, b: number): number => (a - b) | 0

export function read32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  )
}

export function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

/** Bytes of data that the head at `at` announces. */
export const lengthAt = (bytes: Uint8Array, at: number): number => read32(bytes, at + LENGTH_AT)

/** What is the same in the heads of one flush. */
export interface SegmentBase {
  readonly conv: number
  /** Segments that there is room for here. */
  window: number
  /** All segments before this number have come. */
  una: number
}

export function writeHead(
  bytes: Uint8Array,
  at: number,
  { conv, window, una }: SegmentBase,
  command: number,
  fragment: number,
  time: number,
  number: number,
  length: number,
): void {
  write32(bytes, at, conv)
  bytes[at + AT.command] = command
  bytes[at + AT.fragment] = fragment
  bytes[at + AT.window] = window
  bytes[at + AT.window + 1] = window >>> 8
  write32(bytes, at + AT.time, time)
  write32(bytes, at + AT.number, number)
  write32(bytes, at + AT.una, una)
  write32(bytes, at + LENGTH_AT, length)
}
