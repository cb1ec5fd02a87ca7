/** Where clients come from: how many are there from each address, and may one more come now? */
import { homeOf } from '../base/home.ts'
import { SESSION_ADDRESSES_MAX } from '../base/limits.ts'

/** What clients of one address may do. 0: as they like. */
export interface AddressLimits {
  readonly connections: number
  readonly opensPerSecond: number
  /** Clients without a session, those whose end lingers included. */
  readonly strangers: number
}

/** A connection that counts at its address. */
export interface AddressPlace {
  /** It has a session, or nobody wants one for it any more: once. */
  known(): void
  /** It is over: once, before or behind `known`. */
  leave(): void
}

interface Home {
  /** Connections that are there. */
  count: number
  strangers: number
  /** Connections that may be opened now: fills with time, up to one second’s worth. */
  opens: number
  filledAt: number
}

const SECOND_MS = 1000
/** Where there is no limit. */
const UNCOUNTED: AddressPlace = { known() {}, leave() {} }

export class ClientAddresses {
  readonly #limits: AddressLimits
  readonly #now: () => number
  /** From which somebody is there. */
  readonly #there = new Map<string, Home>()
  /** From which nobody is there: the one that was left first is the first. */
  readonly #left = new Map<string, Home>()
  /**
   * Goes on where it was: a new one walks over all that were taken away in front. But V8 keeps for
   * an iterator all tables that its map has had since that looked: so there is a new one when as
   * many have come as the map is long.
   */
  #leftFirst = this.#left.keys()
  /** Who has come since there is that one. */
  #comers = 0

  constructor(limits: AddressLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** Somebody comes, as a stranger. @returns Why not; or his place. */
  enter(address: string): 'address' | 'opens' | AddressPlace {
    const { connections, opensPerSecond, strangers } = this.#limits
    if (connections === 0 && opensPerSecond === 0 && strangers === 0) return UNCOUNTED
    const name = homeOf(address)
    if (name === undefined) return UNCOUNTED
    const home = this.#there.get(name) ?? this.#leftOrNew(name)
    this.#fill(home)
    if (opensPerSecond > 0 && home.opens < 1) return 'opens'
    if (connections > 0 && home.count >= connections) return 'address'
    if (strangers > 0 && home.strangers >= strangers) return 'address'
    home.opens--
    home.count++
    home.strangers++
    this.#left.delete(name)
    this.#there.set(name, home)
    if (++this.#comers > this.#left.size) this.#fromFirst()
    return {
      known: () => {
        home.strangers--
        this.#look(name, home)
      },
      leave: () => {
        home.count--
        this.#look(name, home)
      },
    }
  }

  /** Is nobody there any more? */
  #look(name: string, home: Home): void {
    if (home.count > 0 || home.strangers > 0) return
    this.#there.delete(name)
    // All that is to be remembered is how often somebody came.
    if (this.#limits.opensPerSecond > 0) this.#left.set(name, home)
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#there.size + this.#left.size
  }

  /** It is the last one that will be forgotten. */
  #leftOrNew(name: string): Home {
    const known = this.#left.get(name)
    if (known === undefined) this.#forgetOne()
    else this.#left.delete(name)
    const home = known ?? { count: 0, strangers: 0, opens: this.#burst, filledAt: this.#now() }
    this.#left.set(name, home)
    return home
  }

  /** Of those from which somebody is there none: they are no more than there may be connections. */
  #forgetOne(): void {
    if (this.size < SESSION_ADDRESSES_MAX || this.#left.size === 0) return
    let next = this.#leftFirst.next()
    if (next.done === true) {
      this.#fromFirst()
      next = this.#leftFirst.next()
    }
    this.#left.delete(next.value!)
  }

  #fromFirst(): void {
    this.#leftFirst = this.#left.keys()
    this.#comers = 0
  }

  get #burst(): number {
    return Math.max(1, this.#limits.opensPerSecond)
  }

  #fill(home: Home): void {
    const now = this.#now()
    const more = ((now - home.filledAt) * this.#limits.opensPerSecond) / SECOND_MS
    home.opens = Math.min(this.#burst, home.opens + more)
    home.filledAt = now
  }
}
