/**
 * What a service has said to `clusterd` that holds from then on: where nodes are, where others come
 * in, its names. Another instance, after the death of a worker, say, is told all of it again.
 */
import type { ClusterPlace } from './cluster-listeners.ts'

/** A method and its arguments. */
export type StandingOrder = readonly [method: string, ...args: unknown[]]

export class Standing {
  #table: Record<string, unknown> = {}
  readonly #opened = new Map<string, StandingOrder>()
  /** By handle: a service has one name. */
  readonly #names = new Map<unknown, StandingOrder>()
  readonly #snax = new Map<unknown, StandingOrder>()

  /** It was said, and done. @param answer Of the method. */
  note(order: StandingOrder, answer: unknown): void {
    NOTE[order[0]]?.(this, order, answer)
  }

  get isEmpty(): boolean {
    return this.orders().length === 0
  }

  orders(): StandingOrder[] {
    const reload: StandingOrder[] =
      Object.keys(this.#table).length === 0 ? [] : [['reload', this.#table]]
    return [...reload, ...this.#opened.values(), ...this.#names.values(), ...this.#snax.values()]
  }

  static reload(self: Standing, [, table]: StandingOrder): void {
    self.#table = { ...self.#table, ...(table as object) }
  }

  /** Where it really is: port 0 would be another one. */
  static open(self: Standing, [method, listen]: StandingOrder, answer: unknown): void {
    const place = answer as ClusterPlace
    self.#opened.set(`${place.host}:${place.port}`, [method, { ...(listen as object), ...place }])
  }

  static openNamed(self: Standing, order: StandingOrder): void {
    self.#opened.set(String(order[1]), order)
  }

  static register(self: Standing, order: StandingOrder): void {
    self.#names.set(order[2], order)
  }

  static registerSnax(self: Standing, order: StandingOrder): void {
    self.#snax.set(order[1], order)
  }

  static unregister(self: Standing, [, name]: StandingOrder): void {
    for (const [handle, [, its]] of self.#names) if (its === name) self.#names.delete(handle)
  }
}

type Note = (self: Standing, order: StandingOrder, answer: unknown) => void

/** By method; of others nothing is to be kept. */
const NOTE: Readonly<Record<string, Note>> = {
  reload: Standing.reload,
  open: Standing.open,
  openNamed: Standing.openNamed,
  register: Standing.register,
  registerSnax: Standing.registerSnax,
  unregister: Standing.unregister,
}
