/** Services that wait for something to happen in the harbor cluster, by what that is. */
import { Askers, type AskersHost, askerOf } from '../service/askers.ts'

/** Who asks, as `skynet.context()` has it. */
interface Asker {
  readonly source: number
  readonly session: number
}

interface Wait extends Asker {
  readonly topic: string
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export class Waits {
  readonly #askers: Askers<Wait>
  readonly #topics = new Map<string, Set<Wait>>()

  constructor(host: AskersHost) {
    this.#askers = new Askers(host, (wait) => this.#end(wait, () => wait.resolve(undefined)))
  }

  has(topic: string): boolean {
    return this.#topics.has(topic)
  }

  /** Resolves with what `settle` gives, rejects with what `fail` gives. */
  add(topic: string, { source, session }: Asker): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const wait: Wait = { topic, source, session, resolve, reject }
      this.#askers.add(askerOf(wait), wait)
      const all = this.#topics.get(topic)
      if (all === undefined) this.#topics.set(topic, new Set([wait]))
      else all.add(wait)
    })
  }

  settle(topic: string, value: unknown): void {
    for (const wait of this.#topics.get(topic) ?? []) this.#end(wait, () => wait.resolve(value))
  }

  settleAll(value: unknown): void {
    for (const topic of [...this.#topics.keys()]) this.settle(topic, value)
  }

  fail(matches: (topic: string) => boolean, error: unknown): void {
    for (const [topic, waits] of this.#topics) {
      if (!matches(topic)) continue
      for (const wait of waits) this.#end(wait, () => wait.reject(error))
    }
  }

  #end(wait: Wait, then: () => void): void {
    this.#askers.delete(askerOf(wait))
    const all = this.#topics.get(wait.topic)
    all?.delete(wait)
    if (all?.size === 0) this.#topics.delete(wait.topic)
    then()
  }

  /** Whoever asked under that session waits no more. */
  giveUp(source: number, session: number): void {
    this.#askers.giveUp(source, session)
  }
}
