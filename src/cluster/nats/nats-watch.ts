/**
 * A watch of all keys: messages that a server sends by itself, numbered, and a heartbeat while
 * there are none. One is missing, or it is silent: the watch is lost, and its user begins another.
 *
 * The server that sends them need not be the one that leads, and may not have all that it has. One
 * that was cut off, and comes back, may pass over what the others have written meanwhile, and goes
 * on to number its messages without a gap; or it stays behind; or it has sent what never was. So at
 * the beginning, and now and then later, it must have come as far as the one that leads, at the
 * beginning with as many keys, and later no further. And each revision that it passes over, behind
 * what that one had at the beginning, is asked for: it must have been written anew since, or
 * forgotten.
 */
import type { Msg } from '@nats-io/transport-node'
import {
  NATS_PASSED_OVER_MAX,
  NATS_WATCH_CHECK_MS,
  NATS_WATCH_IDLE_MS,
  NATS_WATCH_SILENT_MS,
} from '../../base/limits.ts'
import type { StoreEntry, StoreWatch } from '../core/store.ts'
import { storeLost } from './faults.ts'
import { type Led, OPERATION } from './jet-stream.ts'
import { wordOf } from './subjects.ts'

/** What a watch needs of its store. */
export interface WatchHost {
  /** Before each key, in the subject of its messages. */
  readonly keys: string
  /** Milliseconds, of a clock that nobody sets. */
  now(): number
  /** @returns What ends it. */
  every(ms: number, act: () => void): () => void
  /** What the server that leads had when it was asked last. */
  readonly led: Led
  /** Hear a subject of our own, and have the messages of all keys sent there. */
  begin(take: (msg: Msg) => void, idleMs: number): Promise<Begun>
  /** The last revision, by the word of the server that leads; undefined: there is no other. */
  last(): Promise<number | undefined>
  /** Is there a message of that revision, by the word of the server that leads? */
  has(revision: number): Promise<boolean>
  ended(watch: NatsWatch): void
}

export interface Begun {
  /** How many messages are there at the beginning. */
  readonly pending: number
  end(): void
}

const HEARTBEAT = 100
const LAST_SENT = 'Nats-Last-Consumer'
/** The revision up to which the server has looked for messages. */
const LAST_PASSED = 'Nats-Last-Stream'
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
  readonly #stopListening: () => void
  /** What there was before it began, by the word of the server that leads. */
  readonly #led: Led
  #settle!: { resolve(): void; reject(reason: unknown): void }
  #begun: Begun | undefined
  #isOver = false
  #isReady = false
  /** All that was there at the beginning has come. */
  #isWhole = false
  /** Until it is ready, the subjects of what has come. */
  readonly #listed = new Set<string>()
  /** Messages so far, which is the number of the last one. */
  #count = 0
  #heardAt: number
  #checkedAt: number
  /** Of the last message, or of what the server has passed since. */
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
    this.#led = host.led
    this.#heardAt = host.now()
    this.#checkedAt = host.now()
    this.#stopListening = host.every(NATS_WATCH_IDLE_MS, () => this.#listen())
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
    this.#expectedAt = this.#host.now()
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
      this.#heardAt = this.#host.now()
      this.#look()
    } catch (error) {
      this.fail(error)
    }
  }

  #end(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopListening()
    this.#begun?.end()
    this.#settle.reject(reason)
    this.#host.ended(this)
  }

  #listen(): void {
    if (this.#begun === undefined) return
    const now = this.#host.now()
    if (now - this.#heardAt >= NATS_WATCH_SILENT_MS) {
      this.fail(storeLost(`the watch is silent for ${NATS_WATCH_SILENT_MS} ms`))
    } else if (this.#expected > 0 && now - this.#expectedAt >= NATS_WATCH_SILENT_MS) {
      this.fail(storeLost(`the watch is behind, at ${this.#revision} of ${this.#expected}`))
    } else if (now - this.#checkedAt >= NATS_WATCH_CHECK_MS) {
      this.#checkedAt = now
      const seen = this.#revision
      // Without an answer there is nothing to know: whoever writes hears that.
      this.#host.last().then(
        (last) => this.#measure(seen, last),
        () => {},
      )
    }
  }

  /** @param seen How far we were when the server that leads was asked. */
  #measure(seen: number, last = seen): void {
    if (last >= seen) this.expect(last)
    else this.fail(storeLost(`the watch is ahead, at ${seen} of ${last}`))
  }

  #take(msg: Msg): void {
    if (this.#isOver) return
    this.#heardAt = this.#host.now()
    const { headers } = msg
    if (headers?.code !== HEARTBEAT) this.#message(msg)
    else this.#compare(Number(headers.get(LAST_SENT)), Number(headers.get(LAST_PASSED)))
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
    this.#pass(revision - 1)
    if (this.#isOver) return
    this.#reach(revision)
    const key = msg.subject.slice(this.#host.keys.length).split('.').map(wordOf).join('.')
    const value = msg.headers?.has(OPERATION) === true ? undefined : new Uint8Array(msg.data)
    if (!this.#isReady) this.#listed.add(msg.subject)
    this.#each({ key, revision, value })
    this.#look()
  }

  /**
   * @param number Of the last message that was sent, and no other waits to be.
   * @param passed Up to where there is none that was not sent.
   */
  #compare(number: number, passed: number): void {
    if (number !== this.#count) {
      this.fail(storeLost(`the watch has ${this.#count} messages of ${number}`))
      return
    }
    this.#pass(passed)
    if (passed > this.#revision) this.#reach(passed)
    // A message may be removed before it is sent: then there are fewer than were pending.
    this.#isWhole = true
    this.#look()
  }

  #reach(revision: number): void {
    this.#revision = revision
    if (revision >= this.#expected) this.#expected = 0
  }

  /** The server says that there is nothing between the last message and `end`, or behind it. */
  #pass(end: number): void {
    // Of what was there at the beginning only the last message of each key is sent.
    const begin = Math.max(this.#revision, this.#led.revision) + 1
    if (begin > end) return
    if (end - begin < NATS_PASSED_OVER_MAX) void this.#doubt(begin, end)
    else this.fail(storeLost(`the watch has passed over ${end - begin + 1} revisions`))
  }

  async #doubt(begin: number, end: number): Promise<void> {
    try {
      for (let revision = begin; revision <= end && !this.#isOver; revision++) {
        const isThere = await this.#host.has(revision)
        if (isThere) throw storeLost(`the watch has passed over revision ${revision}`)
      }
    } catch (error) {
      this.fail(error)
    }
  }

  #look(): void {
    if (this.#begun === undefined || this.#isReady) return
    if (!this.#isWhole && this.#count < this.#begun.pending) return
    const { keys, revision } = this.#led
    // The last one may be forgotten: a heartbeat says how far the server has come.
    if (!this.#isWhole && this.#revision < revision) return
    const { size } = this.#listed
    this.#listed.clear()
    // A key may have been forgotten meanwhile: then the next watch has them all.
    if (size < keys || this.#revision < revision) {
      const has = `${size} keys of ${keys}, at ${this.#revision} of ${revision}`
      this.fail(storeLost(`the watch is behind: ${has}`))
      return
    }
    this.#isReady = true
    this.#settle.resolve()
  }
}
