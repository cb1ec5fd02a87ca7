/**
 * A service of which the setup is under way: what it has only until that is done. Most of the life
 * of a service comes after it, and there may be many that wait.
 */
import type { Message } from '../kernel/message.ts'

const NONE: readonly never[] = []

export class Setup {
  /** The services whose setups wait for this one, each for the next: URLs. */
  readonly waitingFor: readonly string[]
  /** A task of its author beside it has begun: a fork, a timer, a subscriber. */
  isBranched = false
  /** Told when the service has ended by itself, or was killed, before its setup was done. */
  onEnded: (() => void) | undefined
  #early: Message[] | undefined

  constructor(waitingFor: readonly string[] = NONE) {
    this.waitingFor = waitingFor
  }

  /** A request that came meanwhile. */
  keep(message: Message): void {
    this.#early ??= []
    this.#early.push(message)
  }

  /** The requests that came meanwhile, in order: they are the caller's from now on. */
  takeEarly(): readonly Message[] {
    const early = this.#early ?? NONE
    this.#early = undefined
    return early
  }
}
