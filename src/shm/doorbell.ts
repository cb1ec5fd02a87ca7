/**
 * Waking threads that sleep, and telling a waiting writer that a ring has room again.
 *
 * Protocol of sleep (any ring, any pair of threads):
 *
 *     sleeper: asleep := 1          writer: publish record
 *              ring empty? ─ no ─┐          asleep = 1? ─ no ─ done
 *              wait              │          asleep 1 → 0 by compare-exchange, then wake
 *              asleep := 0 ◄─────┘
 *
 * All of these are sequentially consistent, so at least one side sees the other: either the sleeper
 * finds the record, or the writer finds it asleep. Of many writers one wakes it.
 *
 * A sleeper may get up by itself, asleep := 0, while its wait goes on. Who finds it up wakes
 * nobody. When it lies down again it looks at its rings as ever, and the same wait holds, unless
 * that has ended.
 *
 * Protocol of room: a writer that found ring T full lies down (asleep := 1), sets its own bit in
 * `wants[T]`, tries once more, and only then waits. The reader of T, after it freed room, takes all
 * bits and rings those threads. In this order: a bit that is taken while its writer is awake wakes
 * nobody, and another writer may have filled the room before this one tried.
 */
import { WORKERS_MAX } from '../base/limits.ts'

/** Threads that read a ring: workers 0 … n-1, then the socket thread. */
const CELLS_PER_LINE = 16

export interface DoorbellMemory {
  readonly cells: SharedArrayBuffer
  readonly threads: number
}

/** @param threads How many threads have a doorbell: the workers and the socket thread. */
export function createDoorbellMemory(threads: number): DoorbellMemory {
  const wantWords = wordsFor(threads)
  const cells = threads * CELLS_PER_LINE + threads * wantWords
  return { cells: new SharedArrayBuffer(cells * 4), threads }
}

const wordsFor = (threads: number): number => Math.ceil(Math.min(threads, WORKERS_MAX + 1) / 32)

/** The thread that sleeps in a system call instead of on its cell: the socket thread. */
export interface Sleeper {
  readonly thread: number
  readonly wake: () => void
}

export class Doorbells {
  readonly #cells: Int32Array
  readonly #poller: Sleeper
  readonly #threads: number
  readonly #wantWords: number

  constructor(memory: DoorbellMemory, poller: Sleeper) {
    this.#cells = new Int32Array(memory.cells)
    this.#threads = memory.threads
    this.#wantWords = wordsFor(memory.threads)
    this.#poller = poller
  }

  /** Wake `thread` if it sleeps. Cheap when it does not: one load. */
  ring(thread: number): void {
    const cell = thread * CELLS_PER_LINE
    if (Atomics.load(this.#cells, cell) === 1) {
      if (Atomics.compareExchange(this.#cells, cell, 1, 0) !== 1) return
      if (thread === this.#poller.thread) this.#poller.wake()
      else Atomics.notify(this.#cells, cell)
    }
  }

  /** Say that `thread` is about to sleep. It must look at its rings once more after this. */
  lieDown(thread: number): void {
    Atomics.store(this.#cells, thread * CELLS_PER_LINE, 1)
  }

  getUp(thread: number): void {
    Atomics.store(this.#cells, thread * CELLS_PER_LINE, 0)
  }

  /** A promise that settles when somebody rings, or undefined when somebody already has. */
  sleep(thread: number): Promise<unknown> | undefined {
    const result = Atomics.waitAsync(this.#cells, thread * CELLS_PER_LINE, 1)
    return result.async ? result.value : undefined
  }

  /** `from` waits for room in a ring of `to`. It must try to write once more after this. */
  wantRoom(to: number, from: number): void {
    Atomics.or(this.#cells, this.#wants(to) + (from >>> 5), 1 << (from & 31))
  }

  /** Ring everybody who waits for room in a ring of `to`; its reader calls it after reading. */
  announceRoom(to: number): void {
    const at = this.#wants(to)
    for (let word = 0; word < this.#wantWords; word++) {
      if (Atomics.load(this.#cells, at + word) === 0) continue
      let bits = Atomics.exchange(this.#cells, at + word, 0)
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits)
        bits &= ~(1 << bit)
        this.ring(word * 32 + bit)
      }
    }
  }

  #wants(to: number): number {
    return this.#threads * CELLS_PER_LINE + to * this.#wantWords
  }
}
