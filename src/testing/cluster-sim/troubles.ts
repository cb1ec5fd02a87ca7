/** What is done to a simulated cluster: ways that are cut and heal, a hub and a store that fail. */
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
      if (isForgetful) this.#world.hub.bornAt = this.#world.agenda.now
      for (const process of this.#world.processes) process.cutOff()
    })
  }

  /** The store forgets all. */
  forget(): void {
    this.#era = Math.max(this.#era + 1, this.#firstEra + Math.ceil(this.#world.agenda.now))
    this.#world.hub.forget(this.#era, () => this.#world.random.below(LOST_WATCH_MS_MAX))
    this.#world.trace(`new era ${this.#era}`)
    for (const process of this.#world.processes) process.services.remember()
  }

  healAll(): void {
    while (this.healOne(this.#world.random.oneIn(2)));
    this.#world.network.lossOneIn = 0
    this.#world.hub.storeOutUntil = 0
  }
}
