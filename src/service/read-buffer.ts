/** Bytes that came and were not read yet: chunks in order, handed out as the reader likes. */
import { Queue } from '../base/queue.ts'

const NEWLINE = 10
const RETURN = 13

export class ReadBuffer {
  /** Made when a second chunk waits: a service that keeps up never needs it. */
  #chunks: Queue<Buffer> | undefined
  #first: Buffer | undefined
  /** Bytes that are there. */
  length = 0
  /** Leading bytes that are known to hold no end of line. */
  #scanned = 0

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.length += chunk.length
    if (this.#first === undefined) this.#first = chunk
    else {
      this.#chunks ??= new Queue(2)
      this.#chunks.push(chunk)
    }
  }

  /** The oldest chunk as it came, or undefined. */
  takeChunk(): Buffer | undefined {
    const chunk = this.#first
    if (chunk === undefined) return undefined
    this.#drop(chunk.length)
    return chunk
  }

  /** Exactly `count` bytes, or undefined when there are fewer. */
  take(count: number): Buffer | undefined {
    if (this.length < count) return undefined
    const first = this.#first
    if (first === undefined || first.length >= count) {
      const bytes = first?.subarray(0, count) ?? Buffer.alloc(0)
      this.#drop(count)
      return bytes
    }
    const bytes = Buffer.allocUnsafe(count)
    for (let at = 0; at < count; ) {
      const part = this.#first!
      const length = Math.min(part.length, count - at)
      part.copy(bytes, at, 0, length)
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
    const line = this.take(end + 1)!
    const length = end > 0 && line[end - 1] === RETURN ? end - 1 : end
    return line.toString('utf8', 0, length)
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
    let before = this.#first?.length ?? 0
    if (index < before) return this.#first![index]
    let byte: number | undefined
    this.#chunks?.some((chunk) => {
      byte = chunk[index - before]
      before += chunk.length
      return index < before
    })
    return byte
  }

  #findNewline(): number {
    if (this.length === this.#scanned) return -1
    let at = 0
    let found = -1
    const look = (chunk: Buffer): boolean => {
      if (at + chunk.length > this.#scanned) {
        const index = chunk.indexOf(NEWLINE, Math.max(0, this.#scanned - at))
        if (index >= 0) found = at + index
      }
      at += chunk.length
      return found >= 0
    }
    if (this.#first !== undefined && !look(this.#first)) this.#chunks?.some(look)
    this.#scanned = found >= 0 ? found : this.length
    return found
  }

  /** Forget `count` bytes, at most the first chunk. */
  #drop(count: number): void {
    const first = this.#first!
    this.length -= count
    this.#scanned = Math.max(0, this.#scanned - count)
    if (first === undefined) return
    this.#first = count === first.length ? this.#chunks?.shift() : first.subarray(count)
  }
}
