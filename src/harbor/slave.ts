/**
 * One slave of a harbor cluster, without its sockets: which other harbors there are, and which
 * handle has which global name. Skynet's `cslave`.
 *
 *   state        begins                                    ends
 *   unknown      nobody has told of it
 *   connecting   the master has told where it is (C)       it is connected, or cannot be
 *   up           its connection stands, in either way      that ends, or the master says D
 *   down         for good: handles of it mean nobody       never
 */
import { HARBOR_NAMES_MAX } from '../base/limits.ts'
import type { ToMaster, ToSlave } from './control.ts'

export type HarborState = 'unknown' | 'connecting' | 'up' | 'down'

/** What a slave needs of who has the connections. */
export interface SlaveHost {
  tell(message: ToMaster): void
  /** Connect to that harbor, then `connected`; or `lost`, when that fails. */
  connect(harbor: number, address: string): void
  /** The harbor is up: what waits for it may leave. */
  up(harbor: number): void
  /** It is down: close its connection, and whoever waits for it is told why. */
  down(harbor: number, reason: string): void
  /** Some slave has that name. Told of each that the master tells. */
  named(name: string, handle: number): void
  /** All who were there before have connected, or are gone. Nobody else connects to this slave. */
  joined(): void
}

export class Slave {
  readonly #host: SlaveHost
  readonly #harbor: number
  readonly #states = new Map<number, HarborState>()
  readonly #names = new Map<string, number>()
  /** So many were there before this slave, and connect to it; undefined: it was not told yet. */
  #awaited: number | undefined
  /** Of those, so many have connected, or will not any more. */
  #settled = 0
  /** Those that came later: they are connected to once it has joined. */
  readonly #later = new Map<number, string>()
  #hasJoined = false

  constructor(host: SlaveHost, harbor: number) {
    this.#host = host
    this.#harbor = harbor
  }

  /** Harbors that were told of, and their states. */
  get harbors(): ReadonlyMap<number, HarborState> {
    return this.#states
  }

  get hasJoined(): boolean {
    return this.#hasJoined
  }

  /** How far it has come: for who waits until it has joined, in vain. */
  get progress(): string {
    if (this.#awaited === undefined) return 'the master has not answered'
    return `${this.#settled} of ${this.#awaited} harbors have connected`
  }

  stateOf(harbor: number): HarborState {
    return this.#states.get(harbor) ?? 'unknown'
  }

  /** Undefined: it is not known here. */
  handleOf(name: string): number | undefined {
    return this.#names.get(name)
  }

  /** Say hello to the master. `address`: where others connect to this slave. */
  begin(address: string): void {
    this.#host.tell(['H', this.#harbor, address])
  }

  /** What the master says. What it has said before, or of this very slave, changes nothing. */
  heard(message: ToSlave): void {
    switch (message[0]) {
      case 'W':
        this.#awaited ??= message[1]
        this.#settle(0)
        return
      case 'C':
        this.#newcomer(message[1], message[2])
        return
      case 'N':
        this.#named(message[1], message[2])
        return
      case 'D':
        this.#gone(message[1])
    }
  }

  #newcomer(harbor: number, address: string): void {
    if (harbor === this.#harbor || this.stateOf(harbor) !== 'unknown') return
    this.#states.set(harbor, 'connecting')
    if (this.#hasJoined) this.#host.connect(harbor, address)
    else this.#later.set(harbor, address)
  }

  /** A master of Skynet tells a name anew with a handle that it has not taken itself. */
  #named(name: string, handle: number): void {
    const owner = this.#names.get(name) ?? handle
    if (this.#names.size < HARBOR_NAMES_MAX) this.#names.set(name, owner)
    this.#host.named(name, owner)
  }

  #gone(harbor: number): void {
    if (harbor === this.#harbor) return
    const state = this.stateOf(harbor)
    this.lost(harbor, 'it has left the master')
    // One that was awaited, and will not come any more.
    if (state === 'unknown') this.#settle(1)
  }

  /**
   * Somebody has connected, and says that it is that harbor. False: it is none that is awaited, and
   * has to be closed.
   */
  accepted(harbor: number): boolean {
    if (this.#hasJoined || harbor === 0 || harbor === this.#harbor) return false
    if (this.stateOf(harbor) !== 'unknown') return false
    this.#rise(harbor)
    this.#settle(1)
    return true
  }

  /** The connection that was asked for stands. False: it is not wanted any more. */
  connected(harbor: number): boolean {
    if (this.stateOf(harbor) !== 'connecting') return false
    this.#rise(harbor)
    return true
  }

  #rise(harbor: number): void {
    this.#states.set(harbor, 'up')
    this.#host.up(harbor)
  }

  /** Its connection has ended, or could not be made. */
  lost(harbor: number, reason: string): void {
    if (this.stateOf(harbor) === 'down') return
    this.#later.delete(harbor)
    this.#states.set(harbor, 'down')
    this.#host.down(harbor, reason)
  }

  #settle(count: number): void {
    this.#settled += count
    // One may connect before the master has told how many are there.
    if (this.#hasJoined || this.#awaited === undefined || this.#settled < this.#awaited) return
    this.#hasJoined = true
    this.#host.joined()
    for (const [harbor, address] of this.#later) this.#host.connect(harbor, address)
    this.#later.clear()
  }

  /** Ask the master for the handle of a name that is not known here: `named` tells it. */
  query(name: string): void {
    this.#host.tell(['Q', name])
  }

  /** Ask the master to give a name to a handle: `named` tells whose it is. */
  register(name: string, handle: number): void {
    // Asked first: should somebody have it, that is told before the answer to what comes behind.
    this.#host.tell(['Q', name])
    this.#host.tell(['R', name, handle])
  }
}
