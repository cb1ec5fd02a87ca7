/** What the loop told its only client and nobody has polled yet. */
import type { StreamHandler } from '../../shm/ring.ts'
import type { SocketClient } from '../client/client.ts'
import { EVENT } from '../event.ts'
import type { Link } from '../server/links.ts'
import type { Socket } from '../server/socket.ts'
import { type SocketEvent, socketEvent } from './socket-event.ts'

const NOTHING = new Uint8Array(0)

export class OwnEvents {
  readonly #link: Link<Socket>
  readonly #client: SocketClient
  readonly #events: SocketEvent[] = []
  /** Sockets that move to another owner: what was read for the old one is in `#events`. */
  readonly #moving: { readonly id: number; readonly request: number }[] = []

  constructor(link: Link<Socket>, client: SocketClient) {
    this.#link = link
    this.#client = client
  }

  /** All of it, in order. @param obey Does what was ordered: a socket moves in two steps. */
  take(obey: () => void): SocketEvent[] {
    this.#read()
    while (this.#moving.length > 0) {
      for (const { id, request } of this.#moving.splice(0)) {
        this.#client.handover(id, NOTHING, request)
      }
      obey()
      this.#read()
    }
    return this.#events.splice(0)
  }

  #read(): void {
    this.#link.ring.read(Number.POSITIVE_INFINITY, this.#record)
  }

  readonly #record: StreamHandler = (kind, owner, id, ud, at, length) => {
    if (kind === EVENT.YIELD) {
      this.#moving.push({ id, request: ud })
      return
    }
    const bytes = Buffer.from(this.#link.region.bytes.subarray(at, at + length))
    const event = socketEvent(kind, owner >>> 0, id, ud, bytes)
    if (event !== undefined) this.#events.push(event)
  }
}
