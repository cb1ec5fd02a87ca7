/** The datagrams that one worker sends from one UDP socket in a turn: they leave together. */
import { compactLength } from '../os/compact.ts'
import type { DatagramBatch } from '../os/os.ts'
import type { SocketClient } from './client.ts'

const BATCH_SIZE = 64
/** What usual networks carry in one piece, and more. A larger one leaves by itself. */
const BATCHED_BYTES_MAX = 2048
const SPARE_BATCHES_MAX = 8

/** Batches between turns. One list a thread: a module is loaded once in each. */
const spare: DatagramBatch[] = []

export class DatagramWriter {
  readonly id: number
  readonly #client: SocketClient
  readonly #failed: (errno: number) => void
  #batch: DatagramBatch | undefined
  #count = 0
  /** Bytes gathered and not sent yet. */
  #bytes = 0

  /** @param failed Called for a datagram that the system refused; it is lost, others go on. */
  constructor(client: SocketClient, id: number, failed: (errno: number) => void) {
    this.#client = client
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
      const alone = this.#client.os.createBatch(1, bytes.length)
      fill(alone, 0, bytes, address)
      this.#client.sendDatagrams(this.id, alone, 1, this.#failed)
      return true
    }
    if (this.#batch === undefined) {
      this.#batch = spare.pop() ?? this.#client.os.createBatch(BATCH_SIZE, BATCHED_BYTES_MAX)
      this.#client.markDirty(this)
    }
    fill(this.#batch, this.#count++, bytes, address)
    this.#bytes += bytes.length
    if (this.#count === BATCH_SIZE) this.flush()
    return true
  }

  /** What is gathered may leave at once, or have to wait: that is known when it is handed on. */
  #isFull(): boolean {
    const { slots } = this.#client
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
    if (count > 0) this.#client.sendDatagrams(this.id, batch, count, this.#failed)
    if (spare.length < SPARE_BATCHES_MAX) spare.push(batch)
  }
}

function fill(batch: DatagramBatch, slot: number, bytes: Uint8Array, address: Uint8Array): void {
  const at = slot * batch.stride
  batch.region.bytes.set(bytes, at)
  batch.region.bytes.set(address, at + bytes.length)
  batch.lengths[slot] = bytes.length
}

/** Slot `slot` as a command carries it: its address, then its bytes. */
export function datagramOf(batch: DatagramBatch, slot: number): Buffer {
  const { bytes } = batch.region
  const at = slot * batch.stride
  const length = batch.lengths[slot]!
  const end = at + length
  const address = bytes.subarray(end, end + compactLength(bytes, end))
  return Buffer.concat([address, bytes.subarray(at, end)])
}
