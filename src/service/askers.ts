/** Who waits for the answer of a service, of those that keep their askers: see keeper.ts. */
import type { Message } from '../kernel/message.ts'

/** Askers before the first look for some that are gone; then after each doubling. */
const ASKERS_BEFORE_LOOK = 64

/** Who asked, and under which session: for who gives up, see `RequestTraits`. */
export const askerOf = ({ source, session }: Pick<Message, 'source' | 'session'>): string =>
  `${source} ${session}`

/** What Askers need of their service. */
export interface AskersHost {
  /** Is there a service of that handle? */
  isAlive(handle: number): boolean
}

/** By `askerOf`, in the order they came. Whoever goes with its worker does not say so. */
export class Askers<T extends { readonly source: number }> {
  readonly #host: AskersHost
  readonly #end: (asked: T) => void
  readonly #all = new Map<string, T>()
  #lookAt = ASKERS_BEFORE_LOOK

  /** @param end Answers one that waits no more, which goes nowhere, and has it deleted. */
  constructor(host: AskersHost, end: (asked: T) => void) {
    this.#host = host
    this.#end = end
  }

  get(asker: string): T | undefined {
    return this.#all.get(asker)
  }

  values(): Iterable<T> {
    return this.#all.values()
  }

  add(asker: string, asked: T): void {
    if (this.#all.size >= this.#lookAt) this.dropDead()
    this.#all.set(asker, asked)
  }

  delete(asker: string): void {
    this.#all.delete(asker)
  }

  /** Nobody waits under that session any more. */
  giveUp(source: number, session: number): void {
    const asked = this.#all.get(askerOf({ source, session }))
    if (asked !== undefined) this.#end(asked)
  }

  dropDead(): void {
    for (const asked of [...this.#all.values()]) {
      if (!this.#host.isAlive(asked.source)) this.#end(asked)
    }
    this.#lookAt = Math.max(ASKERS_BEFORE_LOOK, this.#all.size * 2)
  }
}
