/**
 * A store in memory: what the host of a cluster without any other store has, and what tests have.
 * It is a table and who watches it; how others reach it is not its business. It forgets all when
 * its process ends: then it is another era.
 */
import { SkynetError } from '../../base/errors.ts'
import { STORE_DELETED_MAX, STORE_ENTRIES_MAX, STORE_VALUE_BYTES_MAX } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'
import type { StoreEntry } from './store.ts'

export type EntryListener = (entry: StoreEntry) => void

interface TableWatch {
  readonly listener: EntryListener
  /** What was there when it began is told apart from the changes. */
  readonly from: number
}

export class StoreTable {
  readonly era: number
  readonly #entries = new Map<string, StoreEntry>()
  /** Keys that are gone, the longest gone first: a watch that begins is told of them, too. */
  readonly #deleted = new Map<string, StoreEntry>()
  readonly #watches = new Set<TableWatch>()
  /** Changes that nobody was told yet: who is told of one may have made the next. */
  readonly #untold = new Queue<StoreEntry>()
  #isTelling = false
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
   * Write `key` if it has that revision still. Whoever watches is told before it returns; when that
   * is who was just told of another change, then behind that one, so that all hear them in order.
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
    this.#untold.push(entry)
    this.#tell(() => undefined)
    return entry.revision
  }

  /** Tell what there is, in order of revisions, then each change. @returns What ends it. */
  watch(listener: EntryListener): () => void {
    const watch = { listener, from: this.#revision }
    this.#watches.add(watch)
    const all = [...this.#entries.values(), ...this.#deleted.values()]
    all.sort((one, other) => one.revision - other.revision)
    this.#tell(() => {
      for (const entry of all) if (this.#watches.has(watch)) listener(entry)
    })
    return () => this.#watches.delete(watch)
  }

  /** What `first` tells, then the changes, in order also when telling makes more of them. */
  #tell(first: () => void): void {
    if (this.#isTelling) {
      first()
      return
    }
    this.#isTelling = true
    try {
      first()
      for (let entry = this.#untold.shift(); entry !== undefined; entry = this.#untold.shift()) {
        for (const watch of [...this.#watches]) {
          const isNew = entry.revision > watch.from && this.#watches.has(watch)
          if (isNew) watch.listener(entry)
        }
      }
    } finally {
      this.#isTelling = false
    }
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
