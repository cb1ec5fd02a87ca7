/**
 * Watches for handlers that do not come back, as skynet_monitor does. Each worker counts what it
 * handles in shared cells; the main thread compares the counts from time to time.
 */
import { formatHandle } from '../base/errors.ts'
import { layout } from '../base/layout.ts'
import { PTYPE } from '../wire/ptype.ts'

/** One worker, on a cache line of its own. All written by that worker. */
const WORKER = layout({
  version: 1, // counts up with every message
  source: 1, // of the message that is, or was last, handled
  destination: 1,
  isBusy: 1, // 1 while services run
  type: 1, // of that message, one of PTYPE; NO_MESSAGE: a task, a timer or a setup
  session: 1, // its low 32 bits
  unused: 10,
})
const NO_MESSAGE = -1
const TYPE_NAMES = new Map<number, string>(
  Object.entries(PTYPE).map(([name, type]) => [type, name]),
)

export const createMonitorMemory = (workers: number): SharedArrayBuffer =>
  new SharedArrayBuffer(workers * WORKER.CELLS * 4)

/** The worker's side. Plain stores: the watcher looks seconds apart. */
export class MonitorCells {
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
    const at = this.#at
    cells[at + WORKER.version]!++
    cells[at + WORKER.source] = source
    cells[at + WORKER.destination] = destination
    cells[at + WORKER.type] = type
    cells[at + WORKER.session] = session
  }

  /**
   * The batch is over. What the services go on with after an `await` still belongs to this turn, so
   * the destination stays: it is the best guess when that does not come back.
   */
  leave(): void {
    this.#cells[this.#at + WORKER.version]!++
  }

  /** The thread is about to sleep. */
  idle(): void {
    this.#cells[this.#at + WORKER.isBusy] = 0
  }
}

export interface StuckWorker {
  readonly worker: number
  readonly source: number
  readonly destination: number
  /** Skynet's log line, and what kind of message it is. */
  readonly text: string
}

/** The watcher's side: on the main thread. */
export class Monitor {
  readonly #cells: Int32Array
  readonly #seen: Int32Array

  constructor(memory: SharedArrayBuffer, workers: number) {
    this.#cells = new Int32Array(memory)
    this.#seen = new Int32Array(workers).fill(-1)
  }

  /** Workers that were busy with the same message now and at the check before. */
  check(): StuckWorker[] {
    const stuck: StuckWorker[] = []
    for (let worker = 0; worker < this.#seen.length; worker++) {
      const at = worker * WORKER.CELLS
      const version = Atomics.load(this.#cells, at + WORKER.version)
      const isBusy = Atomics.load(this.#cells, at + WORKER.isBusy) === 1
      if (isBusy && version === this.#seen[worker]) {
        const source = this.#cells[at + WORKER.source]! >>> 0
        const destination = this.#cells[at + WORKER.destination]! >>> 0
        const pair = `from [ ${formatHandle(source)} ] to [ ${formatHandle(destination)} ]`
        const what = this.#messageOf(at)
        const text = `A message ${pair} maybe in an endless loop (version = ${version}, ${what})`
        stuck.push({ worker, source, destination, text })
      }
      this.#seen[worker] = isBusy ? version : -1
    }
    return stuck
  }

  /** What is in the cells of a worker that is gone says nothing of the next one. */
  forget(worker: number): void {
    this.#cells.fill(0, worker * WORKER.CELLS, (worker + 1) * WORKER.CELLS)
    this.#seen[worker] = -1
  }

  #messageOf(at: number): string {
    const type = this.#cells[at + WORKER.type]!
    if (type === NO_MESSAGE) return 'a task'
    const session = this.#cells[at + WORKER.session]! >>> 0
    return `${TYPE_NAMES.get(type) ?? type}, session ${session}`
  }
}
