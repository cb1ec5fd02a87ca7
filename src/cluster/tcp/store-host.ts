/** The seed: it keeps what the cluster has agreed on, in memory, and answers the others. */
import { isSkynetError } from '../../base/errors.ts'
import { STORE_WATCHES_MAX } from '../../base/limits.ts'
import { malformed } from '../../frames/framing.ts'
import type { StoreTable } from '../core/store-table.ts'
import { PACKET } from './packets.ts'
import type { TcpPeer } from './peer.ts'
import type { PacketUser, TcpPeers } from './peers.ts'
import {
  ASK,
  answerBytes,
  readAsk,
  STATUS,
  type StoreAnswer,
  type StoreAsk,
} from './store-packets.ts'
import { ToldWatch } from './told-watch.ts'

type Result = Partial<Omit<StoreAnswer, 'id'>>

const NOTHING = { status: STATUS.done, number: 0, ageMs: 0, entry: undefined, reason: '' }

const say = (peer: TcpPeer, id: number, result: Result): void =>
  void peer.say(PACKET.answer, answerBytes({ ...NOTHING, ...result, id }))

/** For a node that is not the seed: who asks it has another one for the seed. */
export function noStore(peers: TcpPeers): void {
  const reason = `${peers.identity.node} is not the seed`
  peers.use({
    takes: {
      [PACKET.ask]: (peer, bytes, at, end) => {
        say(peer, readAsk(bytes, at, end).id, { status: STATUS.lost, reason })
      },
    },
  })
}

export class StoreHost implements PacketUser {
  readonly #table: StoreTable
  readonly #ageMs: () => number
  /** Of each peer: its watches by their ids. */
  readonly #watches = new Map<TcpPeer, Map<number, ToldWatch>>()
  readonly takes: PacketUser['takes'] = {
    [PACKET.ask]: (peer, bytes, at, end) => this.#answer(peer, readAsk(bytes, at, end)),
  }

  /** @param ageMs How long the table has been there. */
  constructor(peers: TcpPeers, table: StoreTable, ageMs: () => number) {
    this.#table = table
    this.#ageMs = ageMs
    peers.use(this)
  }

  drained(peer: TcpPeer): void {
    for (const watch of this.#watches.get(peer)?.values() ?? []) watch.drained()
  }

  left(peer: TcpPeer): void {
    for (const watch of this.#watches.get(peer)?.values() ?? []) watch.end()
    this.#watches.delete(peer)
  }

  #answer(peer: TcpPeer, ask: StoreAsk): void {
    const result = this.#resultOf(peer, ask)
    if (result !== undefined) say(peer, ask.id, result)
  }

  /** Undefined: it is answered later. */
  #resultOf(peer: TcpPeer, { id, kind, era, entry }: StoreAsk): Result | undefined {
    const table = this.#table
    if (kind === ASK.open) return { number: table.era, ageMs: Math.floor(this.#ageMs()) }
    if (era !== table.era) return { status: STATUS.lost, reason: 'it has another memory' }
    switch (kind) {
      case ASK.cas:
        return this.#cas(entry.key, entry.value, entry.revision)
      case ASK.get:
        return { entry: table.get(entry.key) }
      case ASK.watch:
        return this.#watch(peer, id)
      case ASK.unwatch:
        // Of an answer nobody waits for it: the watch had that number before.
        this.#watches.get(peer)?.get(entry.revision)?.end()
        this.#watches.get(peer)?.delete(entry.revision)
        return {}
    }
    throw malformed(`a request of kind ${kind} to the store`)
  }

  #cas(key: string, value: Uint8Array | undefined, revision: number): Result {
    try {
      return { number: this.#table.cas(key, value, revision) }
    } catch (error) {
      if (isSkynetError(error, 'ERR_STORE_CONFLICT')) return { status: STATUS.conflict }
      if (!isSkynetError(error, 'ERR_STORE_FULL')) throw error
      return { status: STATUS.full, reason: error.info.what }
    }
  }

  #watch(peer: TcpPeer, id: number): Result | undefined {
    const watches = this.#watches.get(peer) ?? new Map<number, ToldWatch>()
    if (watches.size >= STORE_WATCHES_MAX || watches.has(id)) {
      return { status: STATUS.lost, reason: `more than ${STORE_WATCHES_MAX} watches of a node` }
    }
    this.#watches.set(peer, watches)
    watches.set(id, new ToldWatch(peer, id, this.#table, () => say(peer, id, {})))
    return undefined
  }
}
