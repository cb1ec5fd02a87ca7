/** All that a simulated node is told, and whether it can be true. */
import assert from 'node:assert/strict'
import { isSkynetError } from '../../base/errors.ts'
import type { ClusterNodeHost, ClusterPeer } from '../../cluster/core/cluster-node.ts'
import type { PeerState } from '../../cluster/core/members.ts'
import type { FenceToken } from '../../cluster/core/records.ts'
import { readLetter } from './letter.ts'
import { nameOf } from './name-of.ts'
import type { ProcessWorld, ServicesProcess, SimServices } from './sim-services.ts'

const RESPONSE = 1

/** What is told to a process, and what of it is asked. */
export interface ToldProcess extends ServicesProcess {
  readonly services: SimServices
  /** Its own clock. */
  now(): number
}

export class SimHost implements ClusterNodeHost {
  readonly #process: ToldProcess
  readonly #world: ProcessWorld
  #isPending = false
  /** Of each peer, by its epoch, what was told last. */
  readonly #states = new Map<string, PeerState>()
  /** As it joined last; 0: it never did. */
  epoch = 0

  constructor(process: ToldProcess, world: ProcessWorld) {
    this.#process = process
    this.#world = world
  }

  get #name(): string {
    return this.#process.name
  }

  takePending(): boolean {
    const isPending = this.#isPending
    this.#isPending = false
    return isPending
  }

  now(): number {
    return this.#process.now()
  }

  random(): number {
    return this.#world.random.next() / 2 ** 32
  }

  pending(): void {
    this.#isPending = true
  }

  joined(epoch: number): void {
    assert.ok(epoch > this.epoch, `${this.#name} joins as ${epoch} after ${this.epoch}`)
    this.epoch = epoch
    this.#world.trace(`${this.#name} joined as ${epoch}`)
  }

  overtaken(how: string): void {
    this.#world.trace(`${this.#name} overtaken: ${how}`)
    if (how !== 'replaced') return
    this.#process.services.replaced()
  }

  node(peer: ClusterPeer, state: PeerState): void {
    const key = nameOf(peer)
    const last = this.#states.get(key)
    this.#world.trace(`${this.#name} sees ${key} ${state}`)
    assert.notEqual(last, state, `${this.#name} is told twice of ${key}: ${state}`)
    assert.notEqual(last, 'down', `${this.#name} is told of ${key} after its down: ${state}`)
    if (last === undefined) assert.ok(state === 'up' || state === 'draining', `first: ${state}`)
    this.#states.set(key, state)
  }

  acting(isActing: boolean): void {
    this.#world.trace(`${this.#name} acts: ${isActing}`)
  }

  store(isThere: boolean, reason: unknown): void {
    const why = (reason as Error | undefined)?.message ?? ''
    this.#world.trace(`${this.#name} store: ${isThere} ${why}`)
  }

  failed(reason: unknown): void {
    if (!isSkynetError(reason, 'ERR_NODE_NAME_TAKEN')) throw reason
    this.#world.trace(`${this.#name} finds its name taken`)
    this.#process.services.replaced()
  }

  refused(_name: string, reason: unknown): void {
    throw reason
  }

  owned(name: string, token: FenceToken): void {
    this.#world.trace(`${this.#name} owns ${name} ${token}`)
    this.#world.book.owns(name, token, `${this.#name} ${this.epoch}`)
    this.#world.checkTaken(name, token, this.#process.spot)
  }

  taken(): void {}

  owner(): void {}

  fenced(name: string, token: FenceToken): void {
    this.#world.trace(`${this.#name} fenced from ${name} ${token}`)
    this.#process.services.claims.delete(name)
  }

  deliver(
    peer: ClusterPeer,
    type: number,
    to: number,
    source: number,
    session: number,
    remainingMs: number,
    bytes: Uint8Array,
    from: number,
    length: number,
  ): void {
    this.#checkNotDown(peer, 'a message')
    const letter = readLetter(bytes, from, length)
    const { stream, send, number } = letter
    const { book } = this.#world
    const { services } = this.#process
    const way = `${nameOf(peer)} → ${this.#process.spot} ${this.epoch}, ${source} ${to}`
    book.came(way, stream, send, number)
    if (type === RESPONSE) {
      services.end(session, 'its answer', undefined)
      return
    }
    if (letter.name > 0) services.fromOwner(letter)
    if (session === 0) return
    assert.ok(remainingMs > 0, 'what has no time left is not run')
    book.ran(letter.call)
    services.asked(peer, source, to, session)
  }

  lost(
    peer: ClusterPeer,
    _source: number,
    session: number,
    sent: 'no' | 'maybe',
    why: string,
  ): void {
    this.#checkNotDown(peer, 'a lost call')
    this.#process.services.end(session, why, sent)
  }

  ended(peer: ClusterPeer, why: string, dropped: number): void {
    this.#checkNotDown(peer, 'a session')
    this.#world.trace(`${this.#name} → ${nameOf(peer)} session ended: ${why}, ${dropped} dropped`)
    this.#process.services.ended(peer)
  }

  full(peer: ClusterPeer, isFull: boolean): void {
    this.#checkNotDown(peer, 'a full link')
    this.#process.services.full(peer, isFull)
  }

  #checkNotDown(peer: ClusterPeer, what: string): void {
    const state = this.#states.get(nameOf(peer))
    assert.notEqual(state, 'down', `${this.#name}: ${what} of ${nameOf(peer)} after its down`)
  }
}
