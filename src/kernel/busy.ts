/**
 * Watches for handlers that do not come back, as skynet_monitor does. Each worker counts what it
 * handles in shared cells; the main thread compares the counts from time to time.
 */
import assert from 'node:assert/strict'
import { formatHandle } from '../base/errors.ts'
import { layout } from '../shm/layout.ts'
import { PTYPE } from '../wire/ptype.ts'

/** Of a message that is, or was, handled. */
const HEADER = layout({
  source: 1,
  destination: 1,
  type: 1, // one of PTYPE; NO_MESSAGE: a task, a timer or a setup
  session: 1, // its low 32 bits
})
/** What is kept of each worker, for when it dies. A power of two. */
const LAST_MESSAGES = 32
/** One worker, on cache lines of its own. All written by that worker. */
const WORKER = layout({
  count: 1, // messages and tasks so far; its place among the last ones is the count before it
  rests: 1, // batches that are over
  isBusy: 1, // 1 while services run
  unused: 13,
  last: LAST_MESSAGES * HEADER.CELLS,
})
const NO_MESSAGE = -1
const TYPE_NAMES = new Map<number, string>(
  Object.entries(PTYPE).map(([name, type]) => [type, name]),
)

export const createBusyMemory = (workers: number): SharedArrayBuffer =>
  new SharedArrayBuffer(workers * WORKER.CELLS * 4)

assert.equal(WORKER.CELLS % 16, 0, 'two workers never share a cache line')

/** The worker's side. Plain stores: the watcher looks seconds apart. */
export class BusyCells {
  readonly #cells: Int32Array
  readonly #at: number

  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#cells = new Int32Array(memory)
    this.#at = worker * WORKER.CELLS
  }

  enter(): void {
    this.#cells[this.#at + WORKER.isBusy] = 1
  }

  /** A message from `source` is about to be handled by `destination`; without a type: a task. */
  trigger(source: number, destination: number, type = NO_MESSAGE, session = 0): void {
    const cells = this.#cells
    const count = cells[this.#at + WORKER.count]!
    const at = headerAt(this.#at, count)
    cells[at + HEADER.source] = source
    cells[at + HEADER.destination] = destination
    cells[at + HEADER.type] = type
    cells[at + HEADER.session] = session
    cells[this.#at + WORKER.count] = count + 1
  }

  /**
   * A task of `destination` is about to run. Of tasks without end, each begun by the one before,
   * the second is no progress: they count as one until there is something else, or a batch is over.
   */
  task(destination: number): void {
    const cells = this.#cells
    const last = headerAt(this.#at, cells[this.#at + WORKER.count]! - 1)
    const isAnother =
      cells[last + HEADER.type] !== NO_MESSAGE ||
      cells[last + HEADER.destination] !== (destination | 0)
    if (isAnother) this.trigger(0, destination)
  }

  /**
   * The batch is over. What the services go on with after an `await` still belongs to this turn, so
   * the last destination is the best guess when that does not come back.
   */
  leave(): void {
    this.#cells[this.#at + WORKER.rests]!++
  }

  /** The thread is about to sleep. */
  idle(): void {
    this.#cells[this.#at + WORKER.isBusy] = 0
  }
}

/** Where the header of message number `count` stands, for a worker at `at`. */
const headerAt = (at: number, count: number): number =>
  at + WORKER.last + (count & (LAST_MESSAGES - 1)) * HEADER.CELLS

export interface StuckWorker {
  readonly worker: number
  readonly source: number
  readonly destination: number
  readonly version: number
  /** Skynet's log line, and what kind of message it is. */
  readonly text: string
}

/** The watcher's side: on the main thread. */
export class BusyWatch {
  readonly #cells: Int32Array
  readonly #seen: Int32Array
  /** For how many rounds each has been held, since the last report of it. */
  readonly #held: Float64Array

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.#cells = new Int32Array(memory)
    this.#seen = new Int32Array(workers).fill(-1)
    this.#held = new Float64Array(workers)
  }

  /**
   * Workers that have been busy with the same message for `rounds` checks; again after as many,
   * while it lasts.
   *
   * @param share How much of the time since the last check a worker was held, 0..1: asked of those
   * that did not come back meanwhile.
   */
  check(rounds = 1, share: (worker: number) => number = () => 1): StuckWorker[] {
    const stuck: StuckWorker[] = []
    for (let worker = 0; worker < this.#seen.length; worker++) {
      const at = worker * WORKER.CELLS
      const count = Atomics.load(this.#cells, at + WORKER.count)
      const version = this.#versionOf(at)
      const isBusy = Atomics.load(this.#cells, at + WORKER.isBusy) === 1
      const isSame = isBusy && version === this.#seen[worker]
      const held = isSame ? this.#held[worker]! + share(worker) : 0
      this.#held[worker] = held < rounds ? held : 0
      if (held >= rounds) {
        const header = headerAt(at, count - 1)
        const source = this.#cells[header + HEADER.source]! >>> 0
        const destination = this.#cells[header + HEADER.destination]! >>> 0
        const pair = `from [ ${formatHandle(source)} ] to [ ${formatHandle(destination)} ]`
        const what = this.#messageOf(header)
        const text = `A message ${pair} maybe in an endless loop (version = ${version}, ${what})`
        stuck.push({ worker, source, destination, version, text })
      }
      this.#seen[worker] = isBusy ? version : -1
    }
    return stuck
  }

  /**
   * The last messages and tasks of a worker, also of one that has ended, the latest at the end:
   * `LUA, session 7, from :0000000a to :0000000b`.
   */
  lastMessages(worker: number): string[] {
    const at = worker * WORKER.CELLS
    const count = Atomics.load(this.#cells, at + WORKER.count)
    // Under load the latest one may be half written: nobody waits for the reader.
    return Array.from({ length: Math.min(count >>> 0, LAST_MESSAGES) }, (_, back) => {
      const header = headerAt(at, count - 1 - back)
      const source = formatHandle(this.#cells[header + HEADER.source]! >>> 0)
      const destination = formatHandle(this.#cells[header + HEADER.destination]! >>> 0)
      return `${this.#messageOf(header)}, from ${source} to ${destination}`
    }).reverse()
  }

  /** Has a worker that `check` found not come back since? */
  isStill({ worker, version }: StuckWorker): boolean {
    return this.#versionOf(worker * WORKER.CELLS) === version
  }

  #versionOf(at: number): number {
    const count = Atomics.load(this.#cells, at + WORKER.count)
    return (count + Atomics.load(this.#cells, at + WORKER.rests)) | 0
  }

  /** What is in the cells of a worker that is gone says nothing of the next one. */
  forget(worker: number): void {
    this.#cells.fill(0, worker * WORKER.CELLS, (worker + 1) * WORKER.CELLS)
    this.#seen[worker] = -1
  }

  #messageOf(header: number): string {
    const type = this.#cells[header + HEADER.type]!
    if (type === NO_MESSAGE) return 'a task'
    const session = this.#cells[header + HEADER.session]! >>> 0
    return `${TYPE_NAMES.get(type) ?? type}, session ${session}`
  }
}
