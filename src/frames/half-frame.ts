/** A frame that has begun, and of which not all has come. */

import type { Framing } from './framing.ts'
import { malformed } from './framing.ts'

const NOTHING = Buffer.alloc(0)
/** What grows begins with so many bytes. */
const BODY_BYTES_MIN = 256

/**
 * Memory follows what has come, never what a header promises: it at most doubles, so a body that
 * comes byte by byte is copied twice altogether.
 */
export class HalfFrame {
  /** As it came: who takes over what was not read needs it. */
  #header = NOTHING
  #headerLength = 0
  #body = NOTHING
  /** Bytes of the body that are there. */
  length = 0
  /** Bytes that it will have; -1: the header is not whole. Of a line: the most. */
  bodyBytes = -1

  get received(): number {
    return this.#headerLength + this.length
  }

  /**
   * Take what belongs to the header from `chunk[at]` on. Then `bodyBytes` is known, or the chunk is
   * used up.
   *
   * @returns So many bytes were taken.
   */
  takeHeader(framing: Framing, chunk: Buffer, at: number): number {
    const { headerBytesMax } = framing
    if (this.#header === NOTHING) this.#header = Buffer.allocUnsafe(headerBytesMax)
    const before = this.#headerLength
    const end = before + chunk.copy(this.#header, before, at)
    const bytes = this.#header.subarray(0, end)
    const headerBytes = framing.headerBytes(bytes, 0)
    if (headerBytes === 0 || headerBytes > end) {
      if (end === headerBytesMax) throw malformed(`no header ends within ${headerBytesMax} bytes`)
      this.#headerLength = end
      return end - before
    }
    if (headerBytes < before) throw malformed('its header became shorter')
    this.bodyBytes = framing.bodyBytes(bytes, 0)
    this.#headerLength = headerBytes
    return headerBytes - before
  }

  /** Take bytes of the body, which has room for them: see `bodyBytes`. */
  add(chunk: Buffer, from: number, to: number): void {
    const length = this.length + to - from
    if (length > this.#body.length) {
      const most = Math.max(BODY_BYTES_MIN, this.#body.length * 2, length)
      const larger = Buffer.allocUnsafe(Math.min(this.bodyBytes, most))
      this.#body.copy(larger, 0, 0, this.length)
      this.#body = larger
    }
    chunk.copy(this.#body, this.length, from, to)
    this.length = length
  }

  /** The last byte of the body; undefined: there is none. */
  get lastByte(): number | undefined {
    return this.#body[this.length - 1]
  }

  /** The first `length` bytes of the body. */
  body(length: number): Buffer {
    return length === this.#body.length ? this.#body : this.#body.subarray(0, length)
  }

  /** All that has come of it. */
  raw(): Buffer {
    return Buffer.concat([this.#header.subarray(0, this.#headerLength), this.body(this.length)])
  }
}
