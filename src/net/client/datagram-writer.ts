/** The datagrams that one worker sends from one UDP socket in a turn: they leave together. */
import type { DatagramBatch, Os } from '../../os/os.ts'
import type { Slots } from '../slots.ts'

const BATCH_SIZE = 64
/** What usual networks carry in one piece, and more. A larger one leaves by itself. */
const BATCHED_BYTES_MAX = 2048
const SPARE_BATCHES_MAX = 8

/** Batches between turns. One list a thread: a module is loaded once in each. */
const spare: DatagramBatch[] = []

/** What a DatagramWriter needs of its thread. */
export interface DatagramHost {
  readonly slots: Slots
  readonly os: Pick<Os, 'createBatch'>
  /** Flush it at the end of this turn. */
  markDirty(writer: { flush(): void }): void
  /** Send now what can be sent now, in order, and leave the rest to the socket thread. */
  sendDatagrams(
    id: number,
    batch: DatagramBatch,
    count: number,
    failed: (errno: number) => void,
  ): void
}

export class DatagramWriter {
  readonly id: number
  readonly #host: DatagramHost
  readonly #failed: (errno: number) => void
  #batch: DatagramBatch | undefined
  #count = 0
  /** Bytes gathered and not sent yet. */
  #bytes = 0

  /** @param failed Called for a datagram that the system refused; it is lost, others go on. */
  constructor(host: DatagramHost, id: number, failed: (errno: number) => void) {
    this.#host = host
    this.id = id
    this.#failed = failed
  }

  /**
   * @param bytes The caller's again on return.
   * @param address Compact.
   * @returns False when too much waits already: the datagram is dropped.
   */
  send(bytes: Uint8Array, address: Uint8Array): boolean {
    if (this.#isFull()) return false
    if (bytes.length > BATCHED_BYTES_MAX) {
      this.flush()
      const alone = this.#host.os.createBatch(1, bytes.length)
      fill(alone, 0, bytes, address)
      this.#host.sendDatagrams(this.id, alone, 1, this.#failed)
      return true
    }
    if (this.#batch === undefined) {
      this.#batch = spare.pop() ?? this.#host.os.createBatch(BATCH_SIZE, BATCHED_BYTES_MAX)
      this.#host.markDirty(this)
    }
    fill(this.#batch, this.#count++, bytes, address)
    this.#bytes += bytes.length
    if (this.#count === BATCH_SIZE) this.flush()
    return true
  }

  /** What is gathered may leave at once, or have to wait: that is known when it is handed on. */
  #isFull(): boolean {
    const { slots } = this.#host
    if (!slots.isFull(this.id, this.#bytes)) return false
    this.flush()
    return slots.isFull(this.id)
  }

  /** Hand everything on. Also called at the end of each turn in which something was sent. */
  flush(): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#batch = undefined
    const count = this.#count
    this.#count = 0
    this.#bytes = 0
    if (count > 0) this.#host.sendDatagrams(this.id, batch, count, this.#failed)
    if (spare.length < SPARE_BATCHES_MAX) spare.push(batch)
  }
}

function fill(batch: DatagramBatch, slot: number, bytes: Uint8Array, address: Uint8Array): void {
  const at = slot * batch.stride
  batch.region.bytes.set(bytes, at)
  batch.region.bytes.set(address, at + bytes.length)
  batch.lengths[slot] = bytes.length
}
