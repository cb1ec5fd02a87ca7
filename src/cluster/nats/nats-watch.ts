/**
 * A watch of all keys: messages that a server sends by itself, numbered, and a heartbeat while
 * there are none. One is missing, or it is silent: the watch is lost, and its user begins another.
 */
import type { Msg } from '@nats-io/transport-node'
import { clearInterval, monotonicNow, setInterval } from '../../base/event-loop.ts'
import { NATS_WATCH_IDLE_MS, NATS_WATCH_SILENT_MS } from '../../base/limits.ts'
import type { StoreEntry, StoreWatch } from '../core/store.ts'
import { storeLost } from './faults.ts'
import { OPERATION } from './jet-stream.ts'
import { wordOf } from './subjects.ts'

/** What a watch needs of its store. */
export interface WatchHost {
  /** Before each key, in the subject of its messages. */
  readonly keys: string
  /** Hear a subject of our own, and have the messages of all keys sent there. */
  begin(take: (msg: Msg) => void, idleMs: number): Promise<Begun>
  ended(watch: NatsWatch): void
}

export interface Begun {
  /** How many are there at the beginning. */
  readonly pending: number
  end(): void
}

const HEARTBEAT = 100
const LAST_SENT = 'Nats-Last-Consumer'
/**
 * A message says where it stands by the subject to answer it:
 * `$JS.ACK.<stream>.<consumer>.<times>.<revision>.<number>.<time>.<pending>`. Newer servers may
 * have two more in front.
 */
const PLACE = { revision: 5, number: 6, more: 2, newerCount: 11 } as const

export class NatsWatch implements StoreWatch {
  readonly ready: Promise<void>
  readonly #host: WatchHost
  readonly #each: (entry: StoreEntry) => void
  readonly #lost: (reason: unknown) => void
  readonly #silence: ReturnType<typeof setInterval>
  #settle!: { resolve(): void; reject(reason: unknown): void }
  #begun: Begun | undefined
  #isOver = false
  #isReady = false
  /** All that was there at the beginning has come. */
  #isWhole = false
  /** Messages so far, which is the number of the last one. */
  #count = 0
  #heardAt = monotonicNow()
  /** Of the last message. */
  #revision = 0
  /** There is one, and we have not seen it; since when that is known. 0: none. */
  #expected = 0
  #expectedAt = 0

  constructor(host: WatchHost, each: (entry: StoreEntry) => void, lost: (reason: unknown) => void) {
    this.#host = host
    this.#each = each
    this.#lost = lost
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // Whoever does not wait for it hears of it by `lost`.
    this.ready.catch(() => {})
    this.#silence = setInterval(() => this.#listen(), NATS_WATCH_IDLE_MS)
    this.#silence.unref()
    void this.#begin()
  }

  get isReady(): boolean {
    return this.#isReady
  }

  close(): void {
    this.#end(storeLost('the watch was closed'))
  }

  /** @internal There is an entry of that revision: a server that is behind may never show it. */
  expect(revision: number): void {
    if (revision <= this.#revision || this.#expected > 0) return
    this.#expected = revision
    this.#expectedAt = monotonicNow()
  }

  /** @internal It has ended by itself. */
  fail(reason: unknown): void {
    if (this.#isOver) return
    this.#end(reason)
    this.#lost(reason)
  }

  async #begin(): Promise<void> {
    try {
      const begun = await this.#host.begin((msg) => this.#take(msg), NATS_WATCH_IDLE_MS)
      if (this.#isOver) begun.end()
      this.#begun = begun
      this.#heardAt = monotonicNow()
      this.#look()
    } catch (error) {
      this.fail(error)
    }
  }

  #end(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#silence)
    this.#begun?.end()
    this.#settle.reject(reason)
    this.#host.ended(this)
  }

  #listen(): void {
    if (this.#begun === undefined) return
    const now = monotonicNow()
    if (now - this.#heardAt >= NATS_WATCH_SILENT_MS) {
      this.fail(storeLost(`the watch is silent for ${NATS_WATCH_SILENT_MS} ms`))
    } else if (this.#expected > 0 && now - this.#expectedAt >= NATS_WATCH_SILENT_MS) {
      this.fail(storeLost(`the watch is behind, at ${this.#revision} of ${this.#expected}`))
    }
  }

  #take(msg: Msg): void {
    if (this.#isOver) return
    this.#heardAt = monotonicNow()
    if (msg.headers?.code === HEARTBEAT) this.#compare(Number(msg.headers.get(LAST_SENT)))
    else this.#message(msg)
  }

  #message(msg: Msg): void {
    const tokens = (msg.reply ?? '').split('.')
    const more = tokens.length < PLACE.newerCount ? 0 : PLACE.more
    const revision = Number(tokens[PLACE.revision + more])
    const number = Number(tokens[PLACE.number + more])
    if (number !== this.#count + 1 || !Number.isSafeInteger(revision)) {
      this.fail(storeLost(`the watch has ${this.#count} messages, and the next is ${number}`))
      return
    }
    this.#count = number
    this.#revision = revision
    if (revision >= this.#expected) this.#expected = 0
    const key = msg.subject.slice(this.#host.keys.length).split('.').map(wordOf).join('.')
    const value = msg.headers?.has(OPERATION) === true ? undefined : new Uint8Array(msg.data)
    this.#each({ key, revision, value })
    this.#look()
  }

  /** @param number Of the last message that was sent, and no other waits to be. */
  #compare(number: number): void {
    if (number !== this.#count) {
      this.fail(storeLost(`the watch has ${this.#count} messages of ${number}`))
      return
    }
    // A message may be removed before it is sent: then there are fewer than were pending.
    this.#isWhole = true
    this.#look()
  }

  #look(): void {
    if (this.#begun === undefined) return
    if (!this.#isWhole && this.#count < this.#begun.pending) return
    this.#isReady = true
    this.#settle.resolve()
  }
}
