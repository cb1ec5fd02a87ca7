/** What a thread has reported, for those who wait for it or have asked it. Of the main thread. */
import { SkynetError } from '../../base/errors.ts'
import { messageOf } from '../../base/thrown.ts'
import type { Report } from '../protocol.ts'
import { within } from './within.ts'

/** Who waits for a report. Told once: `look` says whether that was it. */
interface Waiting {
  readonly look: (report: Report) => boolean
  /** The thread is over. */
  readonly end: () => void
}

/** Those of one thread. */
export class Answers {
  readonly #thread: string
  readonly #waiting = new Set<Waiting>()
  /** Questions that it has not answered yet, by what the answer is called. */
  readonly #asked = new Set<Report['kind']>()
  /** It is over. */
  #isOver = false
  #fault: unknown

  constructor(thread: string) {
    this.#thread = thread
  }

  heard(report: Report): void {
    this.#asked.delete(report.kind)
    for (const waiting of this.#waiting) {
      if (waiting.look(report)) this.#waiting.delete(waiting)
    }
  }

  /** Nothing more will be heard. */
  over(fault: unknown): void {
    this.#isOver = true
    this.#fault = fault
    for (const { end } of this.#waiting) end()
    this.#waiting.clear()
  }

  /**
   * The next report of one of these kinds.
   *
   * @throws {SkynetError} `ERR_THREAD_DIED` when the thread ends before.
   */
  next(...kinds: readonly Report['kind'][]): Promise<Report> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        const info = { thread: this.#thread, reason: messageOf(this.#fault) }
        reject(new SkynetError('ERR_THREAD_DIED', info, { cause: this.#fault }))
      }
      const look = (report: Report): boolean => {
        const isIt = kinds.includes(report.kind)
        if (isIt) resolve(report)
        return isIt
      }
      if (this.#isOver) end()
      else this.#waiting.add({ look, end })
    })
  }

  /**
   * Ask a question. A thread that has not answered the one before is not asked again, whose answer
   * is then that of both: one that is held gets no more mail, however often it is asked.
   *
   * @param answer What the report is called.
   * @param put Tells the thread the question.
   * @returns Undefined: no answer within `ms`, or the thread is over. Nothing of the wait is left.
   */
  async ask<K extends Report['kind']>(
    answer: K,
    ms: number,
    put: () => void,
  ): Promise<(Report & { kind: K }) | undefined> {
    if (this.#isOver) return undefined
    let found: (Report & { kind: K }) | undefined
    let waiting!: Waiting
    const isOver = new Promise<void>((end) => {
      const look = (report: Report): boolean => {
        if (report.kind !== answer) return false
        found = report as Report & { kind: K }
        end()
        return true
      }
      waiting = { look, end }
    })
    this.#waiting.add(waiting)
    if (!this.#asked.has(answer)) {
      this.#asked.add(answer)
      put()
    }
    await within(ms, isOver)
    this.#waiting.delete(waiting)
    return found
  }
}
