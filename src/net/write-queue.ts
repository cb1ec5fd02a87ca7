/** What one socket has to send: whole buffers, first in first out. Lives on the socket thread. */
import { Queue } from '../base/queue.ts'

export class WriteQueue {
  #first: Buffer | undefined
  #offset = 0
  /** Made when a second buffer waits: most sockets never have one. */
  #rest: Queue<Buffer> | undefined
  bytes = 0

  /** How many sends are not completely written. */
  get length(): number {
    return (this.#rest?.length ?? 0) + (this.#first === undefined ? 0 : 1)
  }

  push(buffer: Buffer): void {
    this.bytes += buffer.length
    if (this.#first === undefined) this.#first = buffer
    else this.#later(buffer)
  }

  /** Put `buffer` before everything else: the rest of a direct write. */
  unshift(buffer: Buffer): void {
    const others: Buffer[] = []
    if (this.#first !== undefined) others.push(this.#first)
    for (let next = this.#rest?.shift(); next !== undefined; next = this.#rest?.shift()) {
      others.push(next)
    }
    this.#first = buffer
    this.#offset = 0
    for (const other of others) this.#later(other)
    this.bytes += buffer.length
  }

  #later(buffer: Buffer): void {
    this.#rest ??= new Queue(4)
    this.#rest.push(buffer)
  }

  /**
   * Copy as much as fits into `staging`, so that many small sends leave in one system call.
   * Returns the bytes to write and where they begin; nothing is removed before `written`.
   */
  peek(staging: Buffer): { bytes: Buffer; offset: number; length: number } | undefined {
    const first = this.#first
    if (first === undefined) return undefined
    const length = first.length - this.#offset
    if (this.length === 1 || length >= staging.length / 2) {
      return { bytes: first, offset: this.#offset, length }
    }
    return { bytes: staging, offset: 0, length: this.#gather(staging) }
  }

  #gather(staging: Buffer): number {
    let at = this.#first!.copy(staging, 0, this.#offset)
    this.#rest?.some((buffer) => {
      at += buffer.copy(staging, at)
      return at === staging.length
    })
    return at
  }

  /** Forget `count` bytes from the front. Returns how many sends that completed. */
  written(count: number): number {
    let done = 0
    let left = count
    this.bytes -= count
    while (this.#first !== undefined) {
      const length = this.#first.length - this.#offset
      if (left < length) {
        this.#offset += left
        return done
      }
      left -= length
      done++
      this.#first = this.#rest?.shift()
      this.#offset = 0
    }
    return done
  }
}
