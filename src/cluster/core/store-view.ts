/**
 * What a node knows of the store: its entries as the watch has told them, and what its own writes
 * have changed since. Opens the store again whenever it is lost. It decides nothing: a view may be
 * behind, so that each decision is a compare-and-swap.
 *
 * A store that never answers is lost, too: each wait has an end by our own time.
 *
 * A store that may lose a part of its memory can say what cannot be, by what is known. When it goes
 * on to say so, there are two reasons:
 *
 * - It has lost something. That is sure when it is what we have written, and the store had said so;
 *   or when a key has gone, and nothing says that it was deleted: deletions are told for a while.
 * - The server that has told us before had it from nobody. Then what is known is wrong, and all of
 *   it is forgotten. Who is not sure waits longer, so that whoever is may be faster.
 *
 * Either way another era is begun, and everybody writes again what he has: revisions count once in
 * an era, so that tokens and epochs rise.
 */
import { isSkynetError } from '../../base/errors.ts'
import { STORE_DELETED_TOLD_MS } from '../../base/limits.ts'
import { Hesitation } from './hesitation.ts'
import { eraAfter } from './records.ts'
import type { BegunEra, OpenedStore, StoreEntry } from './store.ts'

/** What a view needs of a store: `ClusterStore` has it. */
export interface ViewedStore {
  open(): PromiseLike<OpenedStore>
  cas(key: string, value: Uint8Array | undefined, revision: number): PromiseLike<number>
  watch(
    each: (entry: StoreEntry) => void,
    lost: (reason: unknown) => void,
  ): { close(): void; readonly ready: PromiseLike<void> }
  renew?(era: number, isSure: boolean): PromiseLike<unknown>
}

/**
 * What an opening says of what was told before: it holds; it is of another era, or there was none;
 * the same, and it was never so.
 */
export type Told = 'so' | 'elsewhere' | 'never'

export interface StoreViewHost {
  now(): number
  /** 0 … 1 */
  random(): number
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

/** What it says that cannot be. */
interface Wrong {
  /** It has lost a part of its memory. Else it may as well be what is known that never was. */
  readonly isSure: boolean
  /** What an opening may take, so often it has to be so. */
  readonly waits: number
  readonly why: string
}

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
  /** Of keys that we have written last, the revision; it is known that they were written. */
  readonly #own = new Map<string, number>()
  /** The last revision of ours. */
  #ownTo = 0
  /** With that revision the era began. */
  #begin = 0
  /**
   * Of an era before, and still in the way of what is written: revisions by keys. Nobody removes
   * them: who is away could not tell that from the end of what he has in this era.
   */
  readonly #leftovers = new Map<string, number>()
  /** When it was open last. */
  #seenAt = 0
  readonly #hesitation: Hesitation
  /** What it says cannot be, and yet it may be that nothing was lost. */
  #isUnsure = false
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
    this.#hesitation = new Hesitation(waitMs / ANSWER_PART)
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
    const before = this.#newest
    this.#writes.add(write)
    const stored = revision === 0 ? (this.#leftovers.get(key) ?? 0) : revision
    this.#store.cas(key, value, stored).then(
      (written) => {
        if (!this.#writes.delete(write)) return
        if (written <= before) {
          // What it has written is no more than it had: it is looked at when it is opened.
          done('unknown', 0)
          this.#lost(opening, `it has written ${written}, and was at ${before}`)
          return
        }
        this.#written({ key, revision: written, value })
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

  #opened({ era, ageMs = 0, revision, begun }: OpenedStore): void {
    const opening = this.#opening
    const before = this.#toldBefore(era, begun)
    if (before !== 'so') this.#forget(era, begun?.revision ?? 0)
    const wrong = this.#wrongOf(era, revision)
    if (wrong !== undefined) {
      this.#wonder(wrong, era)
      return
    }
    this.#state = 'reading'
    this.#listed = new Map()
    this.#listedTo = revision ?? 0
    this.#leftovers.clear()
    this.#host.opened(ageMs, before)
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

  #toldBefore(era: number, begun: BegunEra | undefined): Told {
    const isOlder = this.#era !== undefined && era < this.#era && this.#store.renew !== undefined
    if (era === this.#era || isOlder) return 'so'
    return this.#isUnsure && begun?.isSure === false ? 'never' : 'elsewhere'
  }

  #forget(era: number, begin: number): void {
    this.#era = era
    this.#begin = begin
    this.#entries.clear()
    this.#own.clear()
    this.#ownTo = 0
    this.#watched = 0
    this.#newest = 0
    this.#believe()
  }

  #believe(): void {
    this.#isUnsure = false
    this.#hesitation.end()
  }

  #wrongOf(era: number, revision: number | undefined): Wrong | undefined {
    if (this.#store.renew === undefined) return undefined
    if (era !== this.#era) {
      const why = `it is of era ${era}, and was of ${this.#era}`
      return { isSure: true, waits: SURE_WAITS, why }
    }
    if (revision === undefined || revision >= this.#newest) return undefined
    const isSure = revision < this.#ownTo
    const waits = isSure ? SURE_WAITS : UNSURE_WAITS
    return { isSure, waits, why: `it is at ${revision}, and was at ${this.#newest}` }
  }

  /** @param era As it says. */
  #wonder({ isSure, waits, why }: Wrong, era = this.era): void {
    const ms = this.#hesitation.add(this.#host.now())
    this.#isUnsure = !isSure
    if (ms >= this.#waitMs * waits) {
      // Whoever else does it is as good: it is opened again anyway.
      const later = eraAfter(Math.max(era, this.era), this.#newest, this.#host.random())
      this.#store.renew?.(later, isSure).then(undefined, () => undefined)
    }
    this.#lost(this.#opening, why)
  }

  /** The watch is the truth, in order; what it tells again, or what we wrote since, is known. */
  #told(entry: StoreEntry): void {
    const { key, revision, value } = entry
    this.#listedTo = Math.max(this.#listedTo, revision)
    const isBefore = revision < this.#begin
    if (isBefore && value !== undefined) this.#leftovers.set(key, revision)
    // Nor is it of this era that such a one is removed.
    if (isBefore || (value === undefined && this.#leftovers.delete(key))) {
      this.#watched = Math.max(this.#watched, revision)
      this.#newest = Math.max(this.#newest, revision)
      return
    }
    this.#listed?.set(key, entry)
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
    if (this.#own.get(key) !== revision) this.#own.delete(key)
    this.#leftovers.delete(key)
    if (value === undefined) this.#entries.delete(key)
    else this.#entries.set(key, entry)
    this.#host.entry(entry)
  }

  /** A write of ours that the watch may not have told yet. */
  #written(entry: StoreEntry): void {
    const { key, revision, value } = entry
    this.#ownTo = Math.max(this.#ownTo, revision)
    const isLast = (this.#entries.get(key)?.revision ?? 0) <= revision
    if (value === undefined) this.#own.delete(key)
    else if (isLast) this.#own.set(key, revision)
    this.#leftovers.delete(key)
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
    if (this.#listedTo >= this.#newest) {
      const wrong = this.#store.renew === undefined ? undefined : this.#wrongIn(listed)
      if (wrong !== undefined) {
        this.#wonder(wrong)
        return
      }
      this.#compare(listed)
    }
    // Whoever was told of an entry may have closed us.
    if (this.#state !== 'reading') return
    this.#state = 'open'
    this.#retries = 0
    this.#believe()
    this.#host.synced()
  }

  /**
   * What cannot be in a list that has all that is new. Who knows of anything that may never have
   * been is sure of nothing but what he has written himself.
   */
  #wrongIn(listed: ReadonlyMap<string, StoreEntry>): Wrong | undefined {
    const isToldOf =
      this.#hesitation.isThere || this.#host.now() - this.#seenAt < STORE_DELETED_TOLD_MS
    let gone: Wrong | undefined
    let other: Wrong | undefined
    for (const known of this.#entries.values()) {
      const { key, revision, value } = known
      const entry = listed.get(key)
      const isOwn = this.#own.get(key) === revision
      if (entry !== undefined && (entry.revision < revision || !isSame(entry, known))) {
        const waits = isOwn ? LISTED_WAITS : UNSURE_WAITS
        const why = `${key} is at ${entry.revision}, and was at ${revision}`
        other = { isSure: isOwn, waits, why }
      } else if (entry === undefined && isToldOf && value !== undefined) {
        const why = `${key} has gone, and nobody has deleted it`
        gone = { isSure: true, waits: LISTED_WAITS, why }
        if (isOwn) return gone
      }
      if (other?.isSure) return other
    }
    return other ?? gone
  }

  #compare(listed: ReadonlyMap<string, StoreEntry>): void {
    for (const entry of listed.values()) {
      const known = this.#entries.get(entry.key)
      if (known === undefined && entry.value === undefined) continue
      if (known?.revision !== entry.revision) this.#tell(entry)
    }
    for (const { key, value } of [...this.#entries.values()]) {
      if (listed.get(key)?.value !== undefined) continue
      this.#entries.delete(key)
      // That we have deleted it ourselves was told then.
      if (value === undefined) continue
      this.#own.delete(key)
      this.#host.entry({ key, revision: this.#listedTo, value: undefined })
    }
  }

  #lost(opening: number, reason: unknown): void {
    if (opening !== this.#opening || this.#state === 'closed') return
    if (this.#state === 'open') this.#seenAt = this.#host.now()
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
/**
 * What an opening may take, so often: for so long a store may say what cannot be. It is less when
 * it does not only say that it is behind, but has listed all that is new.
 */
const SURE_WAITS = 4
const LISTED_WAITS = 1
const UNSURE_WAITS = 6
/** Between two of its answers no more counts than this part of what an opening may take. */
const ANSWER_PART = 4
const isSame = (one: StoreEntry, other: StoreEntry): boolean =>
  one.revision !== other.revision ||
  one.value === other.value ||
  (one.value !== undefined &&
    other.value !== undefined &&
    one.value.length === other.value.length &&
    one.value.every((byte, at) => byte === other.value![at]))
