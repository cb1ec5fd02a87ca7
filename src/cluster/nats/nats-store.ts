/** The store of a cluster: a bucket of NATS. Nothing in it expires. */
import { randomBytes } from 'node:crypto'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import {
  clearInterval,
  clearTimeout,
  delay,
  monotonicNow,
  setInterval,
  setTimeout,
} from '../../base/event-loop.ts'
import { NATS_WATCH_IDLE_MS } from '../../base/limits.ts'
import type { ClusterStore, OpenedStore, StoreEntry, StoreWatch } from '../core/store.ts'
import { storeLost } from './faults.ts'
import { Forgetting } from './forgetting.ts'
import { Hearing } from './hearing.ts'
import { JetStream, type Led, TOUCHED } from './jet-stream.ts'
import type { ClientUser, NatsClient } from './nats-client.ts'
import { type Begun, NatsWatch, type WatchHost } from './nats-watch.ts'

export class NatsStore implements ClusterStore, ClientUser, WatchHost {
  readonly #client: NatsClient
  readonly #stream: JetStream
  readonly #watches = new Set<NatsWatch>()
  readonly #hearing = new Hearing()
  readonly #forgetting: Forgetting
  /**
   * Of subjects that nobody had before: a server goes on for seconds with the watches of a process
   * that was killed.
   */
  readonly #instance = randomBytes(8).toString('hex')
  #watchCount = 0
  /**
   * Not after a cut, nor after a lost watch: the server may have lost its memory, and what somebody
   * writes by a revision of before might fit another entry by chance.
   */
  #isOpen = false
  #isVerifying = false
  #isClosed = false

  constructor(client: NatsClient) {
    this.#client = client
    this.#stream = new JetStream(client)
    this.#forgetting = new Forgetting({
      now: monotonicNow,
      after,
      forget: (key, revision) => this.#stream.forget(key, revision),
    })
    client.use(this)
  }

  get keys(): string {
    return this.#stream.keys
  }

  /** @internal */
  get led(): Led {
    return this.#stream.led
  }

  async open(): Promise<OpenedStore> {
    if (this.#isClosed) throw storeLost('it was closed')
    const connection = await this.#client.open()
    this.#hearing.renew(connection)
    const opened = await this.#stream.open()
    this.#isOpen = this.#client.isUp && !this.#isClosed
    return opened
  }

  async cas(key: string, value: Uint8Array | undefined, revision: number): Promise<number> {
    this.#check()
    const other = (last: number): void => {
      // Else the server that a watch hears has another stream than the one that leads.
      if (last === 0 || last >= revision) this.#expect(last)
      else this.#failWatches(`the watch is wrong: ${key} is at ${last}, and ${revision} was told`)
    }
    const written = await this.#stream.write(key, value, revision, other).catch((error) => {
      void this.#verify(key)
      throw error
    })
    this.#expect(written)
    if (value === undefined) this.#forgetting.add(key, written)
    return written
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    this.#check()
    const stored = await this.#stream.read(key)
    if (stored !== undefined) this.#expect(stored.revision)
    return stored && { key, ...stored }
  }

  /** @internal Resolves once most of the servers have agreed to something behind this call. */
  async agree(): Promise<void> {
    this.#check()
    await this.#stream.agree()
  }

  watch(each: (entry: StoreEntry) => void, lost: (reason: unknown) => void): StoreWatch {
    const told = (entry: StoreEntry): void => {
      if (entry.key === TOUCHED) return
      if (entry.value === undefined && !watch.isReady)
        this.#forgetting.add(entry.key, entry.revision)
      each(entry)
    }
    const watch = new NatsWatch(this, told, (reason) => {
      this.#isOpen = false
      lost(reason)
    })
    this.#watches.add(watch)
    return watch
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isOpen = false
    this.#forgetting.close()
    for (const watch of [...this.#watches]) watch.close()
    await this.#client.leave(this)
  }

  /** @internal */
  now(): number {
    return monotonicNow()
  }

  /** @internal */
  every(ms: number, act: () => void): () => void {
    const timer = setInterval(act, ms)
    timer.unref()
    return () => clearInterval(timer)
  }

  /** @internal */
  async begin(take: (msg: Msg) => void, idleMs: number): Promise<Begun> {
    this.#check()
    const { inboxPrefix } = this.#client.options.subjects
    const subject = `${inboxPrefix}.w.${this.#instance}.${++this.#watchCount}`
    this.#hearing.add(subject, take)
    const end = (): void => this.#hearing.remove(subject)
    try {
      return { pending: await this.#stream.consume(subject, idleMs), end }
    } catch (error) {
      end()
      throw error
    }
  }

  /** @internal A lone server is the one that leads. */
  async last(): Promise<number | undefined> {
    return this.#client.isOfMany ? this.#stream.last() : undefined
  }

  /** @internal */
  has(revision: number): Promise<boolean> {
    return this.#stream.has(revision)
  }

  /** @internal */
  ended(watch: NatsWatch): void {
    this.#watches.delete(watch)
  }

  /** @internal */
  down(): void {
    this.#isOpen = false
  }

  /** @internal The server does not know its watches any more. */
  up(connection: NatsConnection): void {
    this.#hearing.renew(connection)
    this.#failWatches('the connection was cut')
  }

  /** @internal */
  denied(): void {}

  /**
   * Nobody knows what became of a write: whoever waits hears of it by a watch. Once the store
   * answers, make sure that none is behind what it has.
   */
  async #verify(key: string): Promise<void> {
    if (this.#isVerifying) return
    this.#isVerifying = true
    while (!this.#isClosed && this.#watches.size > 0) {
      const isAnswered = await this.#stream.read(key).then(
        (stored) => {
          this.#expect(stored?.revision ?? 0)
          return true
        },
        () => false,
      )
      if (isAnswered) break
      await delay(NATS_WATCH_IDLE_MS, undefined, { ref: false })
    }
    this.#isVerifying = false
  }

  #expect(revision: number): void {
    for (const watch of this.#watches) watch.expect(revision)
  }

  #failWatches(why: string): void {
    for (const watch of [...this.#watches]) watch.fail(storeLost(why))
  }

  #check(): void {
    if (!this.#isOpen) throw storeLost(this.#isClosed ? 'it was closed' : 'it must be opened again')
  }
}

function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
