/**
 * What all nodes of a simulated cluster have in common: who passes beats on, and the store. A
 * broker passes frames on as well. Either may be out for a while, or be restarted with or without
 * what it remembers.
 */
import { SkynetError } from '../../base/errors.ts'
import { decodeBeat, decodeNode, NODE_KEY, type StoredNode } from '../../cluster/core/records.ts'
import type { StoreEntry } from '../../cluster/core/store.ts'
import { StoreTable } from '../../cluster/core/store-table.ts'
import type { Agenda } from './agenda.ts'
import { nameOf } from './name-of.ts'

/** A node that is connected to the hub. */
export interface HubClient {
  readonly node: string
  /** Bring something to it, by its way from the hub. */
  bring(run: () => void): void
  heard(bytes: Uint8Array): void
  /** The connection was cut, and is there again: what was under way may be lost. */
  cut(): void
}

/** What is written of each node: whether somebody may decide that it is dead. */
interface Silence {
  /** When its last beat came, or its record. */
  heardAt: number
  /** The same, but while the store was out. */
  renewedAt: number
  /** The longest that it was silent since its record was written. */
  longestMs: number
}

interface Watch {
  readonly client: HubClient
  readonly each: (entry: StoreEntry) => void
  readonly lost: (reason: unknown) => void
  end: () => void
}

export class Hub {
  readonly #agenda: Agenda
  readonly clients = new Set<HubClient>()
  table: StoreTable
  bornAt = 0
  /** Nothing at all goes through it before. */
  downUntil = 0
  /** Before, the store neither answers nor tells. */
  storeOutUntil = 0
  /** All changes of this memory, in order. */
  log: StoreEntry[] = []
  readonly #watches = new Set<Watch>()
  readonly #dead = new Set<string>()
  /** Of each name the last epoch that was written. */
  readonly #latest = new Map<string, number>()
  readonly #silences = new Map<string, Silence>()
  /** It was decided that a node is dead; so long it was silent since its record was written. */
  onDeath: (node: string, epoch: number, silentMs: number) => void = () => undefined
  /** Another process has written itself over the record of a node. */
  onDisplaced: (node: string, epoch: number, silentMs: number) => void = () => undefined

  constructor(agenda: Agenda, firstEra: number) {
    this.#agenda = agenda
    this.table = new StoreTable(firstEra)
  }

  get isDown(): boolean {
    return this.#agenda.now < this.downUntil
  }

  get isStoreOut(): boolean {
    return this.isDown || this.#agenda.now < this.storeOutUntil
  }

  get ageMs(): number {
    return this.#agenda.now - this.bornAt
  }

  /** Pass a beat on to all, its sender included. */
  beat(bytes: Uint8Array): void {
    if (this.isDown) return
    const beat = decodeBeat(bytes)
    if (beat !== undefined) this.#heard(beat.node, beat.epoch)
    for (const client of this.clients) client.bring(() => client.heard(bytes))
  }

  cas(key: string, value: Uint8Array | undefined, revision: number): number {
    const { era } = this.table
    const entry = { key, value, revision: this.table.revision + 1 }
    const isNode = key.startsWith(NODE_KEY)
    const node = isNode ? decodeNode(entry, era) : undefined
    const known = isNode ? this.table.get(key) : undefined
    const before = known && decodeNode(known, era)
    const written = this.table.cas(key, value, revision)
    this.log.push(entry)
    // Whose name another process has is over as well.
    if (before !== undefined && before.epoch !== node?.epoch) {
      if (node?.deadBy === undefined) this.#checkDisplaced(before, node?.epoch ?? 0)
      this.#dead.add(nameOf(before))
    }
    if (node?.deadBy !== undefined) this.#checkDeath(node.node, node.epoch)
    else if (node !== undefined) this.#begin(node.node, node.epoch)
    return written
  }

  /**
   * @param from The list has so many of the changes at least.
   * @param stale So many of the last changes are told behind the list: a follower is behind.
   * @param lagMs All is told so much later than beats are.
   */
  watch(
    client: HubClient,
    {
      from,
      stale,
      lagMs,
    }: { readonly from: number; readonly stale: number; readonly lagMs: number },
    each: (entry: StoreEntry) => void,
    lost: (reason: unknown) => void,
    ready: () => void,
  ): () => void {
    const watch: Watch = { client, each, lost, end: () => undefined }
    const bring = (run: () => void): void => {
      if (lagMs === 0) client.bring(run)
      else this.#agenda.after(lagMs, () => client.bring(run))
    }
    const tell = (entry: StoreEntry): void => bring(() => each(entry))
    const upTo = Math.max(from, this.log.length - stale)
    for (const entry of stateOf(this.log.slice(0, upTo))) tell(entry)
    bring(ready)
    for (const entry of this.log.slice(upTo)) tell(entry)
    let isNew = false
    const end = this.table.watch((entry) => {
      if (isNew) tell(entry)
    })
    isNew = true
    this.#watches.add(watch)
    watch.end = () => {
      end()
      this.#watches.delete(watch)
    }
    return watch.end
  }

  /** The connection of a node was cut: it watches nothing any more. */
  leave(client: HubClient): void {
    for (const watch of [...this.#watches]) if (watch.client === client) watch.end()
  }

  /** The store forgets all. Its watches are lost, each at its time. */
  forget(era: number, lostAfterMs: () => number): void {
    this.table = new StoreTable(era)
    this.bornAt = this.#agenda.now
    this.log = []
    for (const watch of [...this.#watches]) {
      watch.end()
      const reason = new SkynetError('ERR_STORE_LOST', { reason: 'the store was restarted' })
      this.#agenda.after(lostAfterMs(), () => watch.client.bring(() => watch.lost(reason)))
    }
    this.#silences.clear()
  }

  /** It goes away, or comes back: silence meanwhile is nobody's. */
  pauseSilence(): void {
    const { now } = this.#agenda
    for (const silence of this.#silences.values()) {
      silence.longestMs = Math.max(silence.longestMs, now - silence.heardAt)
      silence.heardAt = now
    }
  }

  /** It was away for so long: that does not count. */
  resumeSilence(): void {
    for (const silence of this.#silences.values()) silence.heardAt = this.#agenda.now
  }

  /** A variant: records of nodes that are not renewed by beats for so long are deleted. */
  expire(ms: number): void {
    const sweep = (): void => {
      this.#agenda.after(ms / 10, sweep)
      if (this.isStoreOut) return
      for (const [name, { renewedAt }] of [...this.#silences]) {
        if (this.#agenda.now - renewedAt < ms) continue
        const node = name.slice(0, name.indexOf('#'))
        const entry = this.table.get(NODE_KEY + node)
        this.#silences.delete(name)
        if (entry === undefined) continue
        this.log.push({ ...entry, revision: this.table.revision + 1, value: undefined })
        this.table.cas(entry.key, undefined, entry.revision)
        this.onDeath(node, Number(name.slice(name.indexOf('#') + 1)), 0)
      }
    }
    sweep()
  }

  #begin(node: string, epoch: number): void {
    this.#latest.set(node, Math.max(epoch, this.#latest.get(node) ?? 0))
    this.#silences.set(`${node}#${epoch}`, {
      heardAt: this.#agenda.now,
      renewedAt: this.#agenda.now,
      longestMs: 0,
    })
  }

  #heard(node: string, epoch: number): void {
    const silence = this.#silences.get(`${node}#${epoch}`)
    if (silence === undefined) return
    const { now } = this.#agenda
    silence.longestMs = Math.max(silence.longestMs, now - silence.heardAt)
    silence.heardAt = now
    if (!this.isStoreOut) silence.renewedAt = now
  }

  #checkDeath(node: string, epoch: number): void {
    const name = `${node}#${epoch}`
    // A decision of an era before stands in this one.
    if (this.#dead.has(name)) return
    this.#dead.add(name)
    this.onDeath(node, epoch, this.#silenceOf(node, epoch))
  }

  /** Who has joined before, and writes again after an era, is no newcomer. */
  #checkDisplaced({ node, epoch, deadBy }: StoredNode, by: number): void {
    const latest = Math.max(epoch, this.#latest.get(node) ?? 0)
    if (deadBy !== undefined || by <= latest || epoch < latest) return
    this.onDisplaced(node, epoch, this.#silenceOf(node, epoch))
  }

  #silenceOf(node: string, epoch: number): number {
    this.#heard(node, epoch)
    return this.#silences.get(`${node}#${epoch}`)?.longestMs ?? this.ageMs
  }
}

/** What a list of changes comes to, in order of revisions. */
function stateOf(log: readonly StoreEntry[]): StoreEntry[] {
  const state = new Map<string, StoreEntry>()
  for (const entry of log) {
    state.delete(entry.key)
    state.set(entry.key, entry)
  }
  return [...state.values()]
}
