/**
 * A store in memory: what the host of a cluster without any other store has, and what tests have.
 * It is a table and who watches it; how others reach it is not its business. It forgets all when
 * its process ends: then it is another era.
 */
import { SkynetError } from '../../base/errors.ts'
import { STORE_DELETED_MAX, STORE_ENTRIES_MAX, STORE_VALUE_BYTES_MAX } from '../../base/limits.ts'
import type { StoreEntry } from './store.ts'

export type EntryListener = (entry: StoreEntry) => void

export class StoreTable {
  readonly era: number
  readonly #entries = new Map<string, StoreEntry>()
  /** Keys that are gone, the longest gone first: a watch that begins is told of them, too. */
  readonly #deleted = new Map<string, StoreEntry>()
  readonly #watches = new Set<EntryListener>()
  #revision = 0

  /** @param era The time at which it begins, in milliseconds: later tables have higher ones. */
  constructor(era: number) {
    this.era = era
  }

  /** Of the last change; 0: there was none. */
  get revision(): number {
    return this.#revision
  }

  get(key: string): StoreEntry | undefined {
    return this.#entries.get(key)
  }

  /**
   * Write `key` if it has that revision still. Whoever watches is told before it returns.
   *
   * @param value Kept, not copied. Undefined: delete.
   * @param revision 0: only if there is none.
   * @returns The new revision.
   * @throws {SkynetError} `ERR_STORE_CONFLICT`: another revision stands there. `ERR_STORE_FULL`.
   */
  cas(key: string, value: Uint8Array | undefined, revision: number): number {
    const known = this.#entries.get(key)
    if ((known?.revision ?? 0) !== revision) throw new SkynetError('ERR_STORE_CONFLICT', { key })
    if (value !== undefined) this.#checkRoom(key, value, known)
    const entry = { key, revision: ++this.#revision, value }
    if (value === undefined) this.#delete(entry)
    else {
      this.#entries.set(key, entry)
      this.#deleted.delete(key)
    }
    for (const listener of [...this.#watches]) {
      if (this.#watches.has(listener)) listener(entry)
    }
    return entry.revision
  }

  /** Tell what there is, in order of revisions, then each change. @returns What ends it. */
  watch(listener: EntryListener): () => void {
    const all = [...this.#entries.values(), ...this.#deleted.values()]
    for (const entry of all.sort((one, other) => one.revision - other.revision)) listener(entry)
    this.#watches.add(listener)
    return () => this.#watches.delete(listener)
  }

  #delete(entry: StoreEntry): void {
    this.#entries.delete(entry.key)
    this.#deleted.delete(entry.key)
    this.#deleted.set(entry.key, entry)
    if (this.#deleted.size <= STORE_DELETED_MAX) return
    for (const [oldest] of this.#deleted) {
      this.#deleted.delete(oldest)
      return
    }
  }

  #checkRoom(key: string, value: Uint8Array, known: StoreEntry | undefined): void {
    const bytes = value.length
    if (bytes > STORE_VALUE_BYTES_MAX) {
      throw new SkynetError('ERR_STORE_FULL', { key, what: `${bytes} bytes` })
    }
    if (known === undefined && this.#entries.size >= STORE_ENTRIES_MAX) {
      throw new SkynetError('ERR_STORE_FULL', { key, what: `${STORE_ENTRIES_MAX} entries` })
    }
  }
}
