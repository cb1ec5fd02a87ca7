/** A watch of a node that is far away: it is told as much at a time as its connection takes. */
import type { StoreEntry } from '../core/store.ts'
import type { StoreTable } from '../core/store-table.ts'
import { PACKET } from './packets.ts'
import type { TcpPeer } from './peer.ts'
import { entryBytes } from './store-packets.ts'

export class ToldWatch {
  readonly #peer: TcpPeer
  readonly #id: number
  /**
   * What it was not told yet, in the order of revisions. Of a key only the last change: so there is
   * no more of it than the table has keys, however slow the other end is.
   */
  readonly #waiting = new Map<string, StoreEntry>()
  readonly #end: () => void
  /** Called once, when it was told all that was there at the beginning. */
  #isReady: (() => void) | undefined

  /** @param id Of the request that has asked for it. */
  constructor(peer: TcpPeer, id: number, table: StoreTable, isReady: () => void) {
    this.#peer = peer
    this.#id = id
    this.#isReady = isReady
    this.#end = table.watch((entry) => this.#changed(entry))
    this.drained()
  }

  #changed(entry: StoreEntry): void {
    if (this.#waiting.size === 0 && this.#tell(entry)) return
    this.#waiting.delete(entry.key)
    this.#waiting.set(entry.key, entry)
  }

  #tell(entry: StoreEntry): boolean {
    return this.#peer.send(PACKET.entry, entryBytes(this.#id, entry))
  }

  /** The connection takes more. */
  drained(): void {
    for (const [key, entry] of this.#waiting) {
      if (!this.#tell(entry)) return
      this.#waiting.delete(key)
    }
    this.#isReady?.()
    this.#isReady = undefined
  }

  end(): void {
    this.#end()
    this.#waiting.clear()
  }
}
