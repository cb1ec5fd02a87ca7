/**
 * Whom the end of a service concerns: who monitors it, its supervisor, its own children; and whose
 * end concerns it. Made with the first of them.
 */
import type { Message } from '../kernel/message.ts'
import { askerOf } from './askers.ts'

/** A supervisor, and by which order of that the child was launched. */
export interface Parent {
  readonly handle: number
  readonly asker: string
}

export class Kin {
  /** Its supervisor, if any. */
  parent: Parent | undefined
  /** Services that end with it. */
  readonly children = new Set<number>()
  /** Services with which it ends, as they are linked to it. */
  readonly followed = new Set<number>()
  /** Orders of `monitor`, by who gave them. */
  readonly #watchers = new Map<string, Message>()

  /** An order of `monitor`, answered when it has ended. */
  watch(order: Message): void {
    this.#watchers.set(askerOf(order), order)
  }

  get watchers(): Iterable<Message> {
    return this.#watchers.values()
  }

  /** Whoever gave an order of `monitor` under that session waits no more. */
  givenUp(asker: string): void {
    this.#watchers.delete(asker)
  }

  /** Some of them ended with their worker. */
  workerDied(dead: ReadonlySet<number>): void {
    for (const [asker, { source }] of this.#watchers) {
      if (dead.has(source)) this.#watchers.delete(asker)
    }
    for (const child of this.children) if (dead.has(child)) this.children.delete(child)
  }
}
