/** Who waits for something of a conversation or a listener, until it can be seen. */
import { SocketWait, Waiter, type WaitHost } from '../../service/wait.ts'
import type { WaitOptions } from '../../service/wait-options.ts'

/** Undefined: not yet. It may throw. */
type Look<T> = () => T | undefined

interface Waiting {
  readonly waiter: Waiter<unknown>
  readonly look: Look<unknown>
}

export class LookWaits {
  readonly #service: WaitHost
  readonly #id: number
  /** None at first: most have at most one. */
  #waiting: Waiting[] = []

  /** @param id Of the socket, to be named in errors. */
  constructor(service: WaitHost, id: number) {
    this.#service = service
    this.#id = id
  }

  /** @param verb What stands before `socket 70000`: `receive from`. */
  until<T>(verb: string, look: Look<T>, options?: WaitOptions): Promise<T> {
    const about = new SocketWait(verb, this.#id)
    const waiter = new Waiter<T>(this.#service, about, options, (over) => this.#remove(over))
    if (!waiter.isOver) {
      this.#waiting.push({ waiter: waiter as Waiter<unknown>, look })
      this.#look(this.#waiting.at(-1)!)
    }
    return waiter.promise
  }

  /** Something has changed. */
  look(): void {
    // Whoever is done makes another list of the rest.
    for (const each of this.#waiting) this.#look(each)
  }

  #look({ waiter, look }: Waiting): void {
    if (waiter.isOver) return
    try {
      const found = look()
      if (found !== undefined) waiter.resolve(found)
    } catch (error) {
      waiter.reject(error)
    }
  }

  #remove(over: unknown): void {
    this.#waiting = this.#waiting.filter(({ waiter }) => waiter !== over)
  }
}
