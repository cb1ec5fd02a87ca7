/**
 * Which lines the logger has written, for the day when its worker is held or dies: no line is lost
 * in silence. Each worker keeps the lines that it sent to the logger until the logger has written
 * them. Lines of one worker arrive in order, so a number tells how far it is.
 *
 *   a row for each worker    sent │ done │ given
 *     sent − done    lines of which the logger has not said that they are written
 *     given − done   those of them that it was given: perhaps they are
 *
 * A line travels with its number and that of its worker as the session of its message, negative, so
 * that nobody takes it for a request.
 */

import { LOG_KEPT_CHARS_MAX } from '../base/limits.ts'
import { Queue } from '../base/queue.ts'
import type { Mailbox } from '../kernel/mailbox.ts'
import { layout } from '../shm/layout.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { LogLine } from './log.ts'

const HEADER = layout({
  home: 1, // where the logger is, worker + 1: that worker, when it registers; 0: main, at its death
  unused: 15,
})
/** A cache line. The numbers count up and wrap. */
const ROW = layout({
  sent: 1, // the number of the last line: that worker; of the next one in its place goes on
  done: 1, // the number up to which lines are written, or told otherwise: the logger's worker
  given: 1, // the number of the last line that a logger was given: its worker
  unused: 13,
})
/** More than there are workers. */
const WORKER_UNITS = 4096

const rowOf = (worker: number): number => HEADER.CELLS + worker * ROW.CELLS

/** Lines of a worker for a logger that is gone, in order. */
export interface TakenBack {
  /** It was given them, and has perhaps written them. */
  readonly given: readonly LogLine[]
  /** It was not given them. */
  readonly unseen: readonly LogLine[]
  /** How many older ones were not kept. */
  readonly lost: number
}

/** Every thread makes its own object over the same memory. */
export class LogLedger {
  readonly #cells: Int32Array
  readonly #worker: number
  readonly #kept = new Queue<LogLine>()
  #keptSize = 0
  /** Of the logger here, by worker: the last line that it was given. */
  #taken = new Int32Array(0)
  /** Of the logger here, by worker that died: after which line there is a gap, and up to which. */
  readonly #gaps = new Map<number, { readonly after: number; readonly to: number }>()

  static memory(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer((HEADER.CELLS + workers * ROW.CELLS) * 4)
  }

  /** @param worker Whose lines these are; the main thread has none. */
  constructor(memory: SharedArrayBuffer, worker = -1) {
    this.#cells = new Int32Array(memory)
    this.#worker = worker
  }

  // --- of a worker that sends lines ------------------------------------------------------------

  /** Keep a line that is sent now. Returns the session for its message. */
  sent(line: LogLine): number {
    const at = rowOf(this.#worker)
    const number = (this.#cells[at + ROW.sent]! + 1) | 0
    Atomics.store(this.#cells, at + ROW.sent, number)
    this.#forget(this.#unwritten(this.#worker))
    this.#kept.push(line)
    this.#keptSize += line.text.length
    while (this.#keptSize > LOG_KEPT_CHARS_MAX) this.#drop()
    return -((number >>> 0) * WORKER_UNITS + this.#worker + 1)
  }

  /** The logger is gone: what it has not said to be written. */
  takeBack(): TakenBack {
    const at = rowOf(this.#worker)
    const unwritten = this.#settle(this.#worker)
    const unseen = (this.#cells[at + ROW.sent]! - Atomics.load(this.#cells, at + ROW.given)) | 0
    this.#forget(unwritten)
    const lost = unwritten - this.#kept.length
    const lines: LogLine[] = []
    while (this.#kept.length > 0) lines.push(this.#drop())
    return { given: lines.splice(0, Math.max(0, lines.length - unseen)), unseen: lines, lost }
  }

  #forget(unwritten: number): void {
    while (this.#kept.length > unwritten) this.#drop()
  }

  #drop(): LogLine {
    const line = this.#kept.shift()!
    this.#keptSize -= line.text.length
    return line
  }

  // --- of the worker where the logger is -------------------------------------------------------

  /** The logger has its name. */
  settleHere(): void {
    this.#taken = Int32Array.from(
      this.#workers(),
      (worker) => this.#cells[rowOf(worker) + ROW.done]!,
    )
    this.#gaps.clear()
    Atomics.store(this.#cells, HEADER.home, this.#worker + 1)
  }

  /** The logger is given the line of this session. */
  taken(session: number): void {
    const worker = workerOf(session)
    const number = numberOf(session)
    this.#taken[worker] = number
    Atomics.store(this.#cells, rowOf(worker) + ROW.given, number)
  }

  /** That line is written. */
  written(session: number): void {
    this.#done(workerOf(session), numberOf(session))
  }

  #done(worker: number, number: number): void {
    const at = rowOf(worker) + ROW.done
    const gap = this.#gaps.size === 0 ? undefined : this.#gaps.get(worker)
    const upTo = gap?.after === number ? gap.to : number
    for (;;) {
      const done = Atomics.load(this.#cells, at)
      // A logger that awaits may be done with a later one first.
      if (((upTo - done) | 0) <= 0) return
      // The sender may take its lines back in this moment: what it has told is not undone.
      if (Atomics.compareExchange(this.#cells, at, done, upTo) === done) return
    }
  }

  /**
   * A worker died that had sent `sent` lines: how many of them will never come. All that will are
   * in the mailbox of the logger, or were.
   */
  missing(worker: number, sent: number, mailbox: Mailbox | undefined): number {
    let last = this.#taken[worker]!
    mailbox?.some(({ type, session }) => {
      if (type !== PTYPE.TEXT || session >= 0 || workerOf(session) !== worker) return false
      // Another worker in its place may have said something by now.
      if (((sent - numberOf(session)) | 0) >= 0) last = numberOf(session)
      return false
    })
    const missing = (sent - last) | 0
    if (missing <= 0) return 0
    this.#gaps.set(worker, { after: last, to: sent })
    this.#done(worker, this.#cells[rowOf(worker) + ROW.done]!)
    return missing
  }

  // --- of the main thread ----------------------------------------------------------------------

  /**
   * A worker died. Returns the number of its last line, and how many lines went with it: its own,
   * and of others that died before.
   */
  buried(
    worker: number,
    isAlive: (worker: number) => boolean,
  ): { readonly sent: number; readonly lost: number } {
    const sent = Atomics.load(this.#cells, rowOf(worker) + ROW.sent)
    const home = Atomics.load(this.#cells, HEADER.home) - 1
    // The logger elsewhere goes on with what it has got, and knows what it has not.
    if (home >= 0 && home !== worker) return { sent, lost: 0 }
    Atomics.store(this.#cells, HEADER.home, 0)
    const dead = [...this.#workers()].filter((each) => each === worker || !isAlive(each))
    return { sent, lost: dead.reduce((sum, each) => sum + this.#settle(each), 0) }
  }

  /** Lines of all workers that nobody has written. */
  get unwritten(): number {
    let count = 0
    for (const worker of this.#workers()) count += this.#unwritten(worker)
    return count
  }

  *#workers(): Generator<number> {
    for (let worker = 0; rowOf(worker) < this.#cells.length; worker++) yield worker
  }

  #unwritten(worker: number): number {
    const at = rowOf(worker)
    // In this order: what is written was sent before.
    const done = Atomics.load(this.#cells, at + ROW.done)
    return (Atomics.load(this.#cells, at + ROW.sent) - done) | 0
  }

  /** Count all lines of a worker as dealt with. Returns how many were not. */
  #settle(worker: number): number {
    const at = rowOf(worker)
    const sent = Atomics.load(this.#cells, at + ROW.sent)
    return (sent - Atomics.exchange(this.#cells, at + ROW.done, sent)) | 0
  }
}

const workerOf = (session: number): number => (-session - 1) % WORKER_UNITS
const numberOf = (session: number): number => Math.floor((-session - 1) / WORKER_UNITS) | 0
