/**
 * What the simulated store remembers. It may lose all of that, and is another store then; or a
 * part, and does not know: then somebody has to begin another era, with an entry of this memory.
 */
import { SkynetError } from '../../base/errors.ts'
import type { BegunEra, StoreEntry } from '../../cluster/core/store.ts'
import { StoreTable } from '../../cluster/core/store-table.ts'
import type { Agenda } from './agenda.ts'

/** Its entry begins an era. */
export const MARK = 'era'

interface Mark {
  readonly era: number
  /** When it was written. */
  readonly at: number
  readonly begun: BegunEra
}

export class SimMemory {
  readonly #agenda: Agenda
  table: StoreTable
  #tableAt = 0
  /** All changes, in order. */
  log: StoreEntry[] = []
  /** When it lost a part of what it had last, if it ever did. */
  lostAt = -Infinity
  /** It has lost a part of what it had, and no other era was begun since. */
  isForgetful = false
  /** When its last loss of a part came to an end: another era had begun. */
  #foundAt = -Infinity
  /** An era was begun by who was not sure. */
  isGuessed = false
  /** When it was changed last. */
  changedAt = 0
  /** The highest era that it has had. */
  highest = 0
  /** How far it had come when its era was begun by an entry. */
  renewedFrom = 0
  /** Another era was begun by an entry. */
  onRenewed: (era: number) => void = () => undefined

  constructor(agenda: Agenda, era: number) {
    this.#agenda = agenda
    this.table = new StoreTable(era)
  }

  /** When its era began. */
  get bornAt(): number {
    return this.#mark?.at ?? this.#tableAt
  }

  get ageMs(): number {
    return this.#agenda.now - this.bornAt
  }

  get era(): number {
    return this.#mark?.era ?? this.table.era
  }

  get begun(): BegunEra | undefined {
    return this.#mark?.begun
  }

  get #mark(): Mark | undefined {
    const entry = this.table.get(MARK)
    if (entry === undefined) return undefined
    const [era = 0, at = 0, isSure] = new Float64Array(entry.value!.slice().buffer)
    return { era, at, begun: { revision: entry.revision, isSure: isSure === 1 } }
  }

  /** As `cas` of a store. */
  write(key: string, value: Uint8Array | undefined, revision: number): number {
    const entry = { key, value, revision: this.table.revision + 1 }
    const written = this.table.cas(key, value, revision)
    this.log.push(entry)
    this.changedAt = this.#agenda.now
    return written
  }

  /** All of it. */
  forget(era: number): void {
    this.table = new StoreTable(era)
    this.log = []
    this.#found()
    this.reborn()
  }

  /** Its era counts from now. */
  reborn(): void {
    this.#tableAt = this.#agenda.now
  }

  /** So many of the first changes, or of the last ones; it goes on as if it had not. */
  lose(which: 'first' | 'last', count: number): void {
    const { log } = this
    const from = which === 'first' ? log[count - 1]!.revision : log[0]!.revision - 1
    this.log = which === 'first' ? log.slice(count) : log.slice(0, -count)
    this.table = new StoreTable(this.table.era, from)
    for (const { key, value } of this.log) {
      this.table.cas(key, value, this.table.get(key)?.revision ?? 0)
    }
    this.lostAt = this.#agenda.now
    this.isForgetful = true
  }

  #found(): void {
    if (this.isForgetful) this.#foundAt = this.#agenda.now
    this.isForgetful = false
  }

  /** It lacks a part of what it had, or did so long ago. */
  isAstray(msAgo: number): boolean {
    return this.isForgetful || this.#agenda.now - this.#foundAt <= msAgo
  }

  /** Begin that era, if it is later than this one. */
  renew(era: number, isSure: boolean): void {
    if (era <= this.era) throw new SkynetError('ERR_STORE_CONFLICT', { key: MARK })
    this.renewedFrom = this.table.revision
    const mark = new Float64Array([era, this.#agenda.now, isSure ? 1 : 0])
    this.write(MARK, new Uint8Array(mark.buffer), this.table.get(MARK)?.revision ?? 0)
    this.#found()
    this.isGuessed ||= !isSure
    this.highest = Math.max(this.highest, era)
    this.onRenewed(era)
  }
}
