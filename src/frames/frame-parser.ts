/** Frames out of bytes that come cut anywhere. It knows no socket and no clock. */
import { isA, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { CR, type FrameOptions, formatOf, frameTooLarge, LF } from './frame-format.ts'
import type { Framing } from './framing.ts'
import { HalfFrame } from './half-frame.ts'

const NOTHING: Buffer = Buffer.alloc(0)
/** What a small frame that is kept may hold back: as any small buffer of Node.js, its pool. */
const SHARED_BYTES = Buffer.allocUnsafe(1).buffer.byteLength
/** What a larger one may: so many times its own size. */
const HELD_BACK_MAX = 16

/**
 * One a stream. Frames are the caller's, who may keep and change them: each is a part of the chunk
 * it came in, or a copy when it came in several. Small frames of chunks in large memory would hold
 * back much more than their own size, kept: they are parts of a copy of a part of the chunk.
 *
 * It holds one frame at most, of which not all has come, and the chunk that it was given last. How
 * long a frame may be is looked at as soon as its header is there. After an error it reads no more,
 * and throws that again.
 */
export class FrameParser {
  readonly #framing: Framing | undefined
  readonly #max: number
  #chunk = NOTHING
  #at = 0
  /** Shorter frames of this chunk are not parts of it. */
  #sharedMin = 0
  /** A copy of a part of the chunk, and where that begins. */
  #copy: Buffer | undefined
  #copyAt = 0
  #half: HalfFrame | undefined
  #failure: { readonly error: unknown } | undefined

  /** @throws `TypeError`, `RangeError` naming the option. */
  constructor(options: FrameOptions) {
    const { framing, max } = formatOf(options)
    this.#framing = framing
    this.#max = max
  }

  /**
   * Hand every frame that is whole with `chunk` to `each`, in order. The bytes of `chunk` are the
   * parser's: nobody changes them any more. When `each` throws, so does this; what is behind that
   * frame stays, and comes with the next chunk.
   *
   * @throws {SkynetError} `ERR_FRAME_TOO_LARGE`, `ERR_FRAME_MALFORMED`: frames before were handed
   * on.
   */
  take(chunk: Buffer, each: (frame: Buffer) => void): void {
    this.push(chunk)
    for (let frame = this.next(); frame !== undefined; frame = this.next()) each(frame)
  }

  /** The same in two steps: give it a chunk, once `next` has none. */
  push(chunk: Buffer): void {
    if (!isA(chunk, Buffer)) throw refusal('type', 'take frames', 'chunk', 'a Buffer', chunk)
    if (this.#failure !== undefined) return
    const isRead = this.#at === this.#chunk.length
    this.#chunk = isRead ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk])
    this.#at = 0
    this.#copy = undefined
    const { byteLength } = this.#chunk.buffer
    this.#sharedMin = byteLength <= SHARED_BYTES ? 0 : byteLength / HELD_BACK_MAX
  }

  /** The next frame; undefined: more must come. @throws As `take`. */
  next(): Buffer | undefined {
    if (this.#at === this.#chunk.length) return this.#nothing()
    try {
      const framing = this.#framing
      if (framing === undefined) return this.#nextLine()
      return this.#half === undefined ? this.#nextWhole(framing) : this.#goOn(framing, this.#half)
    } catch (error) {
      this.clear()
      this.#failure = { error }
      throw error
    }
  }

  #nothing(): undefined {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /**
   * The stream has ended.
   *
   * @throws {SkynetError} `ERR_FRAME_CUT` in the middle of a frame, or when not all that came was
   * handed out, as `each` has thrown: `next` has the rest.
   */
  end(): void {
    this.#nothing()
    const received = (this.#half?.received ?? 0) + this.#chunk.length - this.#at
    if (received > 0 || this.#half !== undefined) {
      throw new SkynetError('ERR_FRAME_CUT', { received })
    }
  }

  /** Everything that was given and is in no frame so far. It is here no more. */
  rest(): Buffer {
    const unread = this.#chunk.subarray(this.#at)
    const rest = this.#half === undefined ? unread : Buffer.concat([this.#half.raw(), unread])
    this.clear()
    return rest
  }

  /** Forget what has come, errors too. */
  clear(): void {
    this.#letGo()
    this.#half = undefined
    this.#failure = undefined
  }

  /** The chunk is used up; whatever is kept of it has it. */
  #letGo(): void {
    this.#chunk = NOTHING
    this.#copy = undefined
    this.#at = 0
  }

  #nextWhole(framing: Framing): Buffer | undefined {
    const chunk = this.#chunk
    const at = this.#at
    const headerBytes = framing.headerBytes(chunk, at)
    if (headerBytes > 0 && at + headerBytes <= chunk.length) {
      const from = at + headerBytes
      const bodyBytes = framing.bodyBytes(chunk, at)
      if (bodyBytes > this.#max) throw frameTooLarge(bodyBytes, this.#max)
      const end = from + bodyBytes
      if (end <= chunk.length) return this.#cut(from, end, end)
    }
    this.#half = new HalfFrame()
    return this.#goOn(framing, this.#half)
  }

  #goOn(framing: Framing, half: HalfFrame): Buffer | undefined {
    const chunk = this.#chunk
    if (half.bodyBytes < 0) {
      this.#at += half.takeHeader(framing, chunk, this.#at)
      if (half.bodyBytes < 0) return this.#waits()
      if (half.bodyBytes > this.#max) throw frameTooLarge(half.bodyBytes, this.#max)
    }
    const at = this.#at
    const end = at + half.bodyBytes - half.length
    if (end > chunk.length) {
      half.add(chunk, at, chunk.length)
      return this.#waits()
    }
    this.#half = undefined
    if (half.length === 0) return this.#cut(at, end, end)
    half.add(chunk, at, end)
    this.#moveTo(end)
    return half.body(half.bodyBytes)
  }

  #waits(): undefined {
    this.#letGo()
  }

  #nextLine(): Buffer | undefined {
    const max = this.#max
    const chunk = this.#chunk
    const at = this.#at
    const half = this.#half
    const found = chunk.indexOf(LF, at)
    const end = found < 0 ? chunk.length : found
    const length = (half?.length ?? 0) + end - at
    const last = end > at ? chunk[end - 1] : half?.lastByte
    const lineLength = last === CR ? length - 1 : length
    if (lineLength > max) throw frameTooLarge(lineLength, max)
    if (found < 0) {
      this.#half = half ?? new HalfFrame()
      this.#half.bodyBytes = max + 1
      this.#half.add(chunk, at, end)
      return this.#waits()
    }
    if (half === undefined) return this.#cut(at, at + lineLength, end + 1)
    this.#half = undefined
    half.add(chunk, at, end)
    this.#moveTo(end + 1)
    return half.body(lineLength)
  }

  /** A frame that lies whole in the chunk; `next` is behind it. */
  #cut(from: number, end: number, next: number): Buffer {
    const chunk = this.#chunk
    const length = end - from
    if (length > 0 && length < this.#sharedMin) return this.#cutCopy(from, end, next)
    this.#moveTo(next)
    return length === 0 ? NOTHING : chunk.subarray(from, end)
  }

  /** The same out of a copy of this part of the chunk, and of parts behind it. */
  #cutCopy(from: number, end: number, next: number): Buffer {
    let copy = this.#copy
    if (copy === undefined || end > this.#copyAt + copy.length) {
      const bytes = Math.max(end - from, Math.min(SHARED_BYTES, this.#chunk.length - from))
      copy = Buffer.allocUnsafeSlow(bytes)
      this.#chunk.copy(copy, 0, from, from + bytes)
      this.#copy = copy
      this.#copyAt = from
    }
    this.#moveTo(next)
    return copy.subarray(from - this.#copyAt, end - this.#copyAt)
  }

  #moveTo(at: number): void {
    if (at === this.#chunk.length) this.#letGo()
    else this.#at = at
  }
}
