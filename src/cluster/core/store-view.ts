/**
 * What a node knows of the store: its entries as the watch has told them, and what its own writes
 * have changed since. Opens the store again whenever it is lost. It decides nothing: a view may be
 * behind, so that each decision is a compare-and-swap.
 *
 * A store that never answers is lost, too: each wait has an end by our own time.
 */
import { isSkynetError } from '../../base/errors.ts'
import type { OpenedStore, StoreEntry } from './store.ts'

/** What a view needs of a store: `ClusterStore` has it. */
export interface ViewedStore {
  open(): PromiseLike<OpenedStore>
  cas(key: string, value: Uint8Array | undefined, revision: number): PromiseLike<number>
  watch(
    each: (entry: StoreEntry) => void,
    lost: (reason: unknown) => void,
  ): { close(): void; readonly ready: PromiseLike<void> }
}

/**
 * What an opening says of what was told before: it holds; it is of another memory, or there was
 * none; it was never so, and all of it is forgotten.
 */
export type Told = 'so' | 'elsewhere' | 'never'

export interface StoreViewHost {
  now(): number
  /**
   * A store is open; its entries follow.
   *
   * @param ageMs For how long it has had its memory.
   */
  opened(ageMs: number, before: Told): void
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
  /** While the entries come: what the watch has told. */
  #listed: Map<string, StoreEntry> | undefined
  /** What is listed is as new as that, by its last entry or by the word of the store. */
  #listedTo = 0
  /** A watch has told what never was. */
  #isMistaken = false
  /** For so long the store has said that it has not come so far as it was told. */
  #behindMs = 0
  /** When it has said so last; undefined: it does not. */
  #behindAt: number | undefined
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
      (opened) => {
        if (opening === this.#opening) this.#opened(opened)
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

  #opened({ era, ageMs = 0, revision }: OpenedStore): void {
    const opening = this.#opening
    const isNew = era !== this.#era
    const isBehind = !isNew && revision !== undefined && revision < this.#newest
    if (!isBehind) this.#behindAt = undefined
    else if (!this.#isBehindForLong()) {
      this.#lost(opening, `it is at ${revision}, and was at ${this.#newest}`)
      return
    }
    const isMistaken = isBehind || (this.#isMistaken && !isNew)
    if (isNew || isMistaken) {
      this.#isMistaken = false
      this.#behindAt = undefined
      this.#era = era
      this.#entries.clear()
      this.#watched = 0
      this.#newest = 0
    }
    this.#state = 'reading'
    this.#listed = new Map()
    this.#listedTo = revision ?? 0
    this.#host.opened(ageMs, isNew ? 'elsewhere' : isMistaken ? 'never' : 'so')
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

  /**
   * A server that has just begun to lead may not have caught up with what it leads. A time in which
   * none answers says nothing.
   */
  #isBehindForLong(): boolean {
    const now = this.#host.now()
    if (this.#behindAt === undefined) this.#behindMs = 0
    else this.#behindMs += Math.min(now - this.#behindAt, this.#waitMs / BEHIND_PART)
    this.#behindAt = now
    return this.#behindMs >= this.#waitMs * BEHIND_WAITS
  }

  /** The watch is the truth, in order; what it tells again, or what we wrote since, is known. */
  #told(entry: StoreEntry): void {
    const { key, revision, value } = entry
    if (this.#listed !== undefined) {
      if (value === undefined) this.#listed.delete(key)
      else this.#listed.set(key, entry)
      this.#listedTo = Math.max(this.#listedTo, revision)
    }
    if (revision > this.#watched) {
      this.#watched = revision
      this.#newest = Math.max(this.#newest, revision)
      this.#tell(entry)
    }
  }

  /** @param entry Of the watch, which may be behind what we wrote. */
  #tell(entry: StoreEntry): void {
    const { key, revision, value } = entry
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
   * What is not listed has been deleted meanwhile, and what is, and was never told, was passed over
   * by the watch before; unless the list is an older one than what we know, as a follower of the
   * store may be behind.
   */
  #ready(): void {
    const listed = this.#listed!
    this.#listed = undefined
    if (this.#listedTo >= this.#newest && !this.#compare(listed)) return
    if (this.#state !== 'reading') return
    this.#state = 'open'
    this.#retries = 0
    this.#host.synced()
  }

  /** @returns False: what we know is wrong, and the store is lost. */
  #compare(listed: ReadonlyMap<string, StoreEntry>): boolean {
    for (const { key, revision } of listed.values()) {
      if ((this.#entries.get(key)?.revision ?? 0) <= revision) continue
      // Whoever has all that is new has no older entry than we know.
      this.#isMistaken = true
      this.#lost(this.#opening, 'a watch has told what never was')
      return false
    }
    for (const entry of listed.values()) {
      if (this.#entries.get(entry.key)?.revision !== entry.revision) this.#tell(entry)
    }
    for (const { key, value } of [...this.#entries.values()]) {
      if (listed.has(key)) continue
      this.#entries.delete(key)
      // That we have deleted it ourselves was told then.
      if (value === undefined) continue
      this.#host.entry({ key, revision: this.#listedTo, value: undefined })
    }
    return true
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
/** What an opening may take, so often: for so long a store may say that it is behind. */
const BEHIND_WAITS = 4
/** Between two of its answers no more counts than this part of what an opening may take. */
const BEHIND_PART = 4
