/** Crash reports of a node, and what its living threads add to them. Of the main thread. */
import type { CrashReporter, ThreadState } from './crash-report.ts'
import { stackOn } from './stack.ts'
import type { Thread } from './thread.ts'

/** What reporting needs of its node. */
export interface ReportingHost {
  readonly crashes: Pick<CrashReporter, 'isOn' | 'begin'>
  /** How long a worker may take to tell its mailboxes, in milliseconds. */
  readonly inspectMs: number
  /** How long a thread may take to tell where it is, in milliseconds. */
  readonly stackMs: number
  workers(): readonly Thread[]
}

export class Reporting {
  readonly #node: ReportingHost
  #done: Promise<unknown> = Promise.resolve()

  constructor(node: ReportingHost) {
    this.#node = node
  }

  /** Resolves when all reports that have begun are written. */
  get done(): Promise<unknown> {
    return this.#done
  }

  /** A thread died. Living workers are asked at once, before they are told anything else. */
  begin(thread: string, cause: unknown): void {
    this.#done = Promise.all([this.#done, this.#report(thread, cause)])
  }

  async #report(thread: string, cause: unknown): Promise<void> {
    const node = this.#node
    if (!node.crashes.isOn) return
    const report = node.crashes.begin(thread, cause)
    report.write(await Promise.all(node.workers().map((each) => this.#inspect(each))))
  }

  async #inspect(thread: Thread): Promise<ThreadState> {
    const { inspectMs, stackMs } = this.#node
    const answer = await thread.ask({ kind: 'inspect' }, 'inspected', inspectMs)
    if (answer !== undefined) return { thread: thread.name, mailboxes: answer.mailboxes }
    if (thread.hasEnded) return { thread: thread.name }
    return { thread: thread.name, stack: await stackOn(thread.worker, stackMs) }
  }
}
