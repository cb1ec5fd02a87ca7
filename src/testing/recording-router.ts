/** The router of a node, which also notes what it was given. */
import { Router, type RouterOptions } from '../kernel/router.ts'
import type { TracedValue } from '../service/trace.ts'
import { copy } from '../wire/copy.ts'
import { PTYPE } from '../wire/ptype.ts'

/** A call or a send from one service to another. */
export interface SentMessage {
  /** Handles. */
  readonly from: number
  readonly to: number
  readonly method: string
  readonly args: readonly unknown[]
  /** False: a send, nobody waits for an answer. */
  readonly isCall: boolean
}

export class RecordingRouter extends Router {
  readonly #onSent: (message: SentMessage) => void

  constructor(options: RouterOptions, onSent: (message: SentMessage) => void) {
    super(options)
    this.#onSent = onSent
  }

  override send(
    type: number,
    to: number,
    from: number,
    session: number,
    value: unknown,
    timeoutMs = 0,
  ): boolean {
    const isSent = super.send(type, to, from, session, value, timeoutMs)
    if (isSent) this.#note(type, to, from, session, value)
    return isSent
  }

  #note(type: number, to: number, from: number, session: number, value: unknown): void {
    if (type === PTYPE.TRACE) {
      const [, inner, traced] = value as TracedValue
      this.#note(inner, to, from, session, traced)
    } else if (type === PTYPE.LUA) {
      const [method, ...args] = copy(value, 'args') as [string, ...unknown[]]
      this.#onSent({ from, to, method, args, isCall: session !== 0 })
    }
  }
}
