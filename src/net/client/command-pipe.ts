/**
 * The way from one thread to the socket thread: the command ring, and what finds it full. Orders
 * leave in the order they were given; none is lost.
 */
import { type Budget, costOf } from '../../base/budget.ts'
import { RING_PAYLOAD_BYTES_MAX } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'
import type { Doorbells } from '../../shm/doorbell.ts'
import type { Blocks } from '../../shm/memory.ts'
import type { ManyRing } from '../../shm/ring.ts'
import { SEND } from '../commands.ts'

/** What the ring copies word by word, at most. */
const SMALL_BYTES_MAX = 128

interface WaitingCommand {
  readonly type: number
  readonly id: number
  readonly b: number
  readonly session: number
  readonly payload: Uint8Array
}

export interface PipeOptions {
  readonly blocks: Blocks
  readonly commands: ManyRing
  readonly bells: Doorbells
  /** This thread's number, and the socket thread's, among the doorbells. */
  readonly self: number
  readonly socketThread: number
}

export class CommandPipe {
  readonly #options: PipeOptions
  readonly #waiting = new Queue<WaitingCommand>()
  readonly #scratch = new Int32Array(SMALL_BYTES_MAX / 4)
  readonly #scratchBytes = Buffer.from(this.#scratch.buffer)

  constructor(options: PipeOptions) {
    this.#options = options
  }

  /** True while orders wait for room: call `retry` when the socket thread announces some. */
  get isBlocked(): boolean {
    return this.#waiting.length > 0
  }

  /** @param bytes Of the caller; copied. */
  push(
    type: number,
    id: number,
    b: number,
    session: number,
    bytes: Uint8Array = this.#scratchBytes,
    length = 0,
  ): void {
    const { commands, bells, self, socketThread } = this.#options
    if (this.#waiting.length === 0) {
      const words = this.#wordsOf(bytes, length)
      if (commands.write(type, id, b, session, bytes, words, length)) {
        bells.ring(socketThread)
        return
      }
    }
    // A copy, which `slice` of a Buffer is not: the caller uses its bytes again.
    const payload = new Uint8Array(bytes.subarray(0, length))
    this.#waiting.push({ type, id, b, session, payload })
    if (this.#waiting.length === 1) {
      bells.wantRoom(socketThread, self)
      this.retry()
    }
  }

  /** Bytes go in the ring when they are few, beside it in a block when they are many. */
  give(type: number, id: number, flags: number, bytes: Uint8Array): void {
    if (bytes.length <= RING_PAYLOAD_BYTES_MAX) {
      this.push(type, id, flags, 0, bytes, bytes.length)
      return
    }
    const address = this.#options.blocks.put(bytes)
    const size = Buffer.alloc(8)
    size.writeDoubleLE(bytes.length)
    this.push(type, id, flags | SEND.block, address, size, 8)
  }

  /** Orders that waited: try again. True when `budget` has ended while there may be more room. */
  retry(budget?: Budget): boolean {
    const { commands, bells, self, socketThread } = this.#options
    if (this.#waiting.length === 0) return false
    bells.wantRoom(socketThread, self)
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      const { type, id, b, session, payload } = next
      const words = this.#wordsOf(payload, payload.length)
      if (!commands.write(type, id, b, session, payload, words, payload.length)) return false
      this.#waiting.shift()
      bells.ring(socketThread)
      if (budget?.spend(costOf(payload.length)) === false) return this.#waiting.length > 0
    }
    return false
  }

  /** The ring copies small payloads word by word: give it words that begin where the bytes do. */
  #wordsOf(bytes: Uint8Array, length: number): Int32Array {
    if (length > 0 && length <= SMALL_BYTES_MAX && bytes !== this.#scratchBytes) {
      this.#scratchBytes.set(length === bytes.length ? bytes : bytes.subarray(0, length))
    }
    return this.#scratch
  }
}
