/** Which frames a stream has, checked; and how they are written. */
import { checkBytes, checkInteger, checkOptions, isA, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { FRAME_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { type FrameHeader, type Framing, framingOf } from './framing.ts'

export interface FrameOptions {
  /** What is around each message: see `FrameHeader`. */
  readonly header: FrameHeader
  /**
   * Longest message in bytes, what is around it not counted: 1 to 256 MiB. Default 1 MiB, or what
   * the header can tell when that is less.
   */
  readonly max?: number
}

export const FRAME_NAMES = ['header', 'max']
export const LF = 10
export const CR = 13

/** Of a stream, or of many. Nothing in it changes. */
export class FrameFormat implements FrameOptions {
  readonly header: FrameHeader
  readonly max: number
  /** Undefined: messages are lines. */
  readonly framing: Framing | undefined

  /** @throws `TypeError`, `RangeError` naming the option. */
  constructor(options: FrameOptions, known: readonly string[] = FRAME_NAMES) {
    // Nothing at all has no header either.
    checkOptions('frame', 'options', options ?? {}, known)
    const { header, max } = options ?? ({} as FrameOptions)
    this.header = header
    this.framing = framingOf(header)
    const { bodyBytesMax = MESSAGE_BYTES_MAX } = this.framing ?? {}
    const most = Math.min(bodyBytesMax, MESSAGE_BYTES_MAX)
    if (max !== undefined) checkInteger('frame', 'max', max, 1, most)
    this.max = max ?? Math.min(most, FRAME_BYTES_MAX)
  }

  /**
   * Bytes of a message that is to be written.
   *
   * @throws {SkynetError} `ERR_FRAME_TOO_LARGE`. `TypeError` for what is no message.
   */
  lengthOf(body: string | Uint8Array): number {
    checkBytes('send', 'message', body)
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (length > this.max) throw frameTooLarge(length, this.max)
    if (this.framing === undefined) checkLine(body)
    return length
  }

  /** Bytes around a message of so many. */
  overhead(length: number): number {
    return this.framing === undefined ? 1 : this.framing.headerFor(length)
  }

  /** Write the message, of `length` bytes, and the `overhead` around it, at `into[at]`. */
  put(into: Buffer, at: number, body: string | Uint8Array, length: number, overhead: number): void {
    const { framing } = this
    let from = at
    if (framing === undefined) into[at + length] = LF
    else {
      framing.writeHeader(into, at, length)
      from += overhead
    }
    if (typeof body === 'string') into.write(body, from)
    else into.set(body, from)
  }

  /** The bytes of a frame, in one buffer of its own. @throws As `lengthOf`. */
  encode(body: string | Uint8Array): Buffer {
    const length = this.lengthOf(body)
    const overhead = this.overhead(length)
    const bytes = Buffer.allocUnsafe(overhead + length)
    this.put(bytes, 0, body, length, overhead)
    return bytes
  }
}

/** Options that were checked are not checked again. */
export const formatOf = (options: FrameOptions): FrameFormat =>
  isA(options, FrameFormat) ? options : new FrameFormat(options)

export const frameTooLarge = (bytes: number, limit: number): SkynetError =>
  new SkynetError('ERR_FRAME_TOO_LARGE', { bytes, limit })

/** It must arrive as the one line that it is. */
function checkLine(body: string | Uint8Array): void {
  const isText = typeof body === 'string'
  const hasEnd = isText ? body.includes('\n') : body.includes(LF)
  const endsOpen = isText ? body.endsWith('\r') : body[body.length - 1] === CR
  if (hasEnd || endsOpen) {
    throw refusal('value', 'send', 'message', 'one line, without its end', body)
  }
}
