/** Bytes that came and were not read yet: chunks in order, handed out as the reader likes. */
import { Queue } from '../base/queue.ts'

const NEWLINE = 10
const RETURN = 13
/**
 * Smaller chunks that wait are joined. A peer that sends byte by byte, and no end of line, costs a
 * few bytes a byte then, and not a buffer each; and there are few chunks to look through.
 */
const JOINED_BYTES_MAX = 16 * 1024
const JOINED_BYTES_MIN = 256

export class ReadBuffer {
  /** Made when a second chunk waits: a service that keeps up never needs it. */
  #chunks: Queue<Buffer> | undefined
  #first: Buffer | undefined
  /** Bytes of `#first` that are gone: a buffer for what is left costs more than to take it. */
  #taken = 0
  /** Small chunks after all others, joined; `#joinedLength` bytes of it are used. */
  #joined: Buffer | undefined
  #joinedLength = 0
  /** Bytes that are there. */
  length = 0
  /** Leading bytes that are known to hold no end of line. */
  #scanned = 0

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.length += chunk.length
    if (this.#first === undefined) this.#first = chunk
    else if (chunk.length < JOINED_BYTES_MAX) this.#join(chunk)
    else {
      this.#endJoined()
      this.#later(chunk)
    }
  }

  #later(chunk: Buffer): void {
    this.#chunks ??= new Queue(2)
    this.#chunks.push(chunk)
  }

  #join(chunk: Buffer): void {
    if (this.#joinedLength + chunk.length > JOINED_BYTES_MAX) this.#endJoined()
    const length = this.#joinedLength + chunk.length
    const size = this.#joined?.length ?? 0
    if (length > size) {
      const larger = Buffer.allocUnsafe(Math.max(JOINED_BYTES_MIN, size * 2, length))
      this.#joined?.copy(larger, 0, 0, this.#joinedLength)
      this.#joined = larger
    }
    chunk.copy(this.#joined!, this.#joinedLength)
    this.#joinedLength = length
  }

  /** What is joined so far becomes a chunk: nothing is written into it any more. */
  #endJoined(): void {
    const joined = this.#takeJoined()
    if (joined !== undefined) this.#later(joined)
  }

  #takeJoined(): Buffer | undefined {
    const joined = this.#joined?.subarray(0, this.#joinedLength)
    this.#joined = undefined
    this.#joinedLength = 0
    return joined
  }

  /** True when `test` is, for a chunk behind the first; from the oldest on, stopping there. */
  #someLater(test: (chunk: Buffer) => boolean): boolean {
    if (this.#chunks?.some(test) === true) return true
    return this.#joined !== undefined && test(this.#joined.subarray(0, this.#joinedLength))
  }

  /** The oldest chunk as it came, or undefined. */
  takeChunk(): Buffer | undefined {
    const first = this.#first
    return first && this.take(first.length - this.#taken)
  }

  /** Exactly `count` bytes, or undefined when there are fewer. */
  take(count: number): Buffer | undefined {
    if (this.length < count) return undefined
    const first = this.#first
    if (first === undefined) return Buffer.alloc(0)
    const from = this.#taken
    if (first.length - from >= count) {
      this.#drop(count)
      return count === first.length ? first : first.subarray(from, from + count)
    }
    const bytes = Buffer.allocUnsafe(count)
    for (let at = 0; at < count; ) {
      const length = this.#first!.copy(bytes, at, this.#taken)
      this.#drop(length)
      at += length
    }
    return bytes
  }

  takeAll(): Buffer {
    return this.take(this.length) ?? Buffer.alloc(0)
  }

  /** The next line as UTF-8, without its `\n` or `\r\n`; undefined when no line is complete. */
  takeLine(): string | undefined {
    const end = this.#findNewline()
    if (end < 0) return undefined
    const first = this.#first!
    if (this.#taken + end >= first.length) return lineOf(this.take(end + 1)!, 0, end)
    const line = lineOf(first, this.#taken, end)
    this.#drop(end + 1)
    return line
  }

  /** Is the next line longer than `max`? Known before it is complete; its end does not count. */
  lineExceeds(max: number): boolean {
    const end = this.#findNewline()
    const length = end < 0 ? this.length : end
    if (length !== max + 1) return length > max
    // One byte too many, unless it is the first half of `\r\n`.
    return this.#byteAt(max) !== RETURN
  }

  #byteAt(index: number): number | undefined {
    const first = this.#first!
    let before = first.length - this.#taken
    if (index < before) return first[this.#taken + index]
    let byte: number | undefined
    this.#someLater((chunk) => {
      byte = chunk[index - before]
      before += chunk.length
      return index < before
    })
    return byte
  }

  #findNewline(): number {
    if (this.length === this.#scanned) return -1
    const first = this.#first!
    let at = first.length - this.#taken
    let found = this.#scanned < at ? first.indexOf(NEWLINE, this.#taken + this.#scanned) : -1
    if (found >= 0) {
      this.#scanned = found - this.#taken
      return this.#scanned
    }
    this.#someLater((chunk) => {
      if (at + chunk.length > this.#scanned) {
        const index = chunk.indexOf(NEWLINE, Math.max(0, this.#scanned - at))
        if (index >= 0) found = at + index
      }
      at += chunk.length
      return found >= 0
    })
    this.#scanned = found >= 0 ? found : this.length
    return found
  }

  /** Forget `count` bytes, at most the first chunk. */
  #drop(count: number): void {
    this.length -= count
    this.#scanned = Math.max(0, this.#scanned - count)
    this.#taken += count
    if (this.#taken < this.#first!.length) return
    this.#taken = 0
    this.#first = this.#chunks?.shift() ?? this.#takeJoined()
  }
}

/** The text of `length` bytes from `from` on, without the `\r` of an end `\r\n`. */
function lineOf(bytes: Buffer, from: number, length: number): string {
  const end = from + length
  const hasReturn = length > 0 && bytes[end - 1] === RETURN
  return bytes.toString('utf8', from, hasReturn ? end - 1 : end)
}

/** Of every connection that has nothing to read; nothing is ever pushed to it. */
export const NOTHING_READ = new ReadBuffer()
/** One that is empty, for the next chunk of any connection: who keeps up needs no more. */
let spare: ReadBuffer | undefined

export function newBuffer(): ReadBuffer {
  const buffer = spare ?? new ReadBuffer()
  spare = undefined
  return buffer
}

/** What a connection goes on with: one that is silent keeps no buffer. */
export function keptBuffer(buffer: ReadBuffer): ReadBuffer {
  if (buffer.length > 0 || buffer === NOTHING_READ) return buffer
  spare = buffer
  return NOTHING_READ
}
