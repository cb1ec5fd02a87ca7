/**
 * Memory of large messages with which a thread is done, for the next ones. V8 collects garbage for
 * every few megabytes that lie beside its heap: a message of 8 MiB was a full collection, in which
 * nothing else goes on, and 2,000 pages that the system had to bring.
 */
import { SPARE_BYTES_MAX, SPARE_BYTES_MIN } from './limits.ts'

/** What is so much larger than what is wanted is left for others. */
const FIT = 4
/** Kept so long after the last use, in ticks. */
const TICKS_KEPT = 3

export class SpareMemory {
  #spare: Buffer[] = []
  /** Only what was made here is nobody else's: a Buffer may be a part of a pool of Node.js. */
  readonly #lent = new WeakSet<ArrayBufferLike>()
  #bytes = 0
  #quietTicks = 0

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Memory of so many bytes, whatever is in there. @throws What there is no memory for. */
  take(length: number): Buffer {
    if (length < SPARE_BYTES_MIN) return Buffer.allocUnsafeSlow(length)
    this.#quietTicks = 0
    const fits = (each: Buffer): boolean => each.length >= length && each.length <= length * FIT
    const at = this.#spare.findIndex(fits)
    const [found] = at < 0 ? [Buffer.allocUnsafeSlow(length)] : this.#spare.splice(at, 1)
    if (at >= 0) this.#bytes -= found!.length
    this.#lent.add(found!.buffer)
    return found!.subarray(0, length)
  }

  /** Nobody looks at it any more. What `take` has not given, or has given small, is not kept. */
  give({ buffer }: Uint8Array): void {
    const length = buffer.byteLength
    if (!this.#lent.delete(buffer)) return
    this.#quietTicks = 0
    if (this.#bytes + length > SPARE_BYTES_MAX) return
    this.#spare.push(Buffer.from(buffer as ArrayBuffer))
    this.#bytes += length
  }

  /** Time passes, once a second: what nobody has wanted for long is let go. */
  tick(): void {
    if (this.#bytes === 0 || ++this.#quietTicks < TICKS_KEPT) return
    this.#spare = []
    this.#bytes = this.#quietTicks = 0
  }
}

/** Of this thread. */
export const spareMemory = new SpareMemory()
