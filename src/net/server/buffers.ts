/** Memory of the socket thread that it uses for one socket after the other. */

import type { DatagramBatch, Os } from '../../os/os.ts'
import type { Region } from '../../shm/memory.ts'

/** Datagrams of one system call, each of any size. */
const DATAGRAMS_PER_CALL = 32
const DATAGRAM_BYTES_MAX = 65_535

export class Buffers {
  /** For bytes that nobody wants. */
  readonly scratch: Region
  /** Small pieces that wait are gathered here for one write. */
  readonly staging = Buffer.allocUnsafeSlow(64 * 1024)
  readonly #os: Os
  #batch: DatagramBatch | undefined

  constructor(os: Os) {
    this.#os = os
    this.scratch = os.region(new SharedArrayBuffer(64 * 1024))
  }

  /** Made with the first datagrams. */
  get batch(): DatagramBatch {
    this.#batch ??= this.#os.createBatch(DATAGRAMS_PER_CALL, DATAGRAM_BYTES_MAX)
    return this.#batch
  }
}
