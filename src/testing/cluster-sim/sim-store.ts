/** The store as one simulated node reaches it: by its ways to and from the hub. */
import { SkynetError } from '../../base/errors.ts'
import type { OpenedStore, StoreEntry } from '../../cluster/core/store.ts'
import type { ViewedStore } from '../../cluster/core/store-view.ts'
import { Later } from './later.ts'
import { type ClusterNetwork, HUB } from './network.ts'
import type { SimPlace, SimTransport } from './sim-transport.ts'

/**
 * How long the store may take until it is given up, and what it was asked may be done all the same.
 */
const ANSWER_MS = 1000
/** How often it is looked at whether the store is there again. */
const RETRY_MS = 50
/** Changes that a follower may be behind. */
const STALE_MAX = 6
/** A server may pass over a change; that is found out so much later, and the watch is lost. */
const PASSED_OVER_MS = 1000
/** What is told of changes may come later than what else is said. */
const LAGS_MS = [0, 0, 0, 100, 700] as const

export class SimStore implements ViewedStore {
  readonly #process: SimPlace
  readonly #network: ClusterNetwork
  readonly #client: SimTransport
  #era = 0
  /** It says how far it has come, as it must when servers may pass over changes. */
  readonly #tellsRevision: boolean
  #revision = 0
  /** Of each watch that runs, what tells that it is lost. */
  readonly #watches = new Set<(reason: unknown) => void>()

  constructor(process: SimPlace, network: ClusterNetwork, client: SimTransport) {
    this.#process = process
    this.#network = network
    this.#client = client
    this.#tellsRevision = network.random.oneIn(2)
  }

  open(): PromiseLike<OpenedStore> {
    const { hub } = this.#network
    return this.#ask(() => {
      const { era, revision } = hub.table
      this.#era = era
      this.#revision = revision
      return { era, ageMs: hub.ageMs, ...(this.#tellsRevision ? { revision } : {}) }
    })
  }

  cas(key: string, value: Uint8Array | undefined, revision: number): PromiseLike<number> {
    const { hub } = this.#network
    const era = this.#era
    return this.#ask(() => {
      // What was opened is one memory.
      if (hub.table.era !== era) throw lost('it was restarted')
      return hub.cas(key, value, revision)
    })
  }

  watch(
    each: (entry: StoreEntry) => void,
    failed: (reason: unknown) => void,
  ): { close(): void; readonly ready: PromiseLike<void> } {
    const { agenda, hub, random } = this.#network
    const ready = new Later<void>()
    let isClosed = false
    let end = (): void => undefined
    const fail = (reason: unknown): void => {
      if (this.#watches.delete(fail)) failed(reason)
    }
    this.#watches.add(fail)
    const stale = random.oneIn(4) ? random.below(STALE_MAX) : 0
    const lagMs = random.pick(LAGS_MS)
    const passesOver = this.#tellsRevision && random.oneIn(3)
    let isReady = false
    const era = this.#era
    this.#request(() => {
      if (isClosed) return
      if (hub.table.era !== era) {
        this.#client.bring(() => fail(lost('it was restarted')))
        return
      }
      end = hub.watch(
        this.#client,
        { from: this.#tellsRevision ? this.#revision : 0, stale, lagMs },
        (entry) => {
          if (isClosed) return
          if (isReady && passesOver && random.oneIn(4)) {
            const found = (): void => fail(lost('it has passed over a change'))
            agenda.after(PASSED_OVER_MS, () => this.#client.bring(found))
          } else each(entry)
        },
        fail,
        () => {
          isReady = true
          if (!isClosed) ready.resolve(undefined)
        },
      )
    })
    const close = (): void => {
      isClosed = true
      this.#watches.delete(fail)
      end()
    }
    return { close, ready }
  }

  /** The connection was cut: nothing more comes by it. */
  cut(): void {
    for (const fail of [...this.#watches]) fail(lost('the connection was cut'))
  }

  /** The answer comes back by the way from the hub; without one in time the store is lost. */
  #ask<T>(answer: () => T): PromiseLike<T> {
    const { agenda } = this.#network
    const later = new Later<T>()
    this.#request(() => {
      let bring: () => void
      try {
        const value = answer()
        bring = () => later.resolve(value)
      } catch (error) {
        bring = () => later.reject(error)
      }
      this.#client.bring(bring)
    })
    agenda.after(ANSWER_MS, () => {
      if (later.isSettled) return
      this.#process.run(() => later.reject(lost('it does not answer')))
    })
    return later
  }

  /** Some of what is asked while the store is out is done when it is there again, some is not. */
  #request(run: () => void): void {
    const { agenda, hub, random } = this.#network
    const attempt = (): void => {
      if (!hub.isStoreOut) run()
      else if (!hub.isDown && random.oneIn(2)) agenda.after(RETRY_MS, attempt)
    }
    this.#network.pipe(this.#process.spot, HUB).send({ arrive: attempt, lost: () => undefined })
  }
}

const lost = (reason: string): SkynetError => new SkynetError('ERR_STORE_LOST', { reason })
