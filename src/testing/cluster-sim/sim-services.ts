/** The services of a simulated process: they call, send, answer and own names as users do. */
import assert from 'node:assert/strict'
import { LINK_QUEUE_BYTES_MAX, LINK_WINDOW_BYTES_MAX } from '../../base/limits.ts'
import type { ClusterNode, ClusterPeer } from '../../cluster/core/cluster-node.ts'
import type { FenceToken } from '../../cluster/core/records.ts'
import type { Random } from '../sim/random.ts'
import type { ClusterBook, SimCall } from './book.ts'
import { LETTER_BYTES, type Letter, writeLetter } from './letter.ts'
import { nameOf } from './name-of.ts'
import type { ClusterNetwork, Spot } from './network.ts'
import type { Variant } from './variants.ts'

export const NAMES = ['lobby', 'ranks', 'guild'] as const
const REQUEST = 10
const RESPONSE = 1
/** One in so many requests gets no answer. */
const SILENT_ONE_IN = 8
const TICKS_PER_ACT = 3
const ANSWER_MS_MAX = 400
/** What a call may be late by: looks at the time. */
const LATE_TICKS = 3

export interface ProcessWorld {
  readonly random: Random
  readonly network: ClusterNetwork
  readonly book: ClusterBook
  readonly leaseMs: number
  readonly variant: Variant
  trace(line: string): void
  /** Who acts for a name now. */
  actingFor(name: string): readonly string[]
  /** A name has a new owner, in the process at that spot. */
  checkTaken(name: string, token: FenceToken, by: Spot): void
}

/** What services need of their process. */
export interface ServicesProcess {
  readonly spot: Spot
  readonly name: string
  readonly cluster: ClusterNode
  run(task: () => void): void
}

export class SimServices {
  readonly #process: ServicesProcess
  readonly #world: ProcessWorld
  readonly claims = new Set<string>()
  /** Owners of names do nothing any more. */
  isQuiet = false
  /** Another process has the name of this one. */
  isReplaced = false
  /** Of each peer the sessions that have ended, and what was sent in this one. */
  readonly #streams = new Map<string, number>()
  readonly #sends = new Map<string, number>()
  readonly #calls = new Map<number, SimCall>()
  /** Peers to which nothing more is to be said. */
  readonly #full = new Set<string>()
  /** Names that it had when the store lost its memory. */
  #remembered: ReadonlySet<string> = new Set()
  #letters = 0
  #ticks = 0

  constructor(process: ServicesProcess, world: ProcessWorld) {
    this.#process = process
    this.#world = world
  }

  get #cluster(): ClusterNode {
    return this.#process.cluster
  }

  tick(): void {
    this.#cluster.tick()
    if (this.isQuiet || ++this.#ticks % TICKS_PER_ACT > 0) return
    for (const name of this.claims) this.#act(name)
  }

  stopped(ms: number): void {
    for (const call of this.#calls.values()) call.until += ms
  }

  dropped(): void {
    for (const call of this.#calls.values()) call.isDropped = true
  }

  // --- what they do
  // -------------------------------------------------------------------------------

  call(peer: ClusterPeer, to: number, remainingMs: number, bytes: number): void {
    const call = this.#world.book.begin(remainingMs)
    const source = 1 + (call.id % 2)
    this.#calls.set(call.id, call)
    const posted = this.#post(peer, to, source, call.id, remainingMs, { call: call.id }, bytes)
    if (posted !== 'queued') this.end(call.id, posted, 'no')
  }

  send(peer: ClusterPeer, to: number, bytes: number, about: Partial<Letter> = {}): void {
    const way = `${nameOf(peer)} ${to}`
    const send = this.#sends.get(way) ?? 0
    const { random, variant } = this.#world
    const isFull = this.#full.has(nameOf(peer))
    // Some were said before their services were told.
    if (isFull && random.oneIn(2)) return
    const isDropped = isFull && variant.dropsSends === true
    const posted = isDropped ? 'queued' : this.#post(peer, to, 1, 0, 0, { ...about, send }, bytes)
    assert.notEqual(posted, 'full', `${way}: a send was not taken`)
    if (posted === 'queued') this.#sends.set(way, send + 1)
  }

  claim(name: string): void {
    this.claims.add(name)
    const id = 1 + this.#world.random.below(1000)
    this.#process.run(() => this.#cluster.names.claim(name, id))
  }

  release(name: string): void {
    this.claims.delete(name)
    this.#process.run(() => this.#cluster.names.release(name, () => undefined))
  }

  /** The service that has that name does something, if it may. */
  #act(name: string): void {
    const { names } = this.#cluster
    const token = names.token(name)
    if (token === undefined || !names.acts(name)) return
    this.#world.book.acted(name, this.#world.actingFor(name))
    const peers = [...this.#cluster.peers]
    if (peers.length === 0) return
    const [era, revision] = token
    const about = { name: 1 + NAMES.indexOf(name as (typeof NAMES)[number]), era, revision }
    this.send(this.#world.random.pick(peers), 2, LETTER_BYTES, about)
  }

  #post(
    peer: ClusterPeer,
    to: number,
    source: number,
    session: number,
    remainingMs: number,
    about: Partial<Letter>,
    bytes: number,
  ): string {
    const packed = this.#letter({ stream: this.#streams.get(nameOf(peer)) ?? 0, ...about }, bytes)
    const { length } = packed
    const node = this.#cluster
    return node.post(peer, REQUEST, to, source, session, remainingMs, packed, 0, length)
  }

  #answer(peer: ClusterPeer, to: number, source: number, session: number): void {
    const packed = this.#letter({}, LETTER_BYTES)
    this.#cluster.post(peer, RESPONSE, to, source, session, 0, packed, 0, packed.length)
  }

  #letter(about: Partial<Letter>, bytes: number): Uint8Array {
    const { spot: place } = this.#process
    return writeLetter({ place, send: -1, number: ++this.#letters, ...about }, bytes)
  }

  // --- what they are told
  // -------------------------------------------------------------------------

  /** A message has come that is a request. */
  asked(peer: ClusterPeer, source: number, to: number, session: number): void {
    const { random, network } = this.#world
    const answer = (): void => this.#answer(peer, source, to, session)
    if (random.oneIn(SILENT_ONE_IN)) return
    if (random.oneIn(2)) answer()
    else network.agenda.after(random.below(ANSWER_MS_MAX), () => this.#process.run(answer))
  }

  /** The owner of a name has sent something. */
  fromOwner({ name, era, revision }: Letter): void {
    const text = NAMES[name - 1]!
    const token: FenceToken = [era, revision]
    if (!this.#cluster.names.accepts(text, token)) return
    this.#world.book.accepted(this.#process.name, text, token)
  }

  /** A call has ended. */
  end(id: number, how: string, sent: 'no' | 'maybe' | undefined): void {
    this.#calls.delete(id)
    this.#world.book.end(id, how, sent, this.#cluster.tickMs * LATE_TICKS)
  }

  /** A session with a peer has ended: the next send is the first of another one. */
  ended(peer: ClusterPeer): void {
    const key = nameOf(peer)
    this.#streams.set(key, (this.#streams.get(key) ?? 0) + 1)
    for (const way of this.#sends.keys()) if (way.startsWith(`${key} `)) this.#sends.delete(way)
  }

  replaced(): void {
    this.isReplaced = true
    this.claims.clear()
  }

  full(peer: ClusterPeer, isFull: boolean): void {
    assert.notEqual(this.#full.has(nameOf(peer)), isFull, `${nameOf(peer)}: told twice`)
    if (isFull) this.#full.add(nameOf(peer))
    else this.#full.delete(nameOf(peer))
  }

  // --- checks
  // -------------------------------------------------------------------------------------

  /** The store loses its memory: what is owned now is owned still. */
  remember(): void {
    const { names } = this.#cluster
    this.#remembered = new Set([...this.claims].filter((name) => names.token(name) !== undefined))
  }

  hasRemembered(name: string): boolean {
    return this.#remembered.has(name) && this.#cluster.names.token(name) !== undefined
  }

  check(): void {
    for (const { link } of this.#cluster.peers) {
      if (link === undefined) continue
      const { outstandingBytes, waitingBytes } = link
      assert.ok(outstandingBytes <= LINK_WINDOW_BYTES_MAX, `${outstandingBytes} bytes outstanding`)
      assert.ok(waitingBytes <= 2 * LINK_QUEUE_BYTES_MAX, `${waitingBytes} bytes wait`)
    }
  }

  checkQuiet(): void {
    for (const { link, node } of this.#cluster.peers) {
      if (link === undefined) continue
      const { openRequests, outstandingBytes, waitingBytes, assemblies } = link
      const left = { openRequests, outstandingBytes, waitingBytes, assemblies }
      const none = { openRequests: 0, outstandingBytes: 0, waitingBytes: 0, assemblies: 0 }
      assert.deepEqual(left, none, `${this.#process.name} → ${node}: something is left`)
    }
    assert.deepEqual([...this.#full], [], `${this.#process.name}: peers are full of nothing`)
  }
}
