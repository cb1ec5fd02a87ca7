/** Clients of a gate on their way to a WebSocket: from the connection on, not from the request. */
import type { IncomingMessage } from 'node:http'
import type { HttpGuard, HttpGuest, HttpSocket } from '../../http/http-socket.ts'
import type { ClientDoor, ClientVisit } from '../../skynet/client-transport.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'

export class Arrivals implements HttpGuard {
  readonly #door: ClientDoor
  readonly #isStandIn: (address: string) => boolean

  /** @param isStandIn Is it one who may speak for others: who it is then only its request tells. */
  constructor(door: ClientDoor, isStandIn: (address: string) => boolean) {
    this.#door = door
    this.#isStandIn = isStandIn
  }

  came({ remoteAddress }: ByteStream): HttpGuest | undefined {
    // The door is asked then.
    if (this.#isStandIn(remoteAddress)) return new Newcomer(undefined)
    const visit = this.#door.knock(remoteAddress)
    return visit && new Newcomer(visit)
  }
}

/** Who has a connection, and has not asked for anything. */
class Newcomer implements HttpGuest {
  readonly signal: AbortSignal | undefined
  #visit: ClientVisit | undefined

  constructor(visit: ClientVisit | undefined) {
    this.signal = visit?.signal
    this.#visit = visit
  }

  /** He asks for a WebSocket. @returns Undefined: he has not knocked, or asked for pages since. */
  take(): ClientVisit | undefined {
    const visit = this.#visit
    this.#visit = undefined
    return visit
  }

  /** Who wants a page is no client. Should he become one, he knocks again. */
  asked(): void {
    this.take()?.leave()
  }

  gone(): void {
    this.take()?.leave()
  }
}

/** @returns Undefined: its server has no guard, or that of somebody else. */
export function newcomerOf(message: IncomingMessage): Newcomer | undefined {
  const { guest } = message.socket as unknown as HttpSocket
  return guest instanceof Newcomer ? guest : undefined
}
