/** What is done to a simulated cluster: ways that are cut and heal, a hub and a store that fail. */
import assert from 'node:assert/strict'
import { eraAfter, NODE_KEY } from '../../cluster/core/records.ts'
import type { Hub } from './hub.ts'
import { type ClusterNetwork, HUB, type Spot } from './network.ts'
import type { SimProcess } from './sim-process.ts'
import type { ProcessWorld } from './sim-services.ts'

/** A way that is cut, one or both directions of it. */
interface Cut {
  readonly one: Spot
  readonly other: Spot
  readonly isOneWay: boolean
}

/** After so long who watches a store knows that it was restarted. */
const LOST_WATCH_MS_MAX = 800

/**
 * By then somebody has found that a part of the memory was lost. Else nobody is left who knew, and
 * whoever comes would be given revisions again: whoever runs it has it begin anew.
 */
const FOUND_MS = 24_000
/** Whoever reaches the store so long is sure of what it has lost: three leases, and pauses. */
const SURE_MS = 12_000

export interface TroubledWorld extends ProcessWorld {
  readonly hub: Hub
  readonly network: ClusterNetwork
  readonly agenda: ClusterNetwork['agenda']
  readonly processes: readonly SimProcess[]
}

export class Troubles {
  readonly #world: TroubledWorld
  readonly #cuts: Cut[] = []
  readonly #firstEra: number
  #era: number
  /** Whose records the store has lost when it last lost a part of its memory. */
  #losers: readonly { readonly process: SimProcess; readonly revision: number }[] = []

  constructor(world: TroubledWorld, firstEra: number) {
    this.#world = world
    this.#firstEra = firstEra
    this.#era = firstEra
  }

  cut(one: Spot, other: Spot, isOneWay: boolean): void {
    this.#world.network.pipe(one, other).cut()
    if (!isOneWay) this.#world.network.pipe(other, one).cut()
    this.#cuts.push({ one, other, isOneWay })
  }

  /** @param isLost What was held there is lost, and both ends hear that it was cut. */
  healOne(isLost: boolean): boolean {
    const cut = this.#cuts.shift()
    if (cut === undefined) return false
    this.#heal(cut, isLost)
    return true
  }

  #heal({ one, other, isOneWay }: Cut, isLost: boolean): void {
    this.#world.network.pipe(one, other).heal(isLost)
    if (!isOneWay) this.#world.network.pipe(other, one).heal(isLost)
    for (const spot of [one, other]) if (spot !== HUB) this.#troubled(spot)
    if (!isLost) return
    for (const [at, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const process = this.#world.processes.find(({ spot }) => spot === at)
      if (process === undefined) continue
      if (to === HUB) process.cutOff()
      else {
        const peer = this.#world.processes.find(({ spot }) => spot === to)
        if (peer !== undefined) process.transport.cutTo(peer.transport)
      }
    }
  }

  #troubled(spot: Spot): void {
    for (const process of this.#world.processes) {
      if (process.spot === spot) process.troubledAt = this.#world.agenda.now
    }
  }

  isCut(spot: Spot): boolean {
    return this.#cuts.some(({ one, other }) => one === spot || other === spot)
  }

  /** The hub is away for a while: what is under way by it is lost. */
  restartHub(ms: number, isForgetful: boolean): void {
    if (this.#world.hub.isDown) return
    this.#world.hub.downUntil = this.#world.agenda.now + ms
    // A short one is a silence as any other.
    const isLong = ms >= this.#world.leaseMs / 4
    if (isLong) this.#world.hub.pauseSilence()
    for (const process of this.#world.processes) process.cutOff()
    if (isForgetful) this.forget()
    this.#world.agenda.after(ms, () => {
      if (isLong) this.#world.hub.resumeSilence()
      if (isForgetful) this.#world.hub.memory.reborn()
      for (const process of this.#world.processes) process.cutOff()
    })
  }

  /** The store forgets all. */
  forget(): void {
    const { memory } = this.#world.hub
    const now = this.#firstEra + Math.ceil(this.#world.agenda.now)
    this.#era = Math.max(this.#era + 1, memory.highest + 1, now)
    this.#world.hub.forget(this.#era, () => this.#world.random.below(LOST_WATCH_MS_MAX))
    this.#world.trace(`new era ${this.#era}`)
    for (const process of this.#world.processes) process.services.remember()
  }

  /** The store loses a part of what it has agreed to, and does not know. */
  lose(which: 'first' | 'last', count: number): void {
    const after = (): number => this.#world.random.below(LOST_WATCH_MS_MAX)
    const { agenda, hub } = this.#world
    const { memory } = hub
    const isAgain = memory.isForgetful
    const lost = hub.lose(which, count, after)
    this.#losers = this.#world.processes.flatMap((process) => {
      const entry = lost.find(({ key }) => key === NODE_KEY + process.node)
      const isLoser =
        !isAgain && entry !== undefined && process.isMeant && process.cluster.epoch > 0
      return isLoser ? [{ process, revision: which === 'first' ? Infinity : entry.revision }] : []
    })
    for (const process of this.#world.processes) process.services.remember()
    const { lostAt } = memory
    agenda.after(FOUND_MS, () => {
      if (!memory.isForgetful || memory.lostAt !== lostAt) return
      this.#checkNobodyKnew()
      memory.renew(eraAfter(memory.era, 0, 1), true)
    })
  }

  /**
   * Whose record was lost last, when all was well, and who was well since: he is sure of it, unless
   * others had written meanwhile as many as there were when he wrote.
   */
  get sure(): readonly SimProcess[] {
    const { lostAt, renewedFrom } = this.#world.hub.memory
    return this.#losers
      .filter(({ process, revision }) => process.troubledAt < lostAt && revision > renewedFrom)
      .flatMap(({ process }) => (this.isWell(process) ? [process] : []))
  }

  /** Unless the store was away, so that whoever knew had no time to be sure. */
  #checkNobodyKnew(): void {
    const { agenda, hub } = this.#world
    if (agenda.now - Math.max(hub.downUntil, hub.storeOutUntil) < SURE_MS) return
    const knew = this.sure.map(({ name }) => name).join(', ')
    assert.equal(knew, '', `the store has lost a part, and nobody says so: these knew: ${knew}`)
  }

  isWell(process: SimProcess): boolean {
    return process.isMeant && !process.isStopped && !this.isCut(process.spot)
  }

  healAll(): void {
    while (this.healOne(this.#world.random.oneIn(2)));
    this.#world.network.lossOneIn = 0
    const { agenda, hub } = this.#world
    hub.storeOutUntil = Math.min(hub.storeOutUntil, agenda.now)
  }
}
