/** What services say of nodes and names: by its stamp the last word on each holds. */
import { formatHandle } from '../base/errors.ts'
import type { RegisteredNames } from './registered-names.ts'
import type { NodeTable, RemoteNodes } from './remote-nodes.ts'
import { Stamps } from './stamps.ts'
import type { SnaxMethod, Words } from './words.ts'

export class HeardWords {
  readonly #nodes: RemoteNodes
  readonly #names: RegisteredNames
  readonly #say: (text: string) => void
  readonly #stamps = new Stamps()

  constructor(nodes: RemoteNodes, names: RegisteredNames, say: (text: string) => void) {
    this.#nodes = nodes
    this.#names = names
    this.#say = say
  }

  reload(table: NodeTable): number {
    const stamp = this.#stamps.next()
    this.#nodes.reload(table, stamp)
    return stamp
  }

  register(name: string, handle: number): number {
    const stamp = this.#stamps.next()
    this.#names.register(name, handle, stamp)
    this.#say(`Register [${name}] ${formatHandle(handle)}`)
    return stamp
  }

  registerSnax(name: string, handle: number, methods: readonly SnaxMethod[]): number {
    const stamp = this.#stamps.next()
    this.#names.registerSnax(name, handle, methods, stamp)
    return stamp
  }

  unregister(name: string): { handle: number; stamp: number } | undefined {
    const stamp = this.#stamps.next()
    const handle = this.#names.unregister(name, stamp)
    if (handle === undefined) return undefined
    this.#say(`Unregister [${name}] ${formatHandle(handle)}`)
    return { handle, stamp }
  }

  /** What a service has said to an instance of before. */
  restore({ table, names, snax }: Words): number {
    for (const words of [table, names, snax]) {
      for (const { stamp } of words.values()) this.#stamps.seen(stamp)
    }
    const now = this.#stamps.next()
    this.#nodes.restore(table, now)
    for (const [handle, said] of names) this.#names.restore(handle, said)
    for (const [name, said] of snax) this.#names.restoreSnax(name, said)
    return now
  }
}
