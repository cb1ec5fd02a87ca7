/**
 * Descriptors that the main thread holds back. When others have taken all that there are, a thread
 * that starts while the node runs can still begin with these. Of the main thread.
 */
import type { Clock } from '../../base/clock.ts'
import { SkynetError } from '../../base/errors.ts'
import { clearTimeout, setTimeout } from '../../base/event-loop.ts'
import type { Os } from '../../os/os.ts'

/** The event loop of a thread needs 4; modules are read several at once, and the log is a file. */
const DESCRIPTORS = 16

/** A worker that runs again launches the logger, which opens its files. */
const TAKE_MS = 1000
/** Longest that clients wait while a thread starts: one that is stuck must not keep them away. */
const HOLD_MS_MAX = 2000

export class Reserve {
  readonly #os: Os
  readonly #holdClients: (isHeld: boolean) => void
  #timer: NodeJS.Timeout | undefined
  readonly #fds: number[] = []
  /** Threads that start with them now. */
  #starts = 0
  #isClosed = false

  /** @param holdClients While they wait, none takes a descriptor that becomes free. */
  constructor(os: Os, holdClients: (isHeld: boolean) => void) {
    this.#os = os
    this.#holdClients = holdClients
  }

  /** Hold back as many as there should be, or as there are; none while a thread needs them. */
  take(): void {
    if (this.#isClosed || this.#starts > 0) return
    this.#fds.push(...this.#open(DESCRIPTORS - this.#fds.length))
  }

  #open(most: number): number[] {
    const fds: number[] = []
    for (let fd = 0; fds.length < most; fds.push(fd)) {
      fd = this.#os.reserveFd()
      if (fd < 0) break
    }
    return fds
  }

  /** Take them when what has begun with them has had the time to. */
  takeLater(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.take(), TAKE_MS).unref()
  }

  /**
   * Start a thread, with them when there are too few others: that is looked at before, as a thread
   * that finds none says odd things, and also what it says is looked at.
   *
   * @param start Resolves with the thread, or with why there is none.
   * @param isWanted False: there is no reason any more to try that again.
   */
  async start<T>(
    start: () => Promise<T | SkynetError<'ERR_THREAD_DIED'>>,
    isWanted: () => boolean,
  ): Promise<T | SkynetError<'ERR_THREAD_DIED'>> {
    if (!this.isNeeded()) {
      const found = await start()
      const isShort = found instanceof SkynetError && isOfDescriptors(found.cause)
      if (!isShort || !isWanted()) return found
    }
    return this.lend(start)
  }

  /** A thread that starts now may find too few: asked before, as one that does says odd things. */
  isNeeded(): boolean {
    const spare = this.#open(DESCRIPTORS)
    for (const fd of spare) this.#os.close(fd)
    return spare.length < DESCRIPTORS
  }

  /** Start a thread with them. Clients wait until all threads that start so have, or have not. */
  async lend<T>(start: () => Promise<T>): Promise<T> {
    this.#starts++
    this.#holdClients(true)
    this.#release()
    try {
      return await start()
    } finally {
      this.#starts--
      if (this.#starts === 0) this.#holdClients(false)
    }
  }

  /** They are for whoever takes them now. */
  #release(): void {
    clearTimeout(this.#timer)
    for (const fd of this.#fds.splice(0)) this.#os.close(fd)
  }

  /** The node is over: nothing is taken any more, by whoever still waited for something of it. */
  close(): void {
    this.#isClosed = true
    this.#release()
  }
}

/**
 * Lets the socket thread accept nobody, or again: clients would take each descriptor that becomes
 * free before a thread that starts does.
 *
 * @param cell `acceptsHeld` of the node's memory.
 */
export function acceptsHolder(cell: SharedArrayBuffer, clock: Clock): (isHeld: boolean) => void {
  const cells = new Int32Array(cell)
  return (isHeld) => {
    const until = (clock.now() + HOLD_MS_MAX) | 0
    // 0 is that none is held.
    Atomics.store(cells, 0, isHeld ? until || 1 : 0)
  }
}

/** True of an error that says that there are no more descriptors at the moment. */
export const isOfDescriptors = (error: unknown): boolean =>
  /\b(EMFILE|ENFILE)\b|too many open files/i.test(textOf(error))

/** True of an error that says what the process, or the system, has no more of at the moment. */
export const isShortage = (error: unknown): boolean =>
  isOfDescriptors(error) || /\b(ERR_WORKER_INIT_FAILED|EAGAIN|ENOMEM)\b/.test(textOf(error))

function textOf(error: unknown): string {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  return `${code} ${message}`
}
