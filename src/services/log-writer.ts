/**
 * Writes the lines of the logger to a file or to standard output, all lines of a turn in one write,
 * on the threads that Node.js has for that. The file may be replaced meanwhile: what is being
 * written still goes to the old one, what waits to the new one.
 */
import { closeSync, write as writeFd } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setImmediate } from '../base/event-loop.ts'
import { LineWriter } from '../base/line-writer.ts'
import { STDOUT, withoutWaiting } from '../base/output.ts'
import { LOG_FLAGS } from '../base/own-file.ts'

export interface LogWriterOptions {
  /** Told once when writing begins to fail. */
  readonly onFault: (text: string) => void
  /** An error of the logger itself, as it stands in the log. */
  readonly entryOf: (text: string) => string
}

export class LogWriter {
  readonly #file: string | undefined
  readonly #lines: LineWriter
  readonly #stdout: number
  #target: FileHandle | undefined
  /** Takes the place of `#target` before the next write. */
  #reopened: FileHandle | undefined

  static async open(file: string | undefined, options: LogWriterOptions): Promise<LogWriter> {
    return new LogWriter(
      file,
      file === undefined ? undefined : await open(file, LOG_FLAGS),
      options,
    )
  }

  private constructor(
    file: string | undefined,
    target: FileHandle | undefined,
    { onFault, entryOf }: LogWriterOptions,
  ) {
    this.#file = file
    this.#target = target
    this.#stdout = file === undefined ? withoutWaiting(STDOUT) : STDOUT
    this.#lines = new LineWriter({
      write: (bytes, done) => {
        this.#exchange()
        writeFd(this.#target?.fd ?? this.#stdout, bytes, done)
      },
      begin: setImmediate,
      onFault: (error) => onFault(`cannot write to ${file ?? 'standard output'}: ${error.message}`),
      entryOf,
    })
  }

  /** Resolves when the line is written, or counted as dropped. */
  add(line: string): Promise<void> {
    this.#lines.addLine(line)
    return this.#lines.settled()
  }

  /** Open the file anew: it was renamed. When it cannot be opened, the old one stays. */
  async reopen(): Promise<void> {
    if (this.#file === undefined) return
    const fresh = await open(this.#file, LOG_FLAGS)
    const unused = this.#reopened
    this.#reopened = fresh
    if (this.#lines.isIdle) this.#exchange()
    await unused?.close()
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await this.#lines.idle()
    await this.#target?.close()
    if (this.#stdout !== STDOUT) closeSync(this.#stdout)
  }

  #exchange(): void {
    if (this.#reopened === undefined) return
    void this.#target?.close().catch(() => {})
    this.#target = this.#reopened
    this.#reopened = undefined
  }
}
