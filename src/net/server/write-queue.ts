/**
 * What one socket has to send: whole sends, first in first out, in two priorities. A low one
 * leaves when no high one waits; once begun it is finished first, so no send is ever cut in two
 * (Skynet's `raise_uncomplete`). Lives on the socket thread.
 */
import { Queue } from '../../base/queue.ts'
import { type Parcel, parcelBytes, SharedBytes } from '../shared-bytes.ts'

export class WriteQueue {
  /** Head of the high ones, or a low one that was begun. */
  #first: Parcel | undefined
  /** How much of the first has left. */
  #offset = 0
  /** Made when a second one waits: most sockets never have one. */
  #rest: Queue<Parcel> | undefined
  #low: Queue<Parcel> | undefined
  /** Bytes that have not left. */
  bytes = 0
  /** Next length that is worth a WARNING; 0: none was sent since the queue was empty. */
  warnBytes = 0
  /** `drain` orders to be answered when all has left. */
  drainsWanted = 0

  /** How many sends are not completely written. */
  get length(): number {
    const high = (this.#rest?.length ?? 0) + (this.#first === undefined ? 0 : 1)
    return high + (this.#low?.length ?? 0)
  }

  push(parcel: Parcel): void {
    this.bytes += parcel.length
    if (this.#first === undefined) this.#first = parcel
    else this.#later(parcel)
  }

  /** With nothing else in the queue it is like any other: nobody can overtake it then. */
  pushLow(parcel: Parcel): void {
    if (this.length === 0) {
      this.push(parcel)
      return
    }
    this.bytes += parcel.length
    this.#low ??= new Queue(4)
    this.#low.push(parcel)
  }

  /** Put `parcel` before everything else, from `offset` on: the rest of a direct write. */
  unshift(parcel: Parcel, offset = 0): void {
    const others: Parcel[] = []
    if (this.#first !== undefined) others.push(this.#first)
    for (let next = this.#rest?.shift(); next !== undefined; next = this.#rest?.shift()) {
      others.push(next)
    }
    this.#first = parcel
    this.#offset = offset
    for (const other of others) this.#later(other)
    this.bytes += parcel.length - offset
  }

  #later(parcel: Parcel): void {
    this.#rest ??= new Queue(4)
    this.#rest.push(parcel)
  }

  /**
   * Copy as much as fits into `staging`, so that many small sends leave in one system call.
   * Returns the bytes to write and where they begin; nothing is removed before `written`.
   */
  peek(staging: Buffer): { bytes: Buffer; offset: number; length: number } | undefined {
    const first = this.#first ?? this.#low?.peek()
    if (first === undefined) return undefined
    const others = this.#first === undefined ? this.#low : this.#rest
    const alone = this.#first === undefined ? 1 : 0
    const length = first.length - this.#offset
    if ((others?.length ?? 0) === alone || length >= staging.length / 2) {
      return { bytes: parcelBytes(first), offset: this.#offset, length }
    }
    return { bytes: staging, offset: 0, length: this.#gather(staging) }
  }

  #gather(staging: Buffer): number {
    let at = 0
    const isFull = (parcel: Parcel): boolean => {
      at += parcelBytes(parcel).copy(staging, at)
      return at === staging.length
    }
    if (this.#first === undefined) this.#low?.some(isFull)
    else {
      at = parcelBytes(this.#first).copy(staging, 0, this.#offset)
      this.#rest?.some(isFull)
    }
    return at
  }

  /** Forget `count` bytes from the front. Returns how many sends that completed. */
  written(count: number): number {
    let done = 0
    let left = count
    this.bytes -= count
    while (left > 0) {
      // A low one that was begun counts as high from now on.
      this.#first ??= this.#low?.shift()
      const first = this.#first!
      const length = first.length - this.#offset
      if (left < length) {
        this.#offset += left
        return done
      }
      left -= length
      done++
      this.#finishFirst()
    }
    return done
  }

  /** Forget everything. Returns how many sends that were. */
  clear(): number {
    const sends = this.length
    this.bytes = 0
    while (this.#first !== undefined) this.#finishFirst()
    for (let next = this.#low?.shift(); next !== undefined; next = this.#low?.shift()) release(next)
    return sends
  }

  #finishFirst(): void {
    release(this.#first!)
    this.#first = this.#rest?.shift()
    this.#offset = 0
  }
}

function release(parcel: Parcel): void {
  if (parcel instanceof SharedBytes) parcel.release()
}
