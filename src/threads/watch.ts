/** The monitor thread of Skynet, as a timer of the main thread: it says who does not come back. */
import { clearInterval, setInterval } from '../base/event-loop.ts'
import type { Handles } from '../kernel/handles.ts'
import type { Monitor, StuckWorker } from '../kernel/monitor.ts'
import { stackOf } from './stack.ts'
import type { Thread } from './thread.ts'

/** A handler is reported at most so much later than it should be. */
const CHECK_MS_MAX = 1000

export interface WatchOptions {
  readonly monitor: Monitor
  readonly handles: Handles
  /** How long a handler may hold its worker, in milliseconds; 0: for ever. */
  readonly limitMs: number
  readonly action: 'keep' | 'kill'
  /** How long to wait for the stack. */
  readonly stackMs: number
  readonly threadOf: (worker: number) => Thread
  readonly print: (text: string) => void
}

export class Watch {
  readonly #options: WatchOptions
  readonly #timer: NodeJS.Timeout | undefined
  /** Workers whose stack is being taken. */
  readonly #looking = new Set<number>()

  constructor(options: WatchOptions) {
    this.#options = options
    const { limitMs } = options
    if (limitMs === 0) return
    const rounds = Math.ceil(limitMs / CHECK_MS_MAX)
    this.#timer = setInterval(() => {
      for (const stuck of options.monitor.check(rounds)) {
        options.handles.markEndless(stuck.destination)
        void this.#report(stuck)
      }
    }, limitMs / rounds)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /**
   * The line names who got the last message. After an `await` that may not be who runs: the stack
   * says where the thread is, whoever was blamed.
   */
  async #report(stuck: StuckWorker): Promise<void> {
    const { worker, text } = stuck
    const { monitor, threadOf, print, action, limitMs, stackMs } = this.#options
    if (this.#looking.has(worker)) return
    this.#looking.add(worker)
    const thread = threadOf(worker)
    try {
      const stack = await stackOf(thread.worker, stackMs)
      // Ended meanwhile: there is another in its place.
      if (threadOf(worker) !== thread) return
      if (!monitor.isStill(stuck)) {
        // The stack may be of what came next.
        print(`${text}, which has come back by now`)
        return
      }
      const where = stack.length > 0 ? `, at ${stack[0]}` : ', at a place that cannot be had'
      print([text + where, ...stack.slice(1).map((frame) => `    at ${frame}`)].join('\n'))
      if (action === 'kill') await thread.kill(`it was held for more than ${limitMs} ms`)
    } finally {
      this.#looking.delete(worker)
    }
  }
}
