/**
 * Descriptors that the main thread holds back. When others have taken all that there are, a thread
 * in the place of one that died can still begin with these. Of the main thread.
 */
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import type { Os } from '../os/os.ts'

/** The event loop of a thread needs 4; modules are read several at once, and the log is a file. */
const DESCRIPTORS = 16

/** A worker that runs again launches the logger, which opens its files. */
const TAKE_MS = 1000

export class Reserve {
  readonly #os: Os
  #timer: NodeJS.Timeout | undefined
  readonly #fds: number[] = []
  #isClosed = false

  constructor(os: Os) {
    this.#os = os
  }

  /** Hold back as many as there should be, or as there are. */
  take(): void {
    while (!this.#isClosed && this.#fds.length < DESCRIPTORS) {
      const fd = this.#os.reserveFd()
      if (fd < 0) return
      this.#fds.push(fd)
    }
  }

  /** Take them when what has begun with them has had the time to. */
  takeLater(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.take(), TAKE_MS).unref()
  }

  /** They are for whoever takes them now. */
  release(): void {
    clearTimeout(this.#timer)
    for (const fd of this.#fds.splice(0)) this.#os.close(fd)
  }

  /** The node is over: nothing is taken any more, by whoever still waited for something of it. */
  close(): void {
    this.#isClosed = true
    this.release()
  }
}

/** True of an error that says what the process, or the system, has no more of at the moment. */
export function isShortage(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  return /\b(ERR_WORKER_INIT_FAILED|EMFILE|ENFILE|EAGAIN|ENOMEM)\b|too many open files/i.test(
    `${code} ${message}`,
  )
}
