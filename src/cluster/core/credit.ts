/** What may be under way in one session, both ways: bytes of frames, modulo 2^32. */
import { Queue } from '../../base/queue.ts'

export class Credit {
  /** What may be under way to the peer, as it has said. */
  #windowBytes = 0
  #sent = 0
  #acknowledged = 0
  /** For each batch that the peer has not consumed, what was sent up to its end: as an integer. */
  #batches = new Queue<number>()
  /** What it may have under way to us. */
  readonly #ownWindowBytes: number
  #received = 0
  /** Received, and done with. */
  #consumed = 0
  /** So much of that the peer has been told. */
  #told = 0

  constructor(ownWindowBytes: number) {
    this.#ownWindowBytes = ownWindowBytes
  }

  /** A session begins, or ends: nothing is under way. */
  clear(windowBytes: number): void {
    this.#windowBytes = windowBytes
    this.#sent = this.#acknowledged = 0
    if (this.#batches.length > 0) this.#batches = new Queue()
    this.#received = this.#consumed = this.#told = 0
  }

  /** Sent, and not consumed by the peer as far as we know. */
  get outstanding(): number {
    return (this.#sent - this.#acknowledged) >>> 0
  }

  get windowBytes(): number {
    return this.#windowBytes
  }

  sent(bytes: number, isBatch: boolean): void {
    this.#sent = (this.#sent + bytes) >>> 0
    if (isBatch) this.#batches.push(this.#sent | 0)
  }

  /** Batches that were sent, and not consumed by the peer as far as we know. */
  get batches(): number {
    return this.#batches.length
  }

  /** The peer has consumed so much. False: that is more than was sent. */
  acknowledge(consumed: number): boolean {
    const more = (consumed - this.#acknowledged) >>> 0
    if (more > this.outstanding) return false
    this.#acknowledged = consumed
    const batches = this.#batches
    while (batches.length > 0 && ((consumed - batches.peek()!) | 0) >= 0) batches.shift()
    return true
  }

  /** Bytes have come. False: that is more than we have let in. */
  received(bytes: number): boolean {
    this.#received = (this.#received + bytes) >>> 0
    return (this.#received - this.#told) >>> 0 <= this.#ownWindowBytes
  }

  /** All that has come is done with. */
  consume(): void {
    this.#consumed = this.#received
  }

  /** Consumed, and the peer does not know it. */
  get untold(): number {
    return (this.#consumed - this.#told) >>> 0
  }

  /** For the header of a frame. */
  get consumed(): number {
    return this.#consumed
  }

  /** A frame has left with that number. */
  told(): void {
    this.#told = this.#consumed
  }
}
