/** What moves the frames of one simulated node. */
import type { NodeTransport } from '../../cluster/core/cluster-node.ts'
import type {
  ClusterSelf,
  NodeRecord,
  PeerAddress,
  TransportEvents,
} from '../../cluster/core/transport.ts'
import type { Hub, HubClient } from './hub.ts'
import { Later } from './later.ts'
import { nameOf } from './name-of.ts'
import { type ClusterNetwork, HUB, type NetworkEnd, type Spot } from './network.ts'

/** What a transport needs of its process. */
export interface SimPlace {
  readonly spot: Spot
  readonly node: string
  readonly isAlive: boolean
  /** Do it in the process: now, or when it goes on. */
  run(task: () => void): void
}

export class SimTransport implements NodeTransport, HubClient, NetworkEnd {
  events: TransportEvents = NOBODY
  readonly node: string
  readonly #process: SimPlace
  readonly #network: ClusterNetwork
  readonly #hub: Hub
  #self: ClusterSelf | undefined
  readonly #known = new Map<string, NodeRecord>()
  /** Frames under way to each peer, and whether somebody waits for room. */
  readonly #underWay = new Map<string, number>()
  readonly #waits = new Set<string>()

  constructor(process: SimPlace, network: ClusterNetwork) {
    this.#process = process
    this.#network = network
    this.#hub = network.hub
    this.node = process.node
  }

  get isThere(): boolean {
    return this.#process.isAlive
  }

  get spot(): Spot {
    return this.#process.spot
  }

  open(): PromiseLike<readonly string[]> {
    const opened = new Later<readonly string[]>()
    this.#hub.clients.add(this)
    opened.resolve([`spot ${this.spot}`])
    return opened
  }

  start(self: ClusterSelf): void {
    this.#self = self
    this.#network.register(self, this)
  }

  peerKnown(record: NodeRecord): void {
    this.#known.set(nameOf(record), record)
  }

  peerGone(peer: PeerAddress): void {
    this.#known.delete(nameOf(peer))
  }

  send(to: PeerAddress, frame: Uint8Array, ticket: number): boolean {
    const name = nameOf(to)
    const underWay = this.#underWay.get(name) ?? 0
    if (underWay >= this.#network.framesMax) {
      this.#waits.add(name)
      return false
    }
    const from = this.#self
    if (from === undefined) return true
    this.#underWay.set(name, underWay + 1)
    const bytes = frame.slice()
    const there = this.#network.find(to)
    const gone = (): void => this.#left(to)
    if (there === undefined) this.refuse(to, ticket)
    else if (this.#network.loses()) this.#network.agenda.after(1, gone)
    else {
      this.#network.carry(this.spot, there.spot, {
        arrive: () => {
          if (!there.isThere || !there.take(from, to, bytes, gone)) this.refuse(to, ticket)
        },
        lost: gone,
      })
    }
    return true
  }

  beat(frame: Uint8Array): void {
    const bytes = frame.slice()
    this.#network.pipe(this.spot, HUB).send({ arrive: () => this.#hub.beat(bytes), lost: ignore })
    if (!this.#network.isDirect) return
    for (const record of this.#known.values()) {
      const there = this.#network.find(record)
      if (there === undefined) continue
      const arrive = (): void => there.hear(bytes)
      this.#network.carry(this.spot, there.spot, { arrive, lost: ignore })
    }
  }

  // --- of the hub
  // ---------------------------------------------------------------------------------

  bring(run: () => void): void {
    if (!this.isThere) return
    this.#network.pipe(HUB, this.spot).send({ arrive: () => this.#process.run(run), lost: ignore })
  }

  /** A beat that was brought. */
  heard(bytes: Uint8Array): void {
    this.events.beat(bytes)
  }

  hear(bytes: Uint8Array): void {
    this.#process.run(() => this.events.beat(bytes))
  }

  cut(): void {
    this.#process.run(() => this.events.reset('all'))
    this.#network.agenda.after(1, () => this.#process.run(() => this.events.restored()))
  }

  /** The way to and from that one was cut. */
  cutTo(other: SimTransport): void {
    const peer = other.#self
    if (peer !== undefined) this.#process.run(() => this.events.reset(peer))
  }

  take(from: PeerAddress, to: PeerAddress, bytes: Uint8Array, gone: () => void): boolean {
    if (this.#self?.epoch !== to.epoch) return false
    this.#process.run(() => {
      gone()
      this.events.frame(from, bytes, 0, bytes.length)
    })
    return true
  }

  /** Tell that nobody got it. */
  refuse(to: PeerAddress, ticket: number): void {
    this.#network.agenda.after(1, () => {
      this.#left(to)
      this.#process.run(() => this.events.refused(to, ticket))
    })
  }

  #left(to: PeerAddress): void {
    const name = nameOf(to)
    this.#underWay.set(name, Math.max(0, (this.#underWay.get(name) ?? 0) - 1))
    if (!this.#waits.delete(name)) return
    this.#network.agenda.after(0, () => this.#process.run(() => this.events.writable(to)))
  }
}

const ignore = (): void => undefined
const NOBODY: TransportEvents = {
  frame: ignore,
  beat: ignore,
  writable: ignore,
  refused: ignore,
  reset: ignore,
  restored: ignore,
}
