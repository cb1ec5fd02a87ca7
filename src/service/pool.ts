/** The sockets of one service, by id: events of the socket thread find their object here. */
import type { SocketClient } from '../net/client.ts'
import { EVENT } from '../net/event.ts'
import { Connection } from './connection.ts'
import type { Listener } from './listener.ts'
import type { Service } from './service.ts'

/** What a PTYPE.SOCKET message carries: an event of net/event.ts, its payload copied. */
export interface SocketEvent {
  readonly kind: number
  readonly id: number
  readonly ud: number
  readonly payload: Buffer
}

/** An event for a service that is gone: what it owes to others is still done. */
export function orphaned(client: SocketClient, { kind, id, ud }: SocketEvent): void {
  if (kind === EVENT.YIELD) client.handover(id, Buffer.alloc(0))
  else if (kind === EVENT.ACCEPT) client.order('shutdown', ud)
}

export class SocketPool {
  readonly service: Service
  readonly client: SocketClient
  readonly #sockets = new Map<number, Connection | Listener>()

  constructor(service: Service, client: SocketClient) {
    this.service = service
    this.client = client
  }

  get(id: number): Connection | Listener | undefined {
    return this.#sockets.get(id)
  }

  add(socket: Connection | Listener): void {
    this.#sockets.set(socket.id, socket)
  }

  remove(id: number): void {
    this.#sockets.delete(id)
  }

  receive(event: SocketEvent): void {
    const { kind, id, ud, payload } = event
    const socket = this.#sockets.get(id)
    if (socket === undefined) {
      orphaned(this.client, event)
      return
    }
    if (socket instanceof Connection && kind === EVENT.DATA) socket.received(payload)
    else socket.happened(kind, ud, payload)
  }

  /** The service ends. What was written still leaves; nothing more is read. */
  closeAll(): void {
    for (const socket of this.#sockets.values()) {
      if (socket instanceof Connection) socket.abandon()
      else socket.unlink()
      this.client.order('close', socket.id, this.service.handle)
    }
    this.#sockets.clear()
  }
}
