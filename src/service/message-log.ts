/** A file with every message that a service gets, for debugging: Skynet's LOGON. */
import { closeSync, constants, writeSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { formatHandle, SkynetError } from '../base/errors.ts'
import { isoTime } from '../base/event-loop.ts'
import { openOwn } from '../base/own-file.ts'
import { messageOf } from '../base/thrown.ts'
import type { Message } from '../kernel/message.ts'
import { escapedLine } from './log.ts'

/** A payload is one line, as `console.log` shows it, and of bounded length. */
const SHOWN = { breakLength: Number.POSITIVE_INFINITY, depth: 8, maxStringLength: 1000 }

export class MessageLog {
  readonly #fd: number
  readonly #now: () => number

  /**
   * Append to `<folder>/<handle>.log`.
   *
   * @throws {SkynetError} `ERR_MESSAGE_LOG`.
   */
  constructor(folder: unknown, handle: number, now: () => number) {
    const name = `${formatHandle(handle).slice(1)}.log`
    try {
      if (typeof folder !== 'string') throw new Error(`env 'logpath' names no folder`)
      this.#fd = openOwn(join(folder, name), constants.O_WRONLY | constants.O_APPEND)
    } catch (error) {
      throw new SkynetError('ERR_MESSAGE_LOG', { file: name, reason: messageOf(error) })
    }
    this.#now = now
    this.#line(`open time: ${this.#at} ${isoTime()}`)
  }

  /** Before it is handled, and at once: of a crash, this is the last that is known. */
  write({ source, type, session, value }: Message): void {
    let shown: string
    try {
      shown = inspect(value, SHOWN)
    } catch {
      shown = 'a value that cannot be printed'
    }
    this.#line(`${formatHandle(source)} ${type} ${session} ${this.#at} ${escapedLine(shown)}`)
  }

  close(): void {
    this.#line(`close time: ${this.#at}`)
    closeSync(this.#fd)
  }

  get #at(): string {
    return this.#now().toFixed(3)
  }

  #line(text: string): void {
    try {
      writeSync(this.#fd, `${text}\n`)
    } catch {
      // A full disk ends no service.
    }
  }
}
