/** One simulated cluster: its nodes, the network between them, the store; all from one seed. */
import assert from 'node:assert/strict'
import type { FenceToken } from '../../cluster/core/records.ts'
import { Random } from '../sim/random.ts'
import { Agenda } from './agenda.ts'
import { ClusterBook } from './book.ts'
import { Hub } from './hub.ts'
import { ClusterNetwork, type Spot } from './network.ts'
import type { Delays } from './pipe.ts'
import { SimProcess } from './sim-process.ts'
import { NAMES } from './sim-services.ts'
import { type TroubledWorld, Troubles } from './troubles.ts'
import type { Variant } from './variants.ts'

const NODES_MIN = 2
const NODES_MAX = 5
/** An era is a time: far from 0, as the real ones. */
const FIRST_ERA = 1_000_000
const DELAYS: readonly Delays[] = [
  { least: 0, most: 2 },
  { least: 1, most: 20 },
  { least: 5, most: 150 },
]
const FRAMES_MAX = [2, 8, 64] as const
const LOSSES = [0, 0, 0, 2000, 200, 40] as const

export class ClusterWorld implements TroubledWorld {
  readonly random: Random
  readonly agenda = new Agenda()
  readonly hub: Hub
  readonly network: ClusterNetwork
  readonly book: ClusterBook
  readonly troubles: Troubles
  readonly leaseMs = 3000
  readonly variant: Variant
  readonly processes: SimProcess[] = []
  readonly nodes: readonly string[]
  readonly #lines: string[] | undefined
  #spots = 0
  #falseDeath: string | undefined

  constructor(seed: number, variant: Variant, trace: string[] | undefined) {
    this.random = new Random(seed)
    this.variant = variant
    this.#lines = trace
    const { random } = this
    this.hub = new Hub(this.agenda, FIRST_ERA)
    this.book = new ClusterBook(this.agenda, this.leaseMs)
    this.troubles = new Troubles(this, FIRST_ERA)
    this.hub.onDeath = (node, epoch, silentMs) => this.#died(node, epoch, silentMs)
    this.hub.onDisplaced = (node, epoch, silentMs) => this.#displaced(node, epoch, silentMs)
    if (variant.hasTtl === true) this.hub.expire(this.leaseMs)
    this.network = new ClusterNetwork(this.agenda, random, this.hub, {
      isDirect: random.oneIn(2),
      framesMax: random.pick(FRAMES_MAX),
      delays: random.pick(DELAYS),
    })
    this.network.lossOneIn = random.pick(LOSSES)
    const count = random.between(NODES_MIN, NODES_MAX)
    this.nodes = Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i))
    for (const node of this.nodes) this.start(node)
  }

  trace(line: string): void {
    this.#lines?.push(`${Math.round(this.agenda.now)} ${line}`)
  }

  start(node: string): SimProcess {
    const process = new SimProcess(this, ++this.#spots, node)
    this.processes.push(process)
    return process
  }

  /** The process that has the name of a node now, if there is one. */
  at(node: string): SimProcess | undefined {
    return this.processes.findLast((each) => each.node === node && each.isMeant)
  }

  get meant(): SimProcess[] {
    return this.processes.filter(({ isMeant }) => isMeant)
  }

  actingFor(name: string): readonly string[] {
    return this.processes
      .filter((each) => each.isAlive && !each.isStopped && each.cluster.names.acts(name))
      .map((each) => `${each.name} (${each.cluster.names.token(name)})`)
  }

  // --- what must hold
  // -----------------------------------------------------------------------------

  #died(node: string, epoch: number, silentMs: number): void {
    this.trace(`${node}#${epoch} is dead, silent for ${silentMs}`)
    this.book.deaths++
    const process = this.at(node)
    if (process?.address !== `${node}#${epoch}`) return
    const isReplaced = this.processes.some((each) => each.node === node && each.host.epoch > epoch)
    if (isReplaced || silentMs >= this.leaseMs) return
    // Not thrown here: whoever has written it would take that for an answer of the store.
    this.#falseDeath ??= `${process.name} lives, was silent for ${silentMs} ms at most, and is dead`
  }

  /** A newcomer has the name of a node: nobody who lives and was heard may have lost it. */
  #displaced(node: string, epoch: number, silentMs: number): void {
    this.trace(`${node}#${epoch} is displaced, silent for ${silentMs}`)
    const process = this.processes.find(({ address }) => address === `${node}#${epoch}`)
    if (process?.isMeant !== true || silentMs >= this.leaseMs) return
    this.#falseDeath ??= `${process.name} lives, was silent for ${silentMs} ms, and is displaced`
  }

  /** A name has a new owner: nobody who is well may have lost it. */
  checkTaken(name: string, token: FenceToken, by: Spot): void {
    // One of an era before was not taken, but announced again.
    if (token[0] !== this.hub.table.era) return
    for (const process of this.processes) {
      if (process.spot === by || !process.services.hasRemembered(name)) continue
      const { hub, agenda } = this
      const isWell = process.isMeant && !process.isStopped && !this.troubles.isCut(process.spot)
      const isNew = agenda.now < hub.bornAt + this.leaseMs
      const wasWell = process.troubledAt < hub.bornAt - this.leaseMs * 2
      assert.ok(
        !isWell || !isNew || !wasWell,
        `${by} takes ${name}, which ${process.name} has, in the grace of a new era`,
      )
    }
  }

  check(): void {
    assert.ok(this.#falseDeath === undefined, this.#falseDeath ?? '')
    const graceMs = this.leaseMs / 10
    this.book.checkCalls(graceMs)
    for (const process of this.processes) if (process.isAlive) process.services.check()
  }

  /** All are members, see each other, and agree on who owns what. */
  checkAgreement(): void {
    const { meant } = this
    const addresses = meant.map(({ address }) => address).sort()
    for (const process of meant) {
      const { cluster, name } = process
      assert.ok(cluster.epoch > 0, `${name} is no member`)
      const seen = [...cluster.peers]
        .map(({ node, epoch, state }) => `${node}#${epoch} ${state}`)
        .concat(`${process.address} up`)
        .sort()
      assert.deepEqual(
        seen,
        addresses.map((each) => `${each} up`),
        `${name} sees other members`,
      )
    }
    for (const unique of NAMES) this.#checkName(unique, meant)
  }

  #checkName(unique: string, meant: readonly SimProcess[]): void {
    const owners = meant.filter(({ cluster }) => cluster.names.acts(unique))
    const isWanted = meant.some(({ services }) => services.claims.has(unique))
    const names = owners.map(({ name }) => name).join(', ')
    assert.equal(owners.length, isWanted ? 1 : 0, `${unique} is owned by: ${names || 'nobody'}`)
    for (const { cluster, name } of meant) {
      const owner = cluster.names.owner(unique)
      const seen = owner && `${owner.node}#${owner.epoch}`
      assert.equal(seen, owners[0]?.address, `${name} sees another owner of ${unique}`)
    }
  }

  checkEnd(): void {
    this.book.checkEnded()
    for (const process of this.meant) process.services.checkQuiet()
  }
}
