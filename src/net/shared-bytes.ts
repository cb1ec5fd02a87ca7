/**
 * Bytes that several sockets send, or that live outside the heap: Skynet's user object. Whoever is
 * done with them releases them; `free` runs once, with the last. Lives on one thread.
 */
import assert from 'node:assert/strict'

export class SharedBytes {
  readonly bytes: Buffer
  readonly #free: () => void
  #holders: number

  /** @param holders How many will call `release`. With none, `free` runs at once. */
  constructor(bytes: Buffer, holders: number, free: () => void) {
    this.bytes = bytes
    this.#holders = holders
    this.#free = free
    if (holders === 0) free()
  }

  get length(): number {
    return this.bytes.length
  }

  release(): void {
    assert(this.#holders > 0, 'released once too often')
    this.#holders--
    if (this.#holders === 0) this.#free()
  }
}

/** What can wait in a queue: bytes of the queue's own, or shared ones. */
export type Parcel = Buffer | SharedBytes

export const parcelBytes = (parcel: Parcel): Buffer =>
  parcel instanceof SharedBytes ? parcel.bytes : parcel
