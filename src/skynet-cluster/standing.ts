/**
 * What a service has said to `clusterd` that holds from then on: where nodes are, where others come
 * in, its names. Another instance, after the death of a worker, say, is told all of it again.
 */
import type { ClusterPlace } from './cluster-listeners.ts'

/** A method and its arguments. */
export type StandingOrder = readonly [method: string, ...args: unknown[]]

/** Names before the first look for those of services that have ended; then after each doubling. */
const BEFORE_LOOK = 64

export class Standing {
  readonly #isAlive: (handle: number) => boolean
  #lookAt = BEFORE_LOOK
  #table: Record<string, unknown> = {}
  readonly #opened = new Map<string, StandingOrder>()
  /** By handle: a service has one name. */
  readonly #names = new Map<unknown, StandingOrder>()
  readonly #snax = new Map<unknown, StandingOrder>()

  constructor(isAlive: (handle: number) => boolean) {
    this.#isAlive = isAlive
  }

  /** It was said, and done. @param answer Of the method. */
  note(order: StandingOrder, answer: unknown): void {
    NOTE[order[0]]?.(this, order, answer)
  }

  /** Of names. */
  get size(): number {
    return this.#names.size + this.#snax.size
  }

  get isEmpty(): boolean {
    return this.size === 0 && this.#opened.size === 0 && Object.keys(this.#table).length === 0
  }

  orders(): StandingOrder[] {
    const reload: StandingOrder[] =
      Object.keys(this.#table).length === 0 ? [] : [['reload', this.#table]]
    return [...reload, ...this.#opened.values(), ...this.#names.values(), ...this.#snax.values()]
  }

  #look(): void {
    if (this.size < this.#lookAt) return
    for (const orders of [this.#names, this.#snax]) {
      for (const [key, order] of orders) {
        if (!this.#isAlive(order[2] as number)) orders.delete(key)
      }
    }
    this.#lookAt = Math.max(BEFORE_LOOK, this.size * 2)
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
    self.#look()
    self.#names.set(order[2], order)
  }

  static registerSnax(self: Standing, order: StandingOrder): void {
    self.#look()
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
