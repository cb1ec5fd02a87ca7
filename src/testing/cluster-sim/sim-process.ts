/**
 * A process of a simulated cluster: a real `ClusterNode`, and the services behind it. It may be
 * stopped for a while, and end at any time.
 */
import { ClusterNode } from '../../cluster/core/cluster-node.ts'
import type { Spot } from './network.ts'
import { SimHost } from './sim-host.ts'
import { type ProcessWorld, SimServices } from './sim-services.ts'
import { SimStore } from './sim-store.ts'
import { type SimPlace, SimTransport } from './sim-transport.ts'

/** That may wait for one peer: so little that it happens. */
const LIMITS = { queueBytesMax: 1024, longBytesMax: 256 * 1024 } as const

export class SimProcess implements SimPlace {
  readonly spot: Spot
  readonly node: string
  readonly cluster: ClusterNode
  readonly transport: SimTransport
  readonly services: SimServices
  readonly host: SimHost
  readonly #world: ProcessWorld
  readonly #store: SimStore
  /** Its clock is not that of others. */
  readonly #clockMs: number
  isAlive = true
  /** When it was stopped or cut off last. */
  troubledAt = 0
  #hasLeft = false
  #stoppedUntil = 0
  #backlog: (() => void)[] = []

  constructor(world: ProcessWorld, spot: Spot, node: string) {
    this.#world = world
    this.spot = spot
    this.node = node
    this.#clockMs = world.random.below(100_000)
    this.transport = new SimTransport(this, world.network)
    this.services = new SimServices(this, world)
    this.host = new SimHost(this, world)
    const { variant, network, leaseMs } = world
    this.#store = new SimStore(this, network, this.transport)
    const parts = variant.parts(this.transport, this.#store, network, () => this.now())
    this.cluster = new ClusterNode({ node, build: 'sim', leaseMs, ...LIMITS, ...parts }, this.host)
    this.run(() => this.cluster.start())
    this.#tickLater()
  }

  /** Of whoever lives: what it is called in traces. */
  get name(): string {
    return `${this.node}/${this.spot}`
  }

  /** Node and epoch. */
  get address(): string {
    return `${this.node}#${this.cluster.epoch}`
  }

  /** Its own clock. */
  now(): number {
    return this.#time + this.#clockMs
  }

  /** The time of the world. */
  get #time(): number {
    return this.#world.network.agenda.now
  }

  get isStopped(): boolean {
    return this.#time < this.#stoppedUntil
  }

  /** It lives, and means to be a member. */
  get isMeant(): boolean {
    return this.isAlive && !this.services.isReplaced && !this.#hasLeft
  }

  run(task: () => void): void {
    if (!this.isAlive) return
    if (this.isStopped || this.#backlog.length > 0) {
      this.#backlog.push(task)
      return
    }
    task()
    this.#endTurn()
  }

  #endTurn(): void {
    while (this.host.takePending()) this.cluster.flush()
  }

  #tickLater(): void {
    this.#world.network.agenda.after(this.cluster.tickMs, () => {
      // A timer of a process that is stopped comes once, when it goes on.
      if (!this.isAlive || this.isStopped) return
      this.run(() => this.services.tick())
      this.#tickLater()
    })
  }

  /** SIGSTOP, and SIGCONT after so long: what has come meanwhile is read then. */
  stop(ms: number): void {
    if (!this.isAlive || this.isStopped) return
    const until = this.#time + ms
    this.#stoppedUntil = until
    this.services.stopped(ms)
    this.#world.network.agenda.at(until, () => {
      if (this.#stoppedUntil === until) this.#goOn()
    })
  }

  /** Nothing stops it any more. */
  goOn(): void {
    if (!this.isStopped) return
    this.#stoppedUntil = this.#time
    this.#goOn()
  }

  #goOn(): void {
    if (!this.isAlive) return
    this.troubledAt = this.#time
    const backlog = this.#backlog
    // Its timer comes somewhere between what has come meanwhile.
    const timerAt = this.#world.random.below(backlog.length + 1)
    for (let i = 0; i <= backlog.length && this.isAlive; i++) {
      if (i === timerAt) this.services.tick()
      backlog[i]?.()
      this.#endTurn()
    }
    this.#backlog = []
    if (this.isAlive) this.#tickLater()
  }

  /** Its connection with the hub was cut: what was under way is lost. */
  cutOff(): void {
    this.#world.network.hub.leave(this.transport)
    this.run(() => this.#store.cut())
    this.transport.cut()
  }

  kill(): void {
    this.isAlive = false
    this.#backlog = []
    const { hub } = this.#world.network
    hub.clients.delete(this.transport)
    hub.leave(this.transport)
    this.cluster.close()
    this.services.dropped()
  }

  leave(): void {
    this.run(() => {
      this.cluster.drain(() => undefined)
      this.services.claims.clear()
      this.cluster.names.releaseAll(() => {
        this.cluster.leave(() => {
          this.#hasLeft = true
          this.kill()
        })
      })
    })
  }
}
