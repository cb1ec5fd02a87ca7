/** Nodes of a cluster in the hand of a test: time, beats and the store do what it says, at once. */
import { SkynetError } from '../../base/errors.ts'
import { Later } from '../../testing/cluster-sim/later.ts'
import { ClusterNode, type ClusterNodeHost, type NodeTransport } from './cluster-node.ts'
import type { FenceToken } from './records.ts'
import type { StoreEntry } from './store.ts'
import { StoreTable } from './store-table.ts'
import type { ViewedStore } from './store-view.ts'
import type { TransportEvents } from './transport.ts'

export const LEASE_MS = 3000
const ERA = 1_000_000
const ignore = (): void => undefined

const lostStore = (): SkynetError => new SkynetError('ERR_STORE_LOST', { reason: 'a test says so' })

/** A store that answers on the spot, when a test says so, or not at all. */
export class HandStore {
  table = new StoreTable(ERA)
  ageMs = 0
  /** Nothing that is asked is answered. */
  isMute = false
  /** What is asked is on its way, until it `arrives`. */
  late: (() => void)[] | undefined
  /** Every write is lost, though the watch is well. */
  losesWrites = false
  readonly #lost = new Set<(reason: unknown) => void>()

  /** It was restarted, and remembers nothing. */
  forget(): void {
    this.table = new StoreTable(this.table.era + 1000)
    this.cut()
  }

  /** What was on its way is done now; what is asked then is on its way again. */
  arrive(): void {
    for (const settle of this.late!.splice(0)) settle()
  }

  cut(): void {
    for (const lost of [...this.#lost]) lost(lostStore())
  }

  /**
   * As one node has it.
   *
   * @param ahead Its watches count so many revisions that never were.
   */
  client(ahead = (): number => 0): ViewedStore {
    let { table } = this
    const answer = <T>(run: () => T): PromiseLike<T> => {
      const later = new Later<T>()
      const settle = (): void => {
        try {
          later.resolve(run())
        } catch (error) {
          later.reject(error)
        }
      }
      if (this.late !== undefined) this.late.push(settle)
      else if (!this.isMute) settle()
      return later
    }
    return {
      open: () =>
        answer(() => {
          table = this.table
          return { era: table.era, ageMs: this.ageMs, revision: table.revision }
        }),
      cas: (key, value, revision) =>
        answer(() => {
          if (this.losesWrites || table !== this.table) throw lostStore()
          return table.cas(key, value, revision)
        }),
      watch: (each, lost) => {
        const tell = (entry: StoreEntry): void =>
          each({ ...entry, revision: entry.revision + ahead() })
        return this.#watch(table, tell, lost)
      },
    }
  }

  #watch(
    table: StoreTable,
    each: (entry: StoreEntry) => void,
    lost: (reason: unknown) => void,
  ): ReturnType<ViewedStore['watch']> {
    const ready = new Later<void>()
    const end = table.watch(each)
    const close = (): void => {
      end()
      this.#lost.delete(lose)
    }
    const lose = (reason: unknown): void => {
      close()
      lost(reason)
    }
    this.#lost.add(lose)
    ready.resolve(undefined)
    return { ready, close }
  }
}

/** One node, and what it was told. */
export class HandNode {
  readonly node: ClusterNode
  readonly told: string[] = []
  readonly transport: NodeTransport
  /** Its own beats do not get through, or it gets none. */
  isCut = false
  /** So many revisions more are counted by the server that it hears the store from. */
  ahead = 0
  /** Nothing of it runs; beats wait. */
  isStopped = false
  readonly waiting: Uint8Array[] = []
  events: TransportEvents | undefined

  constructor(cluster: HandCluster, name: string) {
    const self = this
    this.transport = {
      get events(): TransportEvents {
        return self.events!
      },
      set events(events: TransportEvents) {
        self.events = events
      },
      open: () => {
        const opened = new Later<readonly string[]>()
        opened.resolve([])
        return opened
      },
      start: ignore,
      peerKnown: ignore,
      peerGone: ignore,
      send: () => true,
      beat: (bytes) => cluster.beat(this, bytes),
    }
    const options = { node: name, build: 'test', leaseMs: LEASE_MS, transport: this.transport }
    const store = cluster.store.client(() => this.ahead)
    this.node = new ClusterNode({ ...options, store }, this.#host(cluster))
  }

  #host(cluster: HandCluster): ClusterNodeHost {
    const say = (text: string): void => void this.told.push(text)
    return {
      now: () => cluster.now,
      random: () => ++cluster.count / 2 ** 16,
      pending: ignore,
      joined: ignore,
      overtaken: (how) => say(`overtaken ${how}`),
      node: (peer, state) => say(`${peer.node} ${state}`),
      acting: ignore,
      store: ignore,
      failed: (reason) => say(`failed ${(reason as SkynetError).code}`),
      deliver: ignore,
      lost: ignore,
      ended: ignore,
      full: ignore,
      owned: (name, token) => say(`owned ${name} ${textOf(token)}`),
      taken: (name, owner) => say(`taken ${name} by ${owner.node}`),
      refused: (name, reason) => say(`refused ${name} ${(reason as SkynetError).code}`),
      fenced: (name, token) => say(`fenced ${name} ${textOf(token)}`),
      owner: ignore,
    }
  }

  /** What it was told since it was asked last. */
  take(): string[] {
    return this.told.splice(0)
  }

  goOn(): void {
    this.isStopped = false
    this.node.tick()
    for (const bytes of this.waiting.splice(0)) this.events!.beat(bytes)
  }
}

/** The era counted from the first. */
const textOf = ([era, revision]: FenceToken): string => `${(era - ERA) / 1000}.${revision}`

export class HandCluster {
  now = 0
  count = 0
  readonly store = new HandStore()
  readonly nodes: HandNode[] = []

  add(name: string): HandNode {
    const node = new HandNode(this, name)
    this.nodes.push(node)
    node.node.start()
    return node
  }

  /** The process is no more. */
  kill(node: HandNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1)
    node.node.close()
  }

  beat(from: HandNode, bytes: Uint8Array): void {
    if (from.isCut) return
    for (const to of [...this.nodes]) {
      if (to.isStopped) to.waiting.push(bytes)
      else if (!to.isCut) to.events!.beat(bytes)
    }
  }

  pass(ms: number): void {
    const end = this.now + ms
    while (this.now < end) {
      this.now += 100
      for (const node of [...this.nodes]) if (!node.isStopped) node.node.tick()
    }
  }
}
