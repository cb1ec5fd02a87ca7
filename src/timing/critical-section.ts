/**
 * One at a time, in the order they came: Skynet's `skynet.queue`. A task that holds the section may
 * enter it again. Who holds it is known by the scope of the code (scope.ts), which is followed only
 * while somebody on this thread holds a section.
 */
import { checkFunction } from '../base/check.ts'
import {
  type Entry,
  enterScope,
  type Holder,
  leaveScopes,
  scopeNow,
  useScopes,
} from '../service/scope.ts'
import { Waiter, type WaitHost } from '../service/wait.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'

/**
 * Run `task` alone. Resolves with what the task returns, or rejects with what it throws; then the
 * next one runs. Called within a task that is inside, it runs at once.
 *
 * @throws {SkynetError} `ERR_WAIT_TIMEOUT` or `ABORT_ERR` when its turn did not come: the task has
 * not run then. Once it runs, the limits do not touch it.
 */
export type CriticalSection = <T>(
  task: () => T | PromiseLike<T>,
  options?: WaitOptions,
) => Promise<T>

/** What a section needs of its service. */
export interface SectionHost extends WaitHost {
  readonly handle: number
}

export function criticalSection(service: SectionHost): CriticalSection {
  const gate = new Gate(service)
  return (task, options) => {
    checkFunction('enter a section', 'task', task)
    checkWait('enter a section', options)
    return gate.run(task, options)
  }
}

/** It is over when the task, and all that it began in here, are done. */
class Turn implements Holder {
  users = 0
}

class Gate {
  readonly #service: SectionHost
  #turn: Turn | undefined
  /** It follows scopes: somebody is inside. */
  #hasScopes = false
  /** In the order they came. Whoever gives up is taken out, and holds up nobody. */
  readonly #waiting = new Map<Turn, Waiter<void>>()

  constructor(service: SectionHost) {
    this.#service = service
  }

  async run<T>(task: () => T | PromiseLike<T>, options: WaitOptions | undefined): Promise<T> {
    const scope = scopeNow()
    const outer = livingEntry(scope?.entry)
    const isInside = this.#isInside(outer)
    const turn = isInside ? this.#turn! : new Turn()
    try {
      if (!isInside) await this.#wait(turn, options)
    } catch (error) {
      // It may have been the end of the stack, anywhere in there: what follows needs room.
      await undefined
      this.#abandon(turn)
      throw error
    }
    turn.users++
    const { service = this.#service.handle, task: name = '', trace } = scope ?? {}
    try {
      return await enterScope({ service, task: name, entry: { holder: turn, outer }, trace }, task)
    } finally {
      turn.users--
      if (turn.users === 0) this.#leave()
    }
  }

  /** Whoever gave up has no turn, and waits for none. */
  #abandon(turn: Turn): void {
    this.#waiting.get(turn)?.resolve()
    this.#waiting.delete(turn)
    if (this.#turn === turn || this.#turn === undefined) this.#leave()
  }

  #isInside(entry: Entry | undefined): boolean {
    for (let at = entry; at !== undefined; at = at.outer) {
      if (at.holder === this.#turn) return true
    }
    return false
  }

  #wait(turn: Turn, options: WaitOptions | undefined): Promise<void> {
    const about = { kind: 'queue', what: 'its turn' } as const
    const waiter = new Waiter<void>(this.#service, about, options, () => this.#waiting.delete(turn))
    if (waiter.isOver) return waiter.promise
    this.#waiting.set(turn, waiter)
    if (this.#turn === undefined) {
      if (!this.#hasScopes) {
        useScopes()
        this.#hasScopes = true
      }
      this.#admitNext()
    }
    return waiter.promise
  }

  #leave(): void {
    this.#turn = undefined
    this.#admitNext()
    if (this.#turn !== undefined || !this.#hasScopes) return
    this.#hasScopes = false
    leaveScopes()
  }

  #admitNext(): void {
    for (const [turn, waiter] of this.#waiting) {
      this.#turn = turn
      waiter.resolve()
      return
    }
  }
}

/** What is left of the entries around: those that are over would pile up. */
function livingEntry(entry: Entry | undefined): Entry | undefined {
  let at = entry
  while (at !== undefined && at.holder.users === 0) at = at.outer
  return at
}
