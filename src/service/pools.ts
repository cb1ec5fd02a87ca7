/** The sockets of a service as a part of it: made with the first one. */
import type { SocketClient } from '../net/client.ts'
import { type Part, type PartHost, PartKey } from './part.ts'
import { type PoolHost, SocketPool } from './pool.ts'

class Pooled implements Part {
  readonly pool: SocketPool

  constructor(pool: SocketPool) {
    this.pool = pool
  }

  draining(): void {
    this.pool.stopListening()
  }

  closing(): void {
    this.pool.closeAll()
  }
}

const KEY = new PartKey<Pooled>()

/** @throws What `SocketClient.admit` does. */
export function poolOf(service: PoolHost & PartHost, client: SocketClient): SocketPool {
  const made = service.part(KEY)
  return (made ?? service.addPart(KEY, new Pooled(new SocketPool(service, client)))).pool
}

/** Sockets that it owns, listeners included. */
export const socketsOf = (service: PartHost): number => service.part(KEY)?.pool.size ?? 0
