/**
 * Who is in the cluster, as one node sees it, and its own place there.
 *
 * A node joins by writing `node.<name>`; the revision of that write is its epoch. When a node has
 * that name that is not known to be dead, the newcomer listens first: it beats as nobody (epoch 0)
 * to know that it would hear, and gives up when the other one lives. Silence for a lease, or a
 * record that is no more, lets it in. Then it beats, by
 * way of who arbitrates, and hears its own beats come back: the echo. Silence makes a suspect and
 * decides nothing. A peer is dead when its tombstone is written: one write, which all see.
 *
 * Time that counts against a peer is only time for which our own beats came back, one after the
 * other: who was paused, who is cut off, who has just come judges nobody. Silence is measured up to
 * the moment when the last beat that came back was *sent*: what a peer had sent before then has
 * come before it. And who hears none of several peers is rather cut off than the last one alive: it
 * waits for ten leases, or until one of them is heard.
 *
 *   peer's last beat ──────────── a lease ──────────┤
 *                                                   ├ a beat of ours is sent here …
 *                                                      … and came back: tombstone
 *
 * By the same time a node knows of itself: a lease after the last beat that came back was sent,
 * others may have decided. It stops acting for its names then, until it is heard again *and* has
 * written its own record once more: if somebody was faster, that write fails.
 *
 * When the store has lost its memory (a new era), everybody writes again what it is, with the epoch
 * that it has; for one lease, the grace, nobody is judged and no name is taken.
 */
import { LastEpochs } from './last-epochs.ts'
import {
  decodeBeat,
  decodeNode,
  encodeBeat,
  encodeNode,
  epochOf,
  NODE_KEY,
  type StoredNode,
} from './records.ts'
import type { StoreEntry } from './store.ts'
import type { StoreView, Told } from './store-view.ts'
import type { NodeRecord, PeerAddress } from './transport.ts'

/** What a peer is to us. `down` is for ever: it has a tombstone, has left, or was started again. */
export type PeerState = 'up' | 'suspect' | 'draining' | 'down'

/** A node of the cluster other than ourselves, at one epoch. */
export interface Member {
  readonly record: NodeRecord
  readonly state: PeerState
}

/**
 * Why a node is no more what it was: a tombstone, another process of the same name, or a store that
 * has told what never was.
 */
export type Overtaken = 'tombstone' | 'replaced' | 'mistaken'

export interface MembersHost {
  now(): number
  /** A whole number of 32 bits, by chance. */
  random(): number
  beat(bytes: Uint8Array): void
  /** We are in, or in again, at that epoch. */
  joined(epoch: number): void
  /** The store does not take our record. It is tried again. */
  refused(reason: unknown): void
  /** That node has our name, and lives: we do not join, and do not try again. */
  taken(by: NodeRecord): void
  /** Our epoch is over. It joins again by itself, and never when replaced. */
  overtaken(how: Overtaken): void
  /**
   * Each change of a state, in order: first `up` or `draining`, last `down`, never twice the same.
   * Whoever was overtaken as `mistaken` may hear of that epoch again after its `down`.
   */
  member(member: Member, state: PeerState): void
  /** The record of a member is another one; its state is the same. */
  changed(member: Member): void
}

export interface MembersOptions {
  readonly node: string
  readonly leaseMs: number
  readonly protocol: { readonly min: number; readonly max: number }
  readonly build: string
}

/** In a lease there are so many beats of a node. */
const BEATS_PER_LEASE = 6
/** More silence than this part of a lease makes a suspect. */
const SUSPICION_PART = 2
/** The time between two looks at the time counts for no more silence than these would have. */
const TICKS_PER_LEASE_MIN = 12
/** A longer gap breaks the row of our own beats: one of them did not come back. */
const ROW_PART = 4
const REFUSALS_MAX = 2
/** A store that has been there for so long has heard again of all who own something. */
const MATURE_LEASES = 10
/** Who hears none of two peers or more takes itself for cut off: for so long it judges nobody. */
const ALONE_LEASES = 10
/** After so many a tombstone goes: what is not there is as dead, and the store stays small. */
const TOMB_LEASES = 5

interface Tomb {
  readonly revision: number
  readonly era: number
  /** When it was written. */
  readonly at: number
}

/** Whose tombstone is written, when its time has come. */
interface Dying {
  record: NodeRecord
  /** Of its entry, in this era; 0: it has none yet. */
  revision: number
  /** No writing before: one is under way, or somebody was faster. */
  retryAt: number
}

interface Peer extends Dying, Member {
  record: NodeRecord
  state: PeerState
  /** When it was heard last, in whatever way. */
  heardAt: number
  /** When its last beat came. */
  beatAt: number
  refusals: number
  refusedAt: number
}

/** Who has our name as we want to join. */
interface Incumbent {
  readonly epoch: number
  /** A sign of life: its last beat, or when we began to listen. */
  heardAt: number
  /** When its first beat came; undefined: none has. */
  firstAt: number | undefined
}

/** `out`: not yet asked to join, or no more a member. `joining`: it is to be, as soon as it can. */
type Phase = 'out' | 'joining' | 'in' | 'leaving'

export class Members {
  readonly #options: MembersOptions
  readonly #view: StoreView
  readonly #host: MembersHost
  readonly #peers = new Map<string, Peer>()
  /** Tombstones of ours, by their keys: deleted once everybody has read them. */
  readonly #tombs = new Map<string, Tomb>()
  /**
   * Of each node the last epoch that is over: it stays so, also when the store has forgotten it.
   */
  readonly #over = new LastEpochs()
  /**
   * Of nodes that were started again the epoch before: it has no tombstone, and may not know yet.
   */
  readonly #replaced = new Map<string, { readonly epoch: number; readonly until: number }>()
  /** Those that do not know of their end, and stand in a store that has forgotten it. */
  readonly #ghosts = new Map<string, Dying>()
  /**
   * Of a later version, or of another program: nothing is known of it, not even that it is over.
   */
  readonly #unreadable = new Set<string>()
  #phase: Phase = 'out'
  #incumbent: Incumbent | undefined
  #addresses: readonly string[] = []
  #instance = 0
  #epoch = 0
  #isDraining = false
  /** Of our entry in this era; 0: it is not written yet. */
  #revision = 0
  /** A write of ours is under way. */
  #isWriting = false
  /** Our record must be written, for one of several reasons. */
  #isStale = false
  /** No writing before: somebody was faster, and the view must come to know. */
  #writeAt = 0
  #beatAt = 0
  #tickedAt = 0
  /** When the last beat that came back was sent. */
  #echoedAt = 0
  /** Silence counts from here on: since then all that could be heard was heard. */
  #judgesFrom = 0
  /** Since when none of several peers was heard; undefined: one was, or there are no two. */
  #aloneFrom: number | undefined
  /** Was not heard for a lease: others may have decided meanwhile. */
  #isLapsed = false
  #graceEnd = 0
  /** Who has lapsed may have been overtaken in an era before, and hears of it by then. */
  #lapsedUntil = 0
  /** Without the store nobody may act for longer: it could have lost its memory. */
  #storeUntil = 0
  /** Those who wait until others can see that we drain. */
  readonly #untold: (() => void)[] = []
  #left: (() => void) | undefined

  constructor(options: MembersOptions, view: StoreView, host: MembersHost) {
    this.#options = options
    this.#view = view
    this.#host = host
  }

  /** Of ours; 0: we are no member. */
  get epoch(): number {
    return this.#phase === 'in' || this.#phase === 'leaving' ? this.#epoch : 0
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Our record stands in this era, so that what is written after it is seen after it. */
  get isWritten(): boolean {
    return this.epoch !== 0 && this.#revision !== 0
  }

  /** The store has lost its memory lately, and not everybody has written again. */
  get isGrace(): boolean {
    return this.#host.now() < this.#graceEnd
  }

  /**
   * True when nobody can have decided that we are dead, or have taken what is ours in a memory of
   * the store that we do not know: we may act for the names that we own. Each act asks anew,
   * because time passes.
   */
  get isCertain(): boolean {
    this.#lookAtLease()
    return this.isWritten && !this.#isLapsed && this.#host.now() < this.#storeUntil
  }

  get all(): Iterable<Member> {
    return this.#peers.values()
  }

  get(node: string): Member | undefined {
    return this.#peers.get(node)
  }

  /**
   * It is decided, and written, that this epoch of a node is over: as long as the view is open. Who
   * has not written again after the store lost its memory is not over before the grace is.
   */
  isOver({ node, epoch }: PeerAddress): boolean {
    const known = node === this.#options.node ? this.epoch : this.#peers.get(node)?.record.epoch
    if (known === epoch || this.isGrace || this.#unreadable.has(node)) return false
    const replaced = this.#replaced.get(node)
    return replaced?.epoch !== epoch || this.#host.now() >= replaced.until
  }

  /** Become a member as soon as the store is there. */
  join(addresses: readonly string[]): void {
    this.#addresses = addresses
    this.#begin()
    this.#write()
  }

  /** Tell all that we take nothing new. `told` is called once they can see it, or nobody can. */
  drain(told: () => void): void {
    if (!this.#isDraining) this.#isStale = true
    this.#isDraining = true
    this.#untold.push(told)
    this.#write()
    this.#lookAtUntold()
  }

  #lookAtUntold(): void {
    const isWaiting = this.#isStale || this.#isWriting
    if (isWaiting && this.epoch !== 0 && this.#view.isOpen) return
    for (const told of this.#untold.splice(0)) told()
  }

  /**
   * Delete our record, so that nobody waits for us. `left` is called once, also when that fails.
   */
  leave(left: () => void): void {
    const isMeant = this.#phase === 'in' || this.#phase === 'joining'
    // One that is under way may be the first: it would stand there when we are gone.
    const hasRecord = this.#revision !== 0 || this.#isWriting
    if (!isMeant || !hasRecord || !this.#view.isOpen) {
      this.#phase = 'out'
      this.#lookAtUntold()
      left()
      return
    }
    this.#phase = 'leaving'
    this.#left = left
    if (!this.#isWriting) this.#delete()
  }

  /** The store is open. What it has told before holds, or it remembers nothing of that. */
  opened(ageMs: number, before: Told): void {
    if (before === 'never') this.#forget()
    if (before !== 'elsewhere') return
    const now = this.#host.now()
    const { leaseMs } = this.#options
    this.#graceEnd = ageMs < leaseMs * MATURE_LEASES ? now + leaseMs : now
    this.#lapsedUntil = now + leaseMs
    this.#judgesFrom = now
    this.#revision = 0
    this.#isStale = true
    this.#ghosts.clear()
    for (const peer of this.#peers.values()) {
      peer.revision = 0
      peer.retryAt = 0
    }
  }

  synced(): void {
    this.#storeUntil = Infinity
    this.#write()
  }

  /** The store is not there. */
  lost(): void {
    const until = this.#host.now() + this.#options.leaseMs
    this.#storeUntil = Math.min(this.#storeUntil, until)
    this.way('cut')
    this.#lookAtUntold()
  }

  /**
   * By a cut a beat may have been lost between two of ours, and nothing is heard until there is a
   * way again: no silence of before then counts. Then we beat at once: to wait until it is time may
   * be too late for who waits for us.
   */
  way(is: 'cut' | 'restored'): void {
    this.#judgesFrom = this.#host.now()
    if (is === 'restored' && this.#mayBeat) this.#beat(this.#judgesFrom)
  }

  /** Another value of a `node.` key. */
  entry(entry: StoreEntry): void {
    const node = entry.key.slice(NODE_KEY.length)
    const stored = entry.value === undefined ? undefined : decodeNode(entry, this.#view.era)
    if (node === this.#options.node) this.#ownEntry(entry, stored)
    else this.#peerEntry(node, entry, stored)
  }

  /**
   * A beat came: of a peer, or one of ours.
   *
   * @param from Who has sent it, where somebody vouches for that.
   */
  beat(bytes: Uint8Array, from?: string): void {
    const beat = decodeBeat(bytes)
    if (beat === undefined) return
    const { node, epoch, sentAt } = beat
    if (from !== undefined && from !== node) return
    if (node === this.#options.node) {
      if (epoch === this.epoch) this.#echo(sentAt)
      else if (epoch === this.#incumbent?.epoch) this.#incumbentBeats(this.#incumbent)
      return
    }
    const peer = this.#peers.get(node)
    if (peer === undefined || peer.record.epoch !== epoch) return
    peer.beatAt = this.#host.now()
    // Frames may go another way than beats, and be refused there while beats come.
    const isRefused = peer.refusals >= REFUSALS_MAX
    if (!isRefused || peer.beatAt - peer.refusedAt >= this.#options.leaseMs) this.heard(beat)
    else peer.heardAt = peer.beatAt
  }

  /** A frame came of it: a sign of life. */
  heard({ node, epoch }: PeerAddress): void {
    const peer = this.#peers.get(node)
    if (peer === undefined || peer.record.epoch !== epoch) return
    peer.heardAt = this.#host.now()
    peer.refusals = 0
    if (peer.state === 'suspect') this.#move(peer, peer.record.isDraining ? 'draining' : 'up')
  }

  /** What was sent to it was not delivered: once may be chance. */
  refused({ node, epoch }: PeerAddress): void {
    const peer = this.#peers.get(node)
    if (peer === undefined || peer.record.epoch !== epoch) return
    peer.refusals++
    peer.refusedAt = this.#host.now()
    if (peer.refusals >= REFUSALS_MAX) this.#move(peer, 'suspect')
  }

  /** At least so often in a lease: `TICKS_PER_LEASE_MIN`. */
  tick(): void {
    const now = this.#host.now()
    const { leaseMs } = this.#options
    // Silence counts while somebody listens: what has come during a pause is not read yet.
    const pausedMs = now - this.#tickedAt - leaseMs / TICKS_PER_LEASE_MIN
    this.#tickedAt = now
    this.#lookAtLease()
    if (pausedMs > 0) {
      for (const peer of this.#peers.values()) peer.heardAt = Math.min(now, peer.heardAt + pausedMs)
    }
    if (this.#mayBeat && now >= this.#beatAt) this.#beat(now)
    this.#lookAround(now)
    for (const peer of this.#peers.values()) this.#look(peer, now)
    for (const ghost of this.#ghosts.values()) this.#judge(ghost, now)
    this.#clearTombs(now)
    for (const [node, { until }] of this.#replaced) if (now >= until) this.#replaced.delete(node)
    this.#write()
  }

  /**
   * The store has told what never was, so that nothing that is known holds: not who is a member,
   * nor at which epoch, nor ours. We join anew, as whoever knows nothing does.
   */
  #forget(): void {
    const peers = [...this.#peers.values()]
    this.#peers.clear()
    this.#over.clear()
    this.#replaced.clear()
    this.#ghosts.clear()
    this.#unreadable.clear()
    this.#tombs.clear()
    this.#revision = 0
    this.#isStale = true
    if (this.#phase === 'in') this.#overtaken('mistaken')
    for (const peer of peers) this.#move(peer, 'down')
  }

  #begin(): void {
    this.#phase = 'joining'
    this.#instance = this.#host.random()
    this.#epoch = 0
    this.#revision = 0
    this.#isStale = true
    this.#writeAt = 0
    this.#beatAt = 0
    this.#tickedAt = this.#host.now()
  }

  /** As a member, or as nobody, to hear whether another process of our name lives. */
  get #mayBeat(): boolean {
    return this.epoch !== 0 || this.#incumbent !== undefined
  }

  #beat(now: number): void {
    this.#beatAt = now + this.#options.leaseMs / BEATS_PER_LEASE
    this.#host.beat(encodeBeat({ node: this.#options.node, epoch: this.#epoch, sentAt: now }))
  }

  #echo(sentAt: number): void {
    if (sentAt <= this.#echoedAt || sentAt > this.#host.now()) return
    // Some of ours did not come back, so some of theirs may not have come.
    const isGap = sentAt - this.#echoedAt >= this.#options.leaseMs / ROW_PART
    this.#lookAtLease()
    if (isGap) this.#judgesFrom = Math.max(this.#judgesFrom, sentAt)
    this.#echoedAt = sentAt
    if (this.#isLapsed) this.#write()
  }

  #lookAtLease(): void {
    if (this.epoch === 0 || this.#isLapsed) return
    if (this.#host.now() - this.#echoedAt < this.#options.leaseMs) return
    this.#isLapsed = true
    this.#isStale = true
  }

  /** Is somebody heard at all? Whoever is, is no reason to judge others who are about to be. */
  #lookAround(now: number): void {
    const since = now - this.#options.leaseMs / SUSPICION_PART
    let heard = this.#peers.size < 2
    for (const { heardAt } of this.#peers.values()) heard ||= heardAt > since
    if (!heard) this.#aloneFrom ??= now
    else if (this.#aloneFrom !== undefined) {
      this.#aloneFrom = undefined
      this.way('cut')
    }
  }

  /**
   * That several die at once is rare. That one can reach the store and nobody else is not: the seed
   * keeps it itself, and its cable is pulled.
   */
  #isCutOff(now: number): boolean {
    if (this.#aloneFrom === undefined) return false
    return now - this.#aloneFrom < this.#options.leaseMs * ALONE_LEASES
  }

  /** What silence and time mean for a peer. */
  #look(peer: Peer, now: number): void {
    const { leaseMs } = this.#options
    if (now - peer.heardAt >= leaseMs / SUSPICION_PART) this.#move(peer, 'suspect')
    const silentFrom = Math.max(peer.beatAt, this.#judgesFrom)
    if (this.epoch === 0 || now < silentFrom + leaseMs || this.#isCutOff(now)) return
    if (this.#echoedAt - silentFrom >= leaseMs) this.#judge(peer, now)
    // So that the last moment is not the end of a pause between two beats.
    else if (this.#beatAt - leaseMs / BEATS_PER_LEASE < silentFrom + leaseMs) this.#beat(now)
  }

  /** Write the tombstone: the one decision. Who else has written there has won. */
  #judge(dying: Dying, now: number): void {
    if (!this.#view.isOpen || now < dying.retryAt) return
    const { record, revision } = dying
    const tombstone = { ...record, instance: 0, deadBy: this.#options.node }
    dying.retryAt = Infinity
    const key = NODE_KEY + record.node
    this.#view.cas(key, encodeNode(tombstone), revision, (outcome, written) => {
      if (outcome === 'done')
        this.#tombs.set(key, { revision: written, era: this.#view.era, at: now })
      if (outcome === 'done') return
      dying.retryAt = this.#host.now() + this.#options.leaseMs / BEATS_PER_LEASE
    })
  }

  /** It is over, but for a lease it may not have heard of that. */
  #replace(node: string, epoch: number): void {
    const until = this.#host.now() + this.#options.leaseMs
    this.#replaced.set(node, { epoch, until })
  }

  #clearTombs(now: number): void {
    if (!this.#view.isOpen) return
    for (const [key, { revision, era, at }] of this.#tombs) {
      if (now - at < this.#options.leaseMs * TOMB_LEASES) continue
      this.#tombs.delete(key)
      // Somebody may have written there since: then that stays.
      if (era === this.#view.era) this.#view.cas(key, undefined, revision, () => undefined)
    }
  }

  #peerEntry(node: string, entry: StoreEntry, stored: StoredNode | undefined): void {
    let peer = this.#peers.get(node)
    if (stored === undefined && entry.value !== undefined) this.#unreadable.add(node)
    else this.#unreadable.delete(node)
    this.#ghosts.delete(node)
    if (peer !== undefined && stored !== undefined && stored.epoch < peer.record.epoch) {
      // It has an epoch before, and does not know: the one that is known stays.
      peer.revision = entry.revision
      return
    }
    const isOver = stored === undefined || stored.deadBy !== undefined
    if (peer !== undefined && (isOver || stored.epoch !== peer.record.epoch)) {
      this.#peers.delete(node)
      this.#over.set(node, peer.record.epoch)
      if (!isOver) this.#replace(node, peer.record.epoch)
      this.#move(peer, 'down')
      peer = undefined
    }
    if (isOver) return
    if (stored.epoch <= (this.#over.get(node) ?? 0)) {
      this.#ghosts.set(node, { record: stored, revision: entry.revision, retryAt: 0 })
      return
    }
    const now = this.#host.now()
    if (peer === undefined) {
      const state = stored.isDraining ? 'draining' : 'up'
      const none = { refusals: 0, refusedAt: 0, retryAt: 0 }
      peer = { record: stored, state, revision: entry.revision, heardAt: now, beatAt: now, ...none }
      this.#peers.set(node, peer)
      this.#host.member(peer, state)
      return
    }
    peer.record = stored
    peer.revision = entry.revision
    // It has written: so it lives.
    peer.beatAt = now
    this.#host.changed(peer)
    if (stored.isDraining && peer.state === 'up') this.#move(peer, 'draining')
  }

  #move(peer: Peer, state: PeerState): void {
    if (peer.state === state || peer.state === 'down') return
    peer.state = state
    this.#host.member(peer, state)
  }

  #ownEntry(entry: StoreEntry, stored: StoredNode | undefined): void {
    const isOurs = stored !== undefined && stored.instance === this.#instance
    if (this.#phase === 'joining') {
      // Before the answer to our write, or instead of one.
      if (isOurs && stored.deadBy === undefined) this.#joined(entry.revision, stored.epoch)
      // It has written: so it lives.
      else if (stored?.epoch === this.#incumbent?.epoch && this.#incumbent !== undefined) {
        this.#incumbent.heardAt = this.#host.now()
      }
      return
    }
    if (this.#phase === 'out' && isOurs) {
      // A write that came late: whoever waits for us would wait a lease.
      this.#view.cas(entry.key, undefined, entry.revision, () => undefined)
    }
    if (this.#phase !== 'in') return
    if (isOurs && stored.deadBy === undefined) {
      this.#revision = entry.revision
      return
    }
    // In a new era an epoch before ours may stand there, dead or not knowing that it is over.
    if (stored !== undefined && stored.epoch < this.#epoch) {
      this.#revision = 0
      this.#isStale = true
    } else {
      const isDead = stored === undefined || stored.deadBy !== undefined
      this.#overtaken(isDead ? 'tombstone' : 'replaced')
    }
  }

  #overtaken(how: Overtaken): void {
    this.#phase = 'out'
    this.#lookAtUntold()
    this.#host.overtaken(how)
    if (how === 'replaced' || this.#phase !== 'out') return
    this.#begin()
    this.#write()
  }

  #joined(revision: number, epoch: number): void {
    const now = this.#host.now()
    this.#phase = 'in'
    this.#incumbent = undefined
    this.#epoch = epoch
    this.#revision = revision
    this.#isStale = this.#isDraining
    this.#isLapsed = false
    this.#judgesFrom = now
    this.#beatAt = now
    // The write is as good as a beat: others count from when they saw it.
    this.#echoedAt = this.#wroteAt
    for (const peer of this.#peers.values()) peer.heardAt = now
    this.#host.joined(epoch)
    if (this.epoch === epoch) this.#beat(now)
  }
  #wroteAt = 0

  /** Write our own record, when it has to be and when it can be. */
  #write(): void {
    const now = this.#host.now()
    if (!this.#isStale || this.#isWriting || !this.#view.isOpen || now < this.#writeAt) return
    if (this.#phase !== 'joining' && this.#phase !== 'in') return
    const isHeard = now - this.#echoedAt < this.#options.leaseMs
    // What is not heard yet, or may be of an owner who is to come, is no use yet.
    const isVerifying =
      this.#phase === 'in' && this.#isLapsed && isHeard && now >= this.#lapsedUntil
    if (this.#isLapsed && this.#phase === 'in' && !isVerifying && this.#revision !== 0) return
    const { node } = this.#options
    const before = this.#view.get(NODE_KEY + node)
    if (this.#phase === 'joining' && !this.#isFree(before, now)) return
    this.#isWriting = true
    this.#isStale = false
    this.#wroteAt = now
    const instance = this.#instance
    const revision = before?.revision ?? 0
    if (this.#phase === 'joining' && before !== undefined) this.#succeed(before)
    const record = encodeNode(this.#record())
    this.#view.cas(NODE_KEY + node, record, revision, (outcome, written, reason) => {
      this.#isWriting = false
      if (this.#phase === 'leaving') {
        if (outcome === 'done' && instance === this.#instance) this.#revision = written
        this.#delete()
        return
      }
      if (instance !== this.#instance) {
        this.#write()
        return
      }
      if (outcome === 'done') this.#written(written, isVerifying)
      else this.#isStale = true
      if (outcome === 'conflict' || outcome === 'refused') {
        this.#writeAt = now + this.#options.leaseMs / BEATS_PER_LEASE
      }
      if (outcome === 'refused') this.#host.refused(reason)
      // It may have become stale meanwhile.
      if (outcome === 'done') this.#write()
      this.#lookAtUntold()
    })
  }

  /** Nobody has our name, or who has it was silent for a lease, while we would have heard it. */
  #isFree(before: StoreEntry | undefined, now: number): boolean {
    const stored = before && decodeNode(before, this.#view.era)
    const isHeld =
      stored !== undefined && stored.deadBy === undefined && stored.instance !== this.#instance
    if (!isHeld) {
      this.#incumbent = undefined
      return true
    }
    if (this.#incumbent?.epoch !== stored.epoch) {
      this.#incumbent = { epoch: stored.epoch, heardAt: now, firstAt: undefined }
    }
    const silentFrom = Math.max(this.#incumbent.heardAt, this.#judgesFrom)
    return this.#echoedAt - silentFrom >= this.#options.leaseMs
  }

  /** One beat may have been under way when its sender died; those of a while are of who lives. */
  #incumbentBeats(incumbent: Incumbent): void {
    const now = this.#host.now()
    incumbent.heardAt = now
    incumbent.firstAt ??= now
    // One under way may take its name all the same, and the store decides.
    const isDeciding = this.#isWriting || !this.#view.isOpen
    if (this.#phase !== 'joining' || isDeciding) return
    if (now - incumbent.firstAt < this.#options.leaseMs / ROW_PART) return
    const entry = this.#view.get(NODE_KEY + this.#options.node)
    const stored = entry && decodeNode(entry, this.#view.era)
    if (stored?.epoch !== incumbent.epoch || stored.deadBy !== undefined) return
    this.#phase = 'out'
    this.#incumbent = undefined
    this.#host.taken(stored)
  }

  /** Another process had our name, and may have it still. */
  #succeed(before: StoreEntry): void {
    const stored = decodeNode(before, this.#view.era)
    if (stored !== undefined && stored.deadBy === undefined) {
      this.#replace(this.#options.node, stored.epoch)
    }
  }

  #written(revision: number, isVerifying: boolean): void {
    if (this.#phase === 'joining') this.#joined(revision, epochOf(this.#view.era, revision))
    if (this.#phase !== 'in') return
    this.#revision = Math.max(this.#revision, revision)
    if (isVerifying && this.#host.now() - this.#echoedAt < this.#options.leaseMs) {
      this.#isLapsed = false
    } else if (this.#isLapsed) this.#isStale = true
  }

  #record(): StoredNode {
    const { node, protocol, build } = this.#options
    return {
      node,
      epoch: this.#epoch,
      addresses: this.#addresses,
      protocol,
      build,
      isDraining: this.#isDraining,
      instance: this.#instance,
      deadBy: undefined,
    }
  }

  #delete(): void {
    const gone = (): void => {
      this.#phase = 'out'
      this.#lookAtUntold()
      this.#left?.()
      this.#left = undefined
    }
    // The first one was not written.
    if (this.#revision === 0) gone()
    else this.#view.cas(NODE_KEY + this.#options.node, undefined, this.#revision, gone)
  }
}
