/** The monitor thread of Skynet, as a timer of the main thread: it says who does not come back. */
import { clearInterval, monotonicNow, setInterval } from '../../base/event-loop.ts'
import type { BusyWatch, StuckWorker } from '../../kernel/busy.ts'
import type { Handles } from '../../kernel/handles.ts'
import { stackOn } from './stack.ts'
import type { Thread } from './thread.ts'
import { heldShare, type Turns, turnsOf } from './turns.ts'

/** Between two looks. A handler is reported at most two of these later than it should be. */
const CHECK_MS_MAX = 500
/** Looks within the limit, at least: the first one counts in full, whatever happened before it. */
const ROUNDS_MIN = 4

export interface WatchOptions {
  readonly monitor: BusyWatch
  readonly handles: Handles
  /** How long a handler may hold its worker, in milliseconds; 0: for ever. */
  readonly limitMs: number
  readonly action: 'keep' | 'kill'
  /** How long to wait for the stack. */
  readonly stackMs: number
  readonly threadOf: (worker: number) => Thread | undefined
  readonly print: (text: string) => void
}

export class Watch {
  readonly #options: WatchOptions
  #timer: NodeJS.Timeout | undefined
  /** Workers whose stack is being taken. */
  readonly #looking = new Set<number>()
  /** What was found at the last look of those that had not come back, by number. */
  readonly #turns = new Map<number, { readonly look: number; readonly turns: Turns | undefined }>()
  #look = 0
  #lookedAt = 0

  constructor(options: WatchOptions) {
    this.#options = options
  }

  start(): void {
    const { limitMs } = this.#options
    if (limitMs === 0) return
    this.#lookedAt = monotonicNow()
    const rounds = Math.max(ROUNDS_MIN, Math.ceil(limitMs / CHECK_MS_MAX))
    // Timers have no parts of milliseconds.
    const periodMs = Math.max(1, Math.ceil(limitMs / rounds))
    this.#timer = setInterval(() => this.#check(rounds, periodMs), periodMs)
    this.#timer.unref()
  }

  #check(rounds: number, periodMs: number): void {
    const { monitor, handles, threadOf } = this.#options
    const now = monotonicNow()
    const elapsedMs = now - this.#lookedAt
    this.#lookedAt = now
    this.#look++
    const share = (worker: number): number => {
      const last = this.#turns.get(worker)
      const before = last?.look === this.#look - 1 ? last.turns : undefined
      const turns = turnsOf(threadOf(worker)?.systemId ?? 0)
      this.#turns.set(worker, { look: this.#look, turns })
      return heldShare(periodMs, elapsedMs, before, turns)
    }
    for (const stuck of monitor.check(rounds, share)) {
      handles.markEndless(stuck.destination)
      void this.#report(stuck)
    }
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
    const thread = threadOf(worker)
    if (thread === undefined || this.#looking.has(worker)) return
    this.#looking.add(worker)
    try {
      const stack = await stackOn(thread.worker, stackMs)
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
