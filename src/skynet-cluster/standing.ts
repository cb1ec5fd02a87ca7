/**
 * What a service has said to `clusterd` that holds from then on: where nodes are, where others come
 * in, its names. Another instance, after the death of a worker, say, is told all of it again. Each
 * word has its stamp, as several services may have said something of one thing, and the last holds.
 */
import type { ClusterListen, ClusterPlace } from './cluster-listeners.ts'
import type { Said, SnaxMethod, SnaxWord, Words } from './words.ts'

/** A method and its arguments. */
export type StandingOrder = readonly [method: string, ...args: unknown[]]

/** Names before the first look for those of services that have ended; then after each doubling. */
const BEFORE_LOOK = 64

export class Standing {
  readonly #isAlive: (handle: number) => boolean
  readonly #table = new Map<string, Said<string | boolean>>()
  readonly #opened = new Map<string, Required<ClusterListen>>()
  readonly #names = new Map<number, Said<string | undefined>>()
  readonly #snax = new Map<string, Said<SnaxWord>>()
  #lookAt = BEFORE_LOOK

  constructor(isAlive: (handle: number) => boolean) {
    this.#isAlive = isAlive
  }

  /** It was said, and done. @param answer Of the method. */
  note(order: StandingOrder, answer: unknown): void {
    const note = NOTE[order[0]]
    if (note === undefined) return
    if (this.size >= this.#lookAt) this.#dropDead()
    note(this, order, answer)
  }

  /** Of names. */
  get size(): number {
    return this.#names.size + this.#snax.size
  }

  get isEmpty(): boolean {
    return this.size === 0 && this.#opened.size === 0 && this.#table.size === 0
  }

  get words(): Words {
    return { table: this.#table, names: this.#names, snax: this.#snax }
  }

  get opened(): Iterable<Required<ClusterListen>> {
    return this.#opened.values()
  }

  /** What nobody had heard was heard now. */
  heard(stamp: number): void {
    for (const [node, said] of this.#table) {
      if (said.stamp === 0) this.#table.set(node, { ...said, stamp })
    }
  }

  #dropDead(): void {
    for (const handle of this.#names.keys()) {
      if (!this.#isAlive(handle)) this.#names.delete(handle)
    }
    for (const [name, { word }] of this.#snax) {
      if (!this.#isAlive(word.handle)) this.#snax.delete(name)
    }
    this.#lookAt = Math.max(BEFORE_LOOK, this.size * 2)
  }

  static reload(self: Standing, [, table]: StandingOrder, stamp: unknown): void {
    for (const [node, word] of Object.entries(table as Record<string, string | boolean>)) {
      self.#table.set(node, { word, stamp: (stamp as number | undefined) ?? 0 })
    }
  }

  /** Where it really is: port 0 would be another one, and a name may be elsewhere by then. */
  static open(self: Standing, [method, first, second]: StandingOrder, answer: unknown): void {
    const place = answer as ClusterPlace
    const maxClient = method === 'open' ? (first as Required<ClusterListen>).maxClient : second
    const { host, port } = place
    self.#opened.set(`${host}:${port}`, { host, port, maxClient: maxClient as number })
  }

  static register(self: Standing, [, name, handle]: StandingOrder, stamp: unknown): void {
    self.#names.set(handle as number, { word: name as string, stamp: stamp as number })
  }

  static registerSnax(self: Standing, order: StandingOrder, stamp: unknown): void {
    const [, name, handle, methods] = order as [string, string, number, SnaxMethod[]]
    self.#snax.set(name, { word: { handle, methods }, stamp: stamp as number })
  }

  static unregister(self: Standing, _: StandingOrder, answer: unknown): void {
    if (answer === undefined) return
    const { handle, stamp } = answer as { handle: number; stamp: number }
    self.#names.set(handle, { word: undefined, stamp })
  }
}

type Note = (self: Standing, order: StandingOrder, answer: unknown) => void

/** By method; of others nothing is to be kept. */
const NOTE: Readonly<Record<string, Note>> = {
  reload: Standing.reload,
  open: Standing.open,
  openNamed: Standing.open,
  register: Standing.register,
  registerSnax: Standing.registerSnax,
  unregister: Standing.unregister,
}
