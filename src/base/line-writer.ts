/**
 * Lines on their way to a descriptor: in order, one write at a time. The descriptor may be slow,
 * full or gone. Then lines wait in bounded memory, and what cannot be written is dropped and
 * counted. The count stands among the lines where they are missing, as soon as there is room again.
 * Nothing here throws, and nothing keeps the process alive.
 */
import { setTimeout } from './event-loop.ts'
import { OUTPUT_CHARS_MAX } from './limits.ts'

/** Until a pipe that is full is tried again. */
const FULL_RETRY_MS = 10
/** Between two tries to say how many lines were dropped. */
const FAULT_RETRY_MS = 1000
const END_OF_LINE = 10

type Text = string | Uint8Array

export interface LineWriterOptions {
  /** Write a part of `bytes` and say how much that was: before this returns, or later. */
  readonly write: (
    bytes: Uint8Array,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ) => void
  /** When the lines of a turn are written: all together, or by default each at once. */
  readonly begin?: (write: () => void) => void
  /** Calls back after so many milliseconds, and keeps nobody alive for it. */
  readonly after?: (ms: number, call: () => void) => void
  /** Told once when writing begins to fail. */
  readonly onFault: (error: Error) => void
  /** What the writer itself has to say, as it stands among the lines. */
  readonly entryOf: (text: string) => string
}

export class LineWriter {
  readonly #options: LineWriterOptions
  /** Neighbours that are strings are one string. */
  #waiting: Text[] = []
  #size = 0
  /** Not told yet: what could not be written, and what found no room to wait. */
  #lost = { failed: 0, dropped: 0 }
  #isWriting = false
  /** Of the last write. */
  #fault: Error | undefined
  /** What was written last has no end of line, as the rest of it could not be written. */
  #isTorn = false
  readonly #after: (ms: number, call: () => void) => void
  #willRetry = false
  /** Go on with the write that found the descriptor full. */
  #goOn: (() => void) | undefined
  /** Of what waits now. */
  #settled: Promise<void> | undefined
  #onSettled: (() => void) | undefined
  #whenIdle: (() => void)[] = []

  constructor(options: LineWriterOptions) {
    this.#options = options
    this.#after = options.after ?? ((ms, call) => setTimeout(call, ms).unref())
  }

  get isIdle(): boolean {
    return !this.#isWriting
  }

  get #hasLost(): boolean {
    return this.#lost.failed + this.#lost.dropped > 0
  }

  addLine(line: string): void {
    this.add(`${line}\n`)
  }

  /** Text that may end within a line, as `console.log` and others write it. */
  add(text: Text): void {
    if (this.#size > OUTPUT_CHARS_MAX) {
      this.#lost.dropped += linesIn(text)
      return
    }
    const last = this.#waiting.length - 1
    if (typeof text === 'string' && typeof this.#waiting[last] === 'string') {
      this.#waiting[last] += text
    } else this.#waiting.push(text)
    this.#size += text.length
    this.#begin()
  }

  /** Resolves when nothing waits: it is written, or counted. */
  idle(): Promise<void> {
    if (!this.#isWriting) return Promise.resolve()
    return new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  /**
   * Resolves when all that was added is written, or counted. Not when its write begins: that may
   * find the descriptor full, and what waits for room is gone with its thread.
   */
  settled(): Promise<void> {
    if (this.#size === 0) return this.idle()
    this.#settled ??= new Promise((resolve) => {
      this.#onSettled = resolve
    })
    return this.#settled
  }

  /** Whoever read the other end may have made room: go on now, and do not wait for the retry. */
  goOn(): void {
    const goOn = this.#goOn
    this.#goOn = undefined
    goOn?.()
  }

  #begin(): void {
    if (this.#isWriting) return
    this.#isWriting = true
    if (this.#options.begin === undefined) this.#next()
    else this.#options.begin(this.#next)
  }

  readonly #next = (): void => {
    // While nothing can be written the count waits for the next line, or for the retry.
    const hasNews = this.#hasLost && this.#fault === undefined
    if (this.#size > 0 || hasNews) this.#writeAll()
    else this.#rest()
  }

  #rest(): void {
    this.#isWriting = false
    if (this.#hasLost && !this.#willRetry) {
      this.#willRetry = true
      this.#after(FAULT_RETRY_MS, this.#tryAgain)
    }
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  readonly #tryAgain = (): void => {
    this.#willRetry = false
    if (this.#isWriting || !this.#hasLost) return
    this.#isWriting = true
    this.#writeAll()
  }

  /** What could not be written is told in front of what waits, what found no room behind it. */
  #writeAll(): void {
    const { failed, dropped } = this.#lost
    const why = this.#fault === undefined ? '' : `: ${this.#fault.message}`
    const head = Buffer.from((this.#isTorn ? '\n' : '') + this.#told(failed, why))
    const tail = Buffer.from(this.#told(dropped, ''))
    const parts = this.#waiting.map((each) => (typeof each === 'string' ? Buffer.from(each) : each))
    this.#waiting = []
    this.#size = 0
    this.#lost = { failed: 0, dropped: 0 }
    const onSettled = this.#onSettled
    this.#settled = undefined
    this.#onSettled = undefined
    const bytes = Buffer.concat([head, ...parts, tail])
    this.#write(bytes, (left, error) => {
      const written = bytes.length - left
      if (written > 0) this.#isTorn = bytes[written - 1] !== END_OF_LINE && left > 0
      if (written < head.length) this.#lost.failed += failed
      if (left > 0) {
        const lost = bytes.subarray(Math.max(written, head.length), bytes.length - tail.length)
        this.#lost.failed += linesIn(lost) + dropped
      }
      if (error !== undefined && this.#fault === undefined) this.#options.onFault(error)
      this.#fault = error
      onSettled?.()
      this.#next()
    })
  }

  #told(count: number, why: string): string {
    return count === 0 ? '' : `${this.#options.entryOf(`${count} lines were dropped${why}`)}\n`
  }

  /** @param done Gets how many bytes are not written, and why. */
  #write(bytes: Uint8Array, done: (left: number, error: Error | undefined) => void): void {
    this.#options.write(bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        this.#goOn = () => this.#write(bytes, done)
        this.#after(FULL_RETRY_MS, () => this.goOn())
      } else if (error !== null) done(bytes.length, error)
      else if (written < bytes.length) this.#write(bytes.subarray(written), done)
      else done(0, undefined)
    })
  }
}

/** The last one may have no end. */
function linesIn(text: Text): number {
  let count = 0
  if (typeof text === 'string') {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  } else {
    for (let at = text.indexOf(END_OF_LINE); at >= 0; at = text.indexOf(END_OF_LINE, at + 1))
      count++
  }
  const last = text.at(-1)
  return last === undefined || last === '\n' || last === END_OF_LINE ? count : count + 1
}
