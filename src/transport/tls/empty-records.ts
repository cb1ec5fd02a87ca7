/**
 * Records that carry nothing, as orders for new keys: one costs us more than its peer, who may have
 * made all of them before, and who reads the stream sees none of them.
 */
import { monotonicNow } from '../../base/event-loop.ts'
import { TLS_EMPTY_RECORDS_MAX } from '../../base/limits.ts'

export const TOO_MANY_EMPTY = Object.assign(
  new Error(`the peer sends more than ${TLS_EMPTY_RECORDS_MAX} records a second without anything`),
  { code: 'ERR_TLS_EMPTY_RECORDS' },
)

const HEADER_BYTES = 5
const WINDOW_MS = 1000

/** Sees the bytes of one peer as they come, encrypted. */
export class EmptyRecords {
  /** Of the header of a record that has begun. */
  #headerBytes = 0
  #bytesLeft = 0
  #count = 0
  #since = 0

  /** @returns How many records end in there. */
  ends(chunk: Uint8Array): number {
    let ended = 0
    for (let at = 0; at < chunk.length; ) {
      if (this.#headerBytes < HEADER_BYTES) {
        // The last two bytes of it are the length.
        this.#bytesLeft = ((this.#bytesLeft << 8) | chunk[at++]!) & 0xffff
        if (++this.#headerBytes < HEADER_BYTES) continue
      }
      const taken = Math.min(this.#bytesLeft, chunk.length - at)
      at += taken
      this.#bytesLeft -= taken
      if (this.#bytesLeft > 0) continue
      this.#headerBytes = 0
      ended++
    }
    return ended
  }

  /** @returns Whether these are too many, with those before. */
  areTooMany(more: number): boolean {
    if (more <= 0) return false
    const now = monotonicNow()
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now
      this.#count = 0
    }
    this.#count += more
    return this.#count > TLS_EMPTY_RECORDS_MAX
  }
}
