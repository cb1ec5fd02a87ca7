/** The store of a node that is not the seed: it asks the seed, over the connection to it. */
import { SkynetError } from '../../base/errors.ts'
import type { HostPort } from '../../base/host-port.ts'
import { STORE_ANSWER_MS, STORE_KEY_BYTES_MAX, STORE_VALUE_BYTES_MAX } from '../../base/limits.ts'
import type { ClusterStore, StoreEntry, StoreWatch } from '../core/store.ts'
import { isRefusal } from './handshake.ts'
import type { TcpNet } from './net.ts'
import { PACKET } from './packets.ts'
import type { TcpPeer } from './peer.ts'
import type { PacketUser } from './peers.ts'
import type { Route } from './route.ts'
import {
  ASK,
  type AskKind,
  askBytes,
  readEntry,
  readStoreAnswer,
  STATUS,
  type StoreAnswer,
} from './store-packets.ts'

/** Who waits for an answer, or for the connection: once, and not for ever. */
interface Waiting<T> {
  /** It is under way: the time begins anew. */
  renew(): void
  resolve(value: T): void
  reject(error: unknown): void
}

interface Watching {
  each(entry: StoreEntry): void
  lost(reason: unknown): void
}

const NOTHING: StoreEntry = { key: '', revision: 0, value: undefined }
const ID_MAX = 0xffffffff

export class SeedStore implements ClusterStore, PacketUser {
  /** The name of the seed, once it was told: it keeps it, whichever process it is. */
  node: string | undefined
  readonly #net: TcpNet
  readonly #place: HostPort
  #route: Route | undefined
  #peer: TcpPeer | undefined
  /** Why there is no connection. */
  #failure = 'there is no connection to the seed yet'
  /** Of the memory that was opened; what is asked of another one is not done. */
  #era = 0
  #lastId = 0
  #isClosed = false
  readonly #openers = new Set<Waiting<TcpPeer>>()
  readonly #asks = new Map<number, Waiting<StoreAnswer>>()
  readonly #watches = new Map<number, Watching>()
  readonly takes: PacketUser['takes'] = {
    [PACKET.answer]: (peer, bytes, at, end) => {
      if (peer === this.#peer) this.#answered(readStoreAnswer(bytes, at, end))
    },
    [PACKET.entry]: (peer, bytes, at, end) => {
      if (peer !== this.#peer) return
      const [watch, entry] = readEntry(bytes, at, end)
      // Of many entries the last ones take their time.
      this.#asks.get(watch)?.renew()
      this.#watches.get(watch)?.each(entry)
    },
  }

  constructor(net: TcpNet, place: HostPort, node: string | undefined) {
    this.#net = net
    this.#place = place
    this.node = node
    net.peers.use(this)
  }

  async open(): Promise<{ era: number; ageMs: number }> {
    this.#keepUp()
    const peer = this.#peer ?? (await this.#connected())
    const { number, ageMs } = await this.#ask(peer, ASK.open, NOTHING)
    this.#era = number
    return { era: number, ageMs }
  }

  async cas(key: string, value: Uint8Array | undefined, revision: number): Promise<number> {
    const entry = { key, revision, value }
    checkEntry(entry)
    return (await this.#ask(this.#peer, ASK.cas, entry)).number
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    const entry = { ...NOTHING, key }
    checkEntry(entry)
    return (await this.#ask(this.#peer, ASK.get, entry)).entry
  }

  watch(each: Watching['each'], lost: Watching['lost']): StoreWatch {
    const id = this.#nextId()
    this.#watches.set(id, { each, lost })
    const close = (): void => {
      if (!this.#watches.delete(id) || this.#peer === undefined) return
      this.#ask(this.#peer, ASK.unwatch, { ...NOTHING, revision: id }).catch(() => {})
    }
    const ready = this.#ask(this.#peer, ASK.watch, NOTHING, id).then(
      () => {},
      (error: unknown) => {
        if (this.#watches.delete(id)) lost(error)
        throw error
      },
    )
    // Who does not wait for it hears of it by `lost`.
    ready.catch(() => {})
    return { ready, close }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#route?.stop()
    const peer = this.#peer
    this.#lose('it was closed')
    await peer?.close()
  }

  // --- the way to the seed -----------------------------------------------------------------------

  #keepUp(): void {
    if (this.#isClosed) throw lost('it was closed')
    if (this.#route !== undefined) return
    const failed = (error: unknown): void => this.#failed(error)
    this.#route = this.#net.dial([this.#place], failed, (peer) => this.#reached(peer))
    const route = this.#route
    this.#net.host.fork(() => route.run())
  }

  #connected(): Promise<TcpPeer> {
    return this.#wait(
      (waiting) => this.#openers.add(waiting),
      (waiting) => this.#openers.delete(waiting),
      () => this.#failure,
    )
  }

  #reached(peer: TcpPeer): void {
    if (this.#isClosed) {
      void peer.close()
      return
    }
    this.node = peer.hello!.node
    this.#peer = peer
    for (const opener of [...this.#openers]) opener.resolve(peer)
  }

  /** The seed is not there: that may change. It does not let us in: somebody has to mend that. */
  #failed(error: unknown): void {
    this.#failure = error instanceof Error ? error.message : String(error)
    if (!isRefusal(error)) return
    this.#net.host.error(`cluster: ${error.message}`)
    for (const opener of [...this.#openers]) opener.reject(error)
  }

  left(peer: TcpPeer): void {
    if (peer !== this.#peer) return
    this.#failure = 'the connection to the seed was cut'
    this.#lose(this.#failure)
  }

  #lose(reason: string): void {
    this.#peer = undefined
    const error = lost(reason)
    for (const waiting of [...this.#openers, ...this.#asks.values()]) waiting.reject(error)
    const watches = [...this.#watches.values()]
    this.#watches.clear()
    for (const watch of watches) watch.lost(error)
  }

  // --- asking ------------------------------------------------------------------------------------

  #nextId(): number {
    this.#lastId = this.#lastId === ID_MAX ? 1 : this.#lastId + 1
    return this.#lastId
  }

  #ask(
    peer: TcpPeer | undefined,
    kind: AskKind,
    entry: StoreEntry,
    id = this.#nextId(),
  ): Promise<StoreAnswer> {
    const bytes = askBytes({ id, kind, era: this.#era, entry })
    if (peer?.say(PACKET.ask, bytes) !== true) return Promise.reject(lost(this.#failure))
    return this.#wait<StoreAnswer>(
      (waiting) => this.#asks.set(id, waiting),
      () => this.#asks.delete(id),
      () => `the seed has not answered within ${STORE_ANSWER_MS} ms`,
    ).then((answer) => checked(answer, entry.key))
  }

  #answered(answer: StoreAnswer): void {
    this.#asks.get(answer.id)?.resolve(answer)
  }

  /** A wait with an end, however it ends. */
  #wait<T>(
    add: (waiting: Waiting<T>) => void,
    remove: (waiting: Waiting<T>) => void,
    late: () => string,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        timer.cancel()
        remove(waiting)
      }
      const begin = () =>
        this.#net.host.timeout(STORE_ANSWER_MS, () => waiting.reject(lost(late())))
      let timer = begin()
      const waiting: Waiting<T> = {
        renew() {
          timer.cancel()
          timer = begin()
        },
        resolve(value) {
          over()
          resolve(value)
        },
        reject(error) {
          over()
          reject(error)
        },
      }
      add(waiting)
    })
  }
}

/** The seed would cut the connection. @throws {SkynetError} `ERR_STORE_FULL`. */
function checkEntry({ key, value }: StoreEntry): void {
  const keyBytes = Buffer.byteLength(key)
  const what =
    keyBytes > STORE_KEY_BYTES_MAX
      ? `key of ${keyBytes} bytes`
      : value !== undefined && value.length > STORE_VALUE_BYTES_MAX
        ? `value of ${value.length} bytes`
        : undefined
  if (what !== undefined) throw new SkynetError('ERR_STORE_FULL', { key, what })
}

const lost = (reason: string): SkynetError => new SkynetError('ERR_STORE_LOST', { reason })

/** @throws {SkynetError} For what the host says no to. */
function checked(answer: StoreAnswer, key: string): StoreAnswer {
  const { status, reason } = answer
  if (status === STATUS.done) return answer
  if (status === STATUS.conflict) throw new SkynetError('ERR_STORE_CONFLICT', { key })
  if (status === STATUS.full) throw new SkynetError('ERR_STORE_FULL', { key, what: reason })
  throw lost(reason)
}
