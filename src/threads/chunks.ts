/**
 * Buffers for what sockets bring. Node has a pool of 8 KiB for buffers below half of that; one that
 * is larger is memory of its own, which takes longer to make than 4 KiB to copy. Here those share a
 * slab. Small ones stay with Node, so that one that is kept holds no slab back.
 */

/** What Node pools is smaller. */
const CHUNK_BYTES_MIN = 4 * 1024
const CHUNK_BYTES_MAX = 16 * 1024
/** What one chunk that is kept can hold back: at most sixteen times its own size. */
const SLAB_BYTES = 64 * 1024

export class Chunks {
  #slab = Buffer.alloc(0)
  #used = 0

  /** A buffer with whatever is in it. */
  allocate(length: number): Buffer {
    if (length < CHUNK_BYTES_MIN || length > CHUNK_BYTES_MAX) return Buffer.allocUnsafe(length)
    if (this.#used + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const chunk = this.#slab.subarray(this.#used, this.#used + length)
    this.#used += length
    return chunk
  }
}
