/** A timeout of a service. It ends with the service. */
import { ListNode } from '../base/list.ts'
import type { TimerNode } from '../kernel/wheel.ts'

/** What a timeout needs of its service. */
export interface TimerHost {
  removeTimer(timer: Timer): void
}

export class Timer extends ListNode {
  readonly #host: TimerHost
  /** Set right after construction: the wheel's node calls back into this timer. */
  node: TimerNode | undefined

  constructor(host: TimerHost) {
    super()
    this.#host = host
  }

  /** Still to come. */
  get pending(): boolean {
    return this.node?.pending ?? false
  }

  /** It will not fire. Harmless when it has fired already. */
  cancel(): void {
    if (!this.pending) return
    this.node?.cancel()
    this.#host.removeTimer(this)
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}
