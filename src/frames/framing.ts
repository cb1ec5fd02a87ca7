/** How a message lies in a stream of bytes: behind a header that tells its length. */
import {
  checkChoice,
  checkFunction,
  checkInteger,
  checkOptions,
  isObject,
  refusal,
  shown,
} from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { FRAME_HEADER_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'

/**
 * A header of one's own. `fixedHeader` makes one whose length is always the same.
 *
 * What it throws while it reads goes to who receives, and no frame is read any more.
 */
export interface Framing {
  /** Bytes of the longest header, 1..64: when so many are there, `headerBytes` must know. */
  readonly headerBytesMax: number
  /** The longest body that a header can tell, in bytes. Absent: 256 MiB. */
  readonly bodyBytesMax?: number
  /**
   * Bytes of the header that begins at `bytes[at]`; 0 when that cannot be told from what has come,
   * which ends with `bytes`. It may tell a header of which not all has come.
   */
  headerBytes(bytes: Buffer, at: number): number
  /** Bytes of the body behind the header at `bytes[at]`, all of which is there. */
  bodyBytes(bytes: Buffer, at: number): number
  /** Bytes of the header of such a body. */
  headerFor(bodyBytes: number): number
  /** Write the header of such a body at `into[at]`; there is room. */
  writeHeader(into: Buffer, at: number, bodyBytes: number): void
}

/** A header of always so many bytes. */
export interface FixedHeader {
  /** 1..64. */
  readonly bytes: number
  /** The longest body that it can tell, in bytes. Absent: 256 MiB. */
  readonly bodyBytesMax?: number
  /** Bytes of the body behind the header at `from[at]`. */
  read(from: Buffer, at: number): number
  /** Write the header of a body of so many bytes at `into[at]`. */
  write(into: Buffer, at: number, bodyBytes: number): void
}

/**
 * The framing of headers that all have the same length.
 *
 * @throws `TypeError`, `RangeError` naming the field.
 */
export function fixedHeader(header: FixedHeader): Framing {
  const what = 'make a header'
  checkOptions(what, 'header', header, ['bytes', 'bodyBytesMax', 'read', 'write'])
  const { bytes, bodyBytesMax, read, write } = header ?? {}
  checkInteger(what, 'bytes', bytes, 1, FRAME_HEADER_BYTES_MAX)
  if (bodyBytesMax !== undefined) {
    checkInteger(what, 'bodyBytesMax', bodyBytesMax, 1, Number.MAX_SAFE_INTEGER)
  }
  checkFunction(what, 'read', read)
  checkFunction(what, 'write', write)
  return {
    headerBytesMax: bytes,
    ...(bodyBytesMax === undefined ? undefined : { bodyBytesMax }),
    headerBytes: (from, at) => (from.length - at < bytes ? 0 : bytes),
    bodyBytes: read,
    headerFor: () => bytes,
    writeHeader: write,
  }
}

const VARINT_BYTES_MAX = 5

/** Seven bits a byte, the lowest first; all bytes but the last have the eighth (LEB128). */
const varint: Framing = {
  headerBytesMax: VARINT_BYTES_MAX,
  headerBytes(bytes, at) {
    const end = Math.min(bytes.length, at + VARINT_BYTES_MAX)
    for (let i = at; i < end; i++) if (bytes[i]! < 0x80) return i - at + 1
    return 0
  },
  bodyBytes(bytes, at) {
    let value = 0
    // No shifts: the fifth byte goes beyond 32 bits.
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  },
  headerFor(bodyBytes) {
    let bytes = 1
    for (let left = bodyBytes; left >= 0x80; left = Math.floor(left / 0x80)) bytes++
    return bytes
  },
  writeHeader(into, at, bodyBytes) {
    let left = bodyBytes
    for (; left >= 0x80; left = Math.floor(left / 0x80)) into[at++] = (left & 0x7f) | 0x80
    into[at] = left
  },
}

/** Headers that have a name. Skynet's gate has `u16be`. */
const FRAMINGS = {
  u16be: fixedHeader({
    bytes: 2,
    bodyBytesMax: 0xffff,
    read: (from, at) => (from[at]! << 8) | from[at + 1]!,
    write: (into, at, bodyBytes) => {
      into[at] = bodyBytes >>> 8
      into[at + 1] = bodyBytes
    },
  }),
  u16le: fixedHeader({
    bytes: 2,
    bodyBytesMax: 0xffff,
    read: (from, at) => from[at]! | (from[at + 1]! << 8),
    write: (into, at, bodyBytes) => {
      into[at] = bodyBytes
      into[at + 1] = bodyBytes >>> 8
    },
  }),
  u32be: fixedHeader({
    bytes: 4,
    read: (from, at) => from.readUInt32BE(at),
    write: (into, at, bodyBytes) => into.writeUInt32BE(bodyBytes, at),
  }),
  u32le: fixedHeader({
    bytes: 4,
    read: (from, at) => from.readUInt32LE(at),
    write: (into, at, bodyBytes) => into.writeUInt32LE(bodyBytes, at),
  }),
  varint,
} as const satisfies Readonly<Record<string, Framing>>

/**
 * What is around each message: a length of 2 or 4 bytes in front of it, big- or little-endian; a
 * length as a varint (LEB128, at most 5 bytes); a line end behind it (`\n`; a `\r` before it is
 * dropped); or a header of one's own.
 */
export type FrameHeader = keyof typeof FRAMINGS | 'line' | Framing

const NAMES = [...Object.keys(FRAMINGS), 'line']

/** Undefined: lines have none. @throws `TypeError`, `RangeError` for what is no header. */
export function framingOf(header: FrameHeader): Framing | undefined {
  if (isObject(header)) return new OwnFraming(header as Framing)
  checkChoice('frame', 'header', header, NAMES)
  return header === 'line' ? undefined : FRAMINGS[header as keyof typeof FRAMINGS]
}

/** One that a user has made: what it tells is looked at. */
class OwnFraming implements Framing {
  readonly headerBytesMax: number
  readonly bodyBytesMax: number
  readonly #own: Framing

  constructor(own: Framing) {
    const { headerBytesMax, bodyBytesMax = MESSAGE_BYTES_MAX } = own
    checkInteger('frame', 'header.headerBytesMax', headerBytesMax, 1, FRAME_HEADER_BYTES_MAX)
    checkInteger('frame', 'header.bodyBytesMax', bodyBytesMax, 1, Number.MAX_SAFE_INTEGER)
    for (const name of ['headerBytes', 'bodyBytes', 'headerFor', 'writeHeader'] as const) {
      checkFunction('frame', `header.${name}`, own[name])
    }
    this.headerBytesMax = headerBytesMax
    this.bodyBytesMax = bodyBytesMax
    this.#own = own
  }

  headerBytes(bytes: Buffer, at: number): number {
    const count = this.#own.headerBytes(bytes, at)
    if (isCount(count) && count <= this.headerBytesMax) return count
    throw malformed(`its header has ${shown(count)} bytes`)
  }

  bodyBytes(bytes: Buffer, at: number): number {
    const count = this.#own.bodyBytes(bytes, at)
    if (isCount(count)) return count
    throw malformed(`its header tells ${shown(count)} bytes`)
  }

  headerFor(bodyBytes: number): number {
    const count = this.#own.headerFor(bodyBytes)
    if (isCount(count) && count > 0 && count <= this.headerBytesMax) return count
    const range = `a whole number in 1..${this.headerBytesMax}`
    throw refusal('range', 'frame', 'header.headerFor()', range, count)
  }

  writeHeader(into: Buffer, at: number, bodyBytes: number): void {
    this.#own.writeHeader(into, at, bodyBytes)
  }
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** What a peer has sent is no frame. */
export const malformed = (reason: string): SkynetError =>
  new SkynetError('ERR_FRAME_MALFORMED', { reason })
