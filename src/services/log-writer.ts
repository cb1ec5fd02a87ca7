/**
 * Writes lines to a descriptor: one write at a time, all lines of a turn in one. The file may be
 * replaced meanwhile: what is being written still goes to the old one, what waits to the new one.
 */
import { write as writeFd } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setImmediate, setTimeout } from '../base/event-loop.ts'

/** Bytes that may wait for a slow disk or terminal; beyond, lines are dropped and counted. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024
const STDOUT = 1
/** Until a pipe that is full is tried again. */
const RETRY_MS = 10

export interface LogWriterOptions {
  /** Told once when writing begins to fail. */
  readonly onFault: (text: string) => void
  /** An error of the logger itself, as it stands in the log. */
  readonly entryOf: (text: string) => string
}

export class LogWriter {
  readonly #file: string | undefined
  readonly #options: LogWriterOptions
  #target: FileHandle | undefined
  /** Takes the place of `#target` before the next write. */
  #reopened: FileHandle | undefined
  #waiting = ''
  #dropped = 0
  #isWriting = false
  #hasFailed = false
  #onIdle: (() => void) | undefined

  static async open(file: string | undefined, options: LogWriterOptions): Promise<LogWriter> {
    return new LogWriter(file, file === undefined ? undefined : await open(file, 'a'), options)
  }

  private constructor(
    file: string | undefined,
    target: FileHandle | undefined,
    options: LogWriterOptions,
  ) {
    this.#file = file
    this.#target = target
    this.#options = options
  }

  add(line: string): void {
    if (this.#waiting.length > WAITING_BYTES_MAX) {
      this.#dropped++
      return
    }
    this.#waiting += `${line}\n`
    if (this.#isWriting) return
    this.#isWriting = true
    // One write for all lines of this turn.
    setImmediate(this.#next)
  }

  /** Open the file anew: it was renamed. When it cannot be opened, the old one stays. */
  async reopen(): Promise<void> {
    if (this.#file === undefined) return
    const fresh = await open(this.#file, 'a')
    const unused = this.#reopened
    this.#reopened = fresh
    if (!this.#isWriting) this.#exchange()
    await unused?.close()
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    if (this.#isWriting) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    await this.#target?.close()
  }

  #exchange(): void {
    if (this.#reopened === undefined) return
    void this.#target?.close().catch(() => {})
    this.#target = this.#reopened
    this.#reopened = undefined
  }

  readonly #next = (): void => {
    this.#exchange()
    if (this.#dropped > 0) {
      this.#waiting += `${this.#options.entryOf(`${this.#dropped} lines were dropped`)}\n`
      this.#dropped = 0
    }
    this.#isWriting = this.#waiting !== ''
    if (!this.#isWriting) {
      this.#onIdle?.()
      return
    }
    const bytes = Buffer.from(this.#waiting)
    this.#waiting = ''
    this.#write(bytes)
  }

  #write(bytes: Buffer): void {
    writeFd(this.#target?.fd ?? STDOUT, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#write(bytes), RETRY_MS)
        return
      }
      if (error === null && written < bytes.length) {
        this.#write(bytes.subarray(written))
        return
      }
      if (error !== null && !this.#hasFailed) {
        this.#options.onFault(
          `cannot write to ${this.#file ?? 'standard output'}: ${error.message}`,
        )
      }
      this.#hasFailed = error !== null
      this.#next()
    })
  }
}
