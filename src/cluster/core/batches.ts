/** Messages that fit into a frame, in the frames in which they will leave. */
import { LINK_FRAME_BYTES_MAX } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'
import { HEADER_BYTES, isSend, MESSAGE_HEADER_BYTES, putMessageHead } from './frame.ts'

/** Up to here a loop over words is faster than `subarray` + `set`, and makes nothing. */
const WORD_COPY_BYTES_MAX = 96
/** Frames that are kept for the next burst. */
const SPARE_MAX = 8

/** A frame that is filled: room for the header, then messages. */
export class BatchFrame {
  readonly bytes = new Uint8Array(LINK_FRAME_BYTES_MAX)
  readonly view = new DataView(this.bytes.buffer)
  length = HEADER_BYTES
  messages = 0
  /** Of these, see `isSend`. */
  sends = 0
}

/**
 * First in, first out. Each batch has a number, and they leave in that order. The last one is
 * filled until it is full, whether others wait in front of it or not.
 */
export class Batches {
  readonly #waiting = new Queue<BatchFrame>()
  readonly #spare: BatchFrame[] = []
  #last = new BatchFrame()
  #lastNumber = 1
  #bytes = 0
  #messages = 0
  #sends = 0
  #source: ArrayBufferLike = this.#last.bytes.buffer
  #sourceView: DataView = this.#last.view

  constructor() {
    this.#waiting.push(this.#last)
  }

  /** Bytes that wait, and their messages. */
  get bytes(): number {
    return this.#bytes
  }

  get messages(): number {
    return this.#messages
  }

  get sends(): number {
    return this.#sends
  }

  /** Number of the last batch that has left. */
  get left(): number {
    return this.#lastNumber - this.#waiting.length
  }

  /** Number of the last batch that has something, or that has left. */
  get filled(): number {
    return this.#last.messages === 0 ? this.#lastNumber - 1 : this.#lastNumber
  }

  /** Another message of so many bytes needs another batch. */
  isFullFor(length: number): boolean {
    return this.#last.length + MESSAGE_HEADER_BYTES + length > LINK_FRAME_BYTES_MAX
  }

  /**
   * Copies a message behind all others.
   *
   * @param length At most `SMALL_BYTES_MAX`.
   * @returns The number of its batch.
   */
  add(
    type: number,
    to: number,
    source: number,
    session: number,
    deadline: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): number {
    if (this.isFullFor(length)) this.#begin()
    const batch = this.#last
    const at = batch.length
    putMessageHead(batch.view, at, type, length, to, source, session, deadline)
    this.#copy(batch, at + MESSAGE_HEADER_BYTES, bytes, from, length)
    const size = MESSAGE_HEADER_BYTES + length
    batch.length = at + size
    batch.messages++
    this.#bytes += size
    this.#messages++
    if (isSend(type, source, deadline)) {
      batch.sends++
      this.#sends++
    }
    return this.#lastNumber
  }

  #copy(batch: BatchFrame, at: number, bytes: Uint8Array, from: number, length: number): void {
    if (length > WORD_COPY_BYTES_MAX) {
      batch.bytes.set(bytes.subarray(from, from + length), at)
      return
    }
    // Most messages come out of the same memory: that of a ring.
    if (bytes.buffer !== this.#source) {
      this.#source = bytes.buffer
      this.#sourceView = new DataView(bytes.buffer)
    }
    const source = this.#sourceView
    const target = batch.view
    const begin = bytes.byteOffset + from
    const words = length & ~3
    let i = 0
    for (; i < words; i += 4) target.setUint32(at + i, source.getUint32(begin + i, true), true)
    for (; i < length; i++) target.setUint8(at + i, source.getUint8(begin + i))
  }

  #begin(): void {
    this.#last = this.#spare.pop() ?? new BatchFrame()
    this.#lastNumber++
    this.#waiting.push(this.#last)
  }

  /** The batch that leaves next, or undefined. */
  get first(): BatchFrame | undefined {
    const batch = this.#waiting.peek()!
    return batch.messages === 0 ? undefined : batch
  }

  /** The first has left: its memory is used for another one. */
  shift(): void {
    const batch = this.#waiting.shift()!
    this.#bytes -= batch.length - HEADER_BYTES
    this.#messages -= batch.messages
    this.#sends -= batch.sends
    this.#reuse(batch)
    if (this.#waiting.length === 0) this.#begin()
  }

  /** Forget all of them, as if they had left. What comes has a number that none of them had. */
  clear(): void {
    while (this.first !== undefined) this.shift()
    this.#lastNumber++
  }

  #reuse(batch: BatchFrame): void {
    batch.length = HEADER_BYTES
    batch.messages = batch.sends = 0
    if (this.#spare.length < SPARE_MAX) this.#spare.push(batch)
  }
}
