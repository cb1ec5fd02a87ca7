/**
 * A service of which the setup is under way: what it has only until that is done. Most of the life
 * of a service comes after it, and there may be many that wait.
 */
import type { Message } from '../kernel/message.ts'

/** Of what few services have. */
export const NONE: readonly never[] = []

/** A service whose setup is under way. */
export interface WaitingSetup {
  readonly url: string
  readonly handle: number
  readonly isUnique: boolean
}

export class Setup {
  /** Those that wait for this one, each for the next. */
  readonly waitingFor: readonly WaitingSetup[]
  /** A task of its author beside it has begun: a fork, a timer, a subscriber. */
  isBranched = false
  /** Told when the service has ended by itself, or was killed, before its setup was done. */
  onEnded: (() => void) | undefined
  #early: Message[] | undefined

  constructor(waitingFor: readonly WaitingSetup[] = NONE) {
    this.waitingFor = waitingFor
  }

  /** A request that came meanwhile. */
  keep(message: Message): void {
    this.#early ??= []
    this.#early.push(message)
  }

  /** It is answered otherwise. False: there is no such request. */
  drop(source: number, session: number): boolean {
    const at = this.#early?.findIndex((each) => each.source === source && each.session === session)
    if (at === undefined || at < 0) return false
    this.#early!.splice(at, 1)
    return true
  }

  /** The requests that came meanwhile, in order: they are the caller's from now on. */
  takeEarly(): readonly Message[] {
    const early = this.#early ?? NONE
    this.#early = undefined
    return early
  }
}
