/** The store as the seed itself has it: the table in its memory. */
import { SkynetError } from '../../base/errors.ts'
import type { ClusterStore, StoreEntry, StoreWatch } from '../core/store.ts'
import type { StoreTable } from '../core/store-table.ts'

export class OwnStore implements ClusterStore {
  readonly #table: StoreTable
  readonly #ageMs: () => number
  readonly #watches = new Set<() => void>()
  #isClosed = false

  /** @param ageMs How long the table has been there. */
  constructor(table: StoreTable, ageMs: () => number) {
    this.#table = table
    this.#ageMs = ageMs
  }

  async open(): Promise<{ era: number; ageMs: number }> {
    this.#checkOpen()
    return { era: this.#table.era, ageMs: this.#ageMs() }
  }

  async cas(key: string, value: Uint8Array | undefined, revision: number): Promise<number> {
    this.#checkOpen()
    return this.#table.cas(key, value && Buffer.from(value), revision)
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    this.#checkOpen()
    return this.#table.get(key)
  }

  /** Nothing is told before it has returned, as with a store that is far away. */
  watch(each: (entry: StoreEntry) => void, lost: (reason: unknown) => void): StoreWatch {
    let end = (): void => {}
    let isOver = false
    const close = (): void => {
      isOver = true
      this.#watches.delete(close)
      end()
    }
    this.#watches.add(close)
    const ready = Promise.resolve().then(() => {
      if (isOver) return
      if (this.#isClosed) lost(this.#closed())
      else end = this.#table.watch((entry) => void (isOver || each(entry)))
      // It may have been closed by the first entries.
      if (isOver) end()
    })
    return { ready, close }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const close of this.#watches) close()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw this.#closed()
  }

  #closed(): SkynetError {
    return new SkynetError('ERR_STORE_LOST', { reason: 'it was closed' })
  }
}
