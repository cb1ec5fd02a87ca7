/**
 * What a node knows of the store: its entries as the watch has told them, and what its own writes
 * have changed since. Opens the store again whenever it is lost. It decides nothing: a view may be
 * behind, so that each decision is a compare-and-swap.
 *
 * A store that never answers is lost, too: each wait has an end by our own time.
 */
import { isSkynetError } from '../../base/errors.ts'
import type { StoreEntry } from './store.ts'

/** What a view needs of a store: `ClusterStore` has it. */
export interface ViewedStore {
  open(): PromiseLike<{ readonly era: number; readonly ageMs?: number }>
  cas(key: string, value: Uint8Array | undefined, revision: number): PromiseLike<number>
  watch(
    each: (entry: StoreEntry) => void,
    lost: (reason: unknown) => void,
  ): { close(): void; readonly ready: PromiseLike<void> }
}

export interface StoreViewHost {
  now(): number
  /**
   * A store is open; its entries follow.
   *
   * @param ageMs For how long it has had its memory.
   * @param isNew It has another memory than the one before, or is the first.
   */
  opened(ageMs: number, isNew: boolean): void
  /** Another value of a key, or none any more. */
  entry(entry: StoreEntry): void
  /** All entries that there are have been told. */
  synced(): void
  lost(reason: unknown): void
}

/**
 * What became of a write. `refused`: the store is full. `unknown`: the entries will tell, once the
 * store is there again.
 */
export type CasOutcome = 'done' | 'conflict' | 'refused' | 'unknown'
export type CasDone = (outcome: CasOutcome, revision: number, reason?: unknown) => void

/** `waiting`: lost, and opened again at its time. `reading`: the entries come. */
type ViewState = 'closed' | 'waiting' | 'opening' | 'reading' | 'open'

interface Write {
  readonly deadline: number
  readonly opening: number
  readonly done: CasDone
}

export class StoreView {
  readonly #store: ViewedStore
  readonly #host: StoreViewHost
  readonly #waitMs: number
  #state: ViewState = 'closed'
  /** What belongs to an earlier opening is not heard any more. */
  #opening = 0
  /** `waiting`: when to open again. `opening`, `reading`: when that has taken too long. */
  #deadline = 0
  #retries = 0
  #era: number | undefined
  readonly #entries = new Map<string, StoreEntry>()
  /** The last revision that the watch has told: it tells them in order. */
  #watched = 0
  /** The last revision that is known, of the watch or of a write of ours. */
  #newest = 0
  /** While the entries come: which keys there are, and the last revision among them. */
  #listed: Set<string> | undefined
  #listedTo = 0
  #watch: { close(): void } | undefined
  readonly #writes = new Set<Write>()

  /**
   * @param waitMs What an opening or a write may take. Pauses between openings are up to an eighth:
   * who owns a name must be back soon when the store is.
   */
  constructor(store: ViewedStore, host: StoreViewHost, waitMs: number) {
    this.#store = store
    this.#host = host
    this.#waitMs = waitMs
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Of the memory that was seen last; 0: none yet. */
  get era(): number {
    return this.#era ?? 0
  }

  open(): void {
    this.#state = 'opening'
    const opening = ++this.#opening
    this.#deadline = this.#host.now() + this.#waitMs
    this.#store.open().then(
      ({ era, ageMs }) => {
        if (opening === this.#opening) this.#opened(era, ageMs ?? 0)
      },
      (reason) => this.#lost(opening, reason),
    )
  }

  /** The entry of a key as far as is known: undefined when there is none. */
  get(key: string): StoreEntry | undefined {
    const entry = this.#entries.get(key)
    return entry?.value === undefined ? undefined : entry
  }

  /** Write when the key is still at that revision; 0: when there is none. */
  cas(key: string, value: Uint8Array | undefined, revision: number, done: CasDone): void {
    if (!this.isOpen) {
      done('unknown', 0)
      return
    }
    const opening = this.#opening
    const write = { deadline: this.#host.now() + this.#waitMs, opening, done }
    this.#writes.add(write)
    this.#store.cas(key, value, revision).then(
      (written) => {
        if (!this.#writes.delete(write)) return
        if (opening === this.#opening) this.#written({ key, revision: written, value })
        done('done', written)
      },
      (reason) => {
        if (!this.#writes.delete(write)) return
        const outcome = outcomeOf(reason)
        done(outcome, 0, reason)
        // A watch may be well while writes are not.
        if (outcome === 'unknown') this.#lost(opening, reason)
      },
    )
  }

  /** What has taken too long is given up, and what has waited is tried. */
  tick(): void {
    const now = this.#host.now()
    for (const write of this.#writes) {
      if (now < write.deadline || !this.#writes.delete(write)) continue
      write.done('unknown', 0)
      this.#lost(write.opening, 'it does not answer')
    }
    if (now < this.#deadline) return
    if (this.#state === 'waiting') this.open()
    else if (this.#state === 'opening' || this.#state === 'reading') {
      this.#lost(this.#opening, 'it does not answer')
    }
  }

  close(): void {
    this.#state = 'closed'
    this.#opening++
    this.#watch?.close()
    this.#watch = undefined
    this.#giveUpWrites()
  }

  #opened(era: number, ageMs: number): void {
    const opening = this.#opening
    const isNew = era !== this.#era
    if (isNew) {
      this.#era = era
      this.#entries.clear()
      this.#watched = 0
      this.#newest = 0
    }
    this.#state = 'reading'
    this.#listed = new Set()
    this.#listedTo = 0
    this.#host.opened(ageMs, isNew)
    const watch = this.#store.watch(
      (entry) => {
        if (opening === this.#opening) this.#told(entry)
      },
      (reason) => this.#lost(opening, reason),
    )
    this.#watch = watch
    watch.ready.then(
      () => {
        if (opening === this.#opening) this.#ready()
      },
      (reason) => this.#lost(opening, reason),
    )
  }

  /** The watch is the truth, in order; what it tells again, or what we wrote since, is known. */
  #told(entry: StoreEntry): void {
    const { key, revision, value } = entry
    if (this.#listed !== undefined) {
      if (value !== undefined) this.#listed.add(key)
      this.#listedTo = Math.max(this.#listedTo, revision)
    }
    if (revision <= this.#watched) return
    this.#watched = revision
    this.#newest = Math.max(this.#newest, revision)
    const known = this.#entries.get(key)
    if (known !== undefined && known.revision >= revision) {
      if (known.value === undefined && known.revision === revision) this.#entries.delete(key)
      return
    }
    if (value === undefined) this.#entries.delete(key)
    else this.#entries.set(key, entry)
    this.#host.entry(entry)
  }

  /** A write of ours that the watch has not told yet. */
  #written(entry: StoreEntry): void {
    const { key, revision } = entry
    if (revision <= this.#watched) return
    const known = this.#entries.get(key)
    if (known !== undefined && known.revision >= revision) return
    this.#newest = Math.max(this.#newest, revision)
    // Also when there is no value: until the watch has come so far it may tell an older one.
    this.#entries.set(key, entry)
    this.#host.entry(entry)
  }

  /**
   * What was not among the entries has been deleted meanwhile, unless the list is an older one than
   * what we know: a follower of the store may be behind.
   */
  #ready(): void {
    const listed = this.#listed!
    this.#listed = undefined
    const isFresh = this.#listedTo >= this.#newest
    for (const { key, value } of isFresh ? [...this.#entries.values()] : []) {
      if (value === undefined || listed.has(key)) continue
      this.#entries.delete(key)
      this.#host.entry({ key, revision: this.#listedTo, value: undefined })
    }
    this.#state = 'open'
    this.#retries = 0
    this.#host.synced()
  }

  #lost(opening: number, reason: unknown): void {
    if (opening !== this.#opening || this.#state === 'closed') return
    this.#opening++
    this.#watch?.close()
    this.#watch = undefined
    this.#listed = undefined
    this.#state = 'waiting'
    const pause = (this.#waitMs / PAUSES) * 2 ** this.#retries
    this.#retries = Math.min(this.#retries + 1, RETRIES_COUNTED)
    this.#deadline = this.#host.now() + pause
    this.#giveUpWrites()
    this.#host.lost(reason)
  }

  #giveUpWrites(): void {
    const writes = [...this.#writes]
    this.#writes.clear()
    for (const { done } of writes) done('unknown', 0)
  }
}

const outcomeOf = (reason: unknown): CasOutcome => {
  if (isSkynetError(reason, 'ERR_STORE_CONFLICT')) return 'conflict'
  return isSkynetError(reason, 'ERR_STORE_FULL') ? 'refused' : 'unknown'
}

/** The first pause is this part of what an opening may take, and doubles so often. */
const PAUSES = 64
const RETRIES_COUNTED = 3
