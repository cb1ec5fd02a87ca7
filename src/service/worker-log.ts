/** The lines that one worker says: to the logger, or to where lines go while there is none. */
import { wallNow } from '../base/event-loop.ts'
import type { Mailbox } from '../kernel/mailbox.ts'
import type { Names } from '../kernel/names.ts'
import type { Router } from '../kernel/router.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { LogLevel, LogLine } from './log.ts'
import type { LogLedger } from './log-ledger.ts'

export interface WorkerLogOptions {
  readonly names: Names
  readonly ledger: LogLedger
  /** Where lines go while there is no logger. */
  readonly fallback: (line: LogLine) => void
}

export class WorkerLog {
  readonly #options: WorkerLogOptions
  #router: Router | undefined
  /** To whom the last line went. */
  #logger = 0

  constructor(options: WorkerLogOptions) {
    this.#options = options
  }

  /** The router itself may have something to say, so it comes later. */
  connect(router: Router): void {
    this.#router = router
  }

  /** @param title Of the service in whose name it is said; empty: it has none. */
  say(level: LogLevel, handle: number, text: string, title: string): void {
    const line: LogLine = { at: wallNow(), level, handle, title, text }
    const { ledger, fallback } = this.#options
    const { logger } = this
    if (logger !== this.#logger) {
      this.bringBack()
      this.#logger = logger
    }
    // A fault of the logger itself would only be its next fault.
    if (logger === 0 || handle === logger || this.#router === undefined) fallback(line)
    else if (!this.#router.send(PTYPE.TEXT, logger, handle, ledger.sent(line), line)) {
      // It ended in this moment.
      this.bringBack()
    }
  }

  /** Handle; 0: there is none. */
  get logger(): number {
    return this.#options.names.query('.logger')
  }

  /**
   * What the logger has not said to be written, and never will: to where lines go while there is
   * none. A line before them says what they are.
   */
  bringBack(): void {
    const { ledger, fallback } = this.#options
    const { given, unseen, lost } = ledger.takeBack()
    const follow = ({ length }: { readonly length: number }): string =>
      length === 1 ? '1 line follows' : `${length} lines follow`
    const note = (text: string): void =>
      fallback({ at: wallNow(), level: 'error', handle: 0, title: '', text })
    if (lost > 0) note(`${lost} older lines were lost, unless the logger has written them`)
    if (given.length > 0) {
      note(`${follow(given)} that the logger got: perhaps in the log as well`)
    }
    for (const line of given) fallback(line)
    if (unseen.length > 0) note(`${follow(unseen)} that the logger did not get`)
    for (const line of unseen) fallback(line)
  }

  /** A worker died, with those services: perhaps with the logger that had our lines. */
  workerDied(handles: readonly number[]): void {
    if (handles.includes(this.#logger)) this.bringBack()
  }

  /** Of a worker that died, lines for the logger here, which has that mailbox, never left it. */
  missed(worker: number, sent: number, thread: string, mailbox: Mailbox | undefined): void {
    const missing = this.#options.ledger.missing(worker, sent, mailbox)
    if (missing > 0) this.say('error', 0, `${missing} lines of ${thread} were lost with it`, '')
  }

  /** The log file was renamed: let the logger open it anew. */
  reopen(): void {
    this.#router?.send(PTYPE.SYSTEM, this.logger, 0, 0, null)
  }
}
