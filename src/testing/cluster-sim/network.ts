/**
 * What lies between simulated nodes: a way for each pair and direction, and the hub. Frames go by
 * way of the hub (as with a broker), or straight (as over TCP): then beats go both ways.
 */
import type { PeerAddress } from '../../cluster/core/transport.ts'
import type { Random } from '../sim/random.ts'
import type { Agenda } from './agenda.ts'
import type { Hub } from './hub.ts'
import { nameOf } from './name-of.ts'
import { type Delays, Pipe, type SimParcel } from './pipe.ts'

/** Where a way begins or ends. */
export type Spot = number
export const HUB: Spot = 0

/** Who takes what is brought to a node. */
export interface NetworkEnd {
  readonly spot: Spot
  readonly isThere: boolean
  /** A beat. */
  hear(bytes: Uint8Array): void
  /** A frame; `gone` once it is read. False: it is for another epoch. */
  take(from: PeerAddress, to: PeerAddress, bytes: Uint8Array, gone: () => void): boolean
}

export class ClusterNetwork {
  readonly agenda: Agenda
  readonly random: Random
  readonly hub: Hub
  readonly isDirect: boolean
  /** Frames that may be under way from one node to another. */
  readonly framesMax: number
  /** Of so many frames one is lost without a word. 0: none. */
  lossOneIn = 0
  readonly #delays: Delays
  readonly #pipes = new Map<string, Pipe>()
  /** By node and epoch, who has started there. */
  readonly #ends = new Map<string, NetworkEnd>()

  constructor(
    agenda: Agenda,
    random: Random,
    hub: Hub,
    about: { readonly isDirect: boolean; readonly framesMax: number; readonly delays: Delays },
  ) {
    this.agenda = agenda
    this.random = random
    this.hub = hub
    this.isDirect = about.isDirect
    this.framesMax = about.framesMax
    this.#delays = about.delays
  }

  pipe(from: Spot, to: Spot): Pipe {
    const key = `${from} ${to}`
    let pipe = this.#pipes.get(key)
    if (pipe === undefined) {
      pipe = new Pipe(this.agenda, this.random, this.#delays)
      this.#pipes.set(key, pipe)
    }
    return pipe
  }

  get pipes(): Iterable<Pipe> {
    return this.#pipes.values()
  }

  register(address: PeerAddress, end: NetworkEnd): void {
    this.#ends.set(nameOf(address), end)
  }

  find(address: PeerAddress): NetworkEnd | undefined {
    const end = this.#ends.get(nameOf(address))
    return end?.isThere === true ? end : undefined
  }

  /** The next frame is lost. */
  loses(): boolean {
    return this.lossOneIn > 0 && this.random.oneIn(this.lossOneIn)
  }

  /** Bring something from one place to another; by way of the hub when that is how it goes. */
  carry(from: Spot, to: Spot, parcel: SimParcel): void {
    if (this.isDirect) {
      this.pipe(from, to).send(parcel)
      return
    }
    this.pipe(from, HUB).send({
      arrive: () => {
        if (this.hub.isDown) parcel.lost()
        else this.pipe(HUB, to).send(parcel)
      },
      lost: () => parcel.lost(),
    })
  }
}
