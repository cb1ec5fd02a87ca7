/**
 * What the socket thread tells the owners of sockets. It knows their numbers, and which worker
 * holds each; the way there is a Link.
 */
import { EVENT } from '../event.ts'
import type { Link } from './links.ts'
import type { Socket } from './socket.ts'

export interface OwnersOptions {
  readonly links: readonly Link<Socket>[]
  /** The worker that holds an owner, or -1: there is no such owner any more. */
  readonly workerOf: (owner: number) => number
  readonly errorText: (errno: number) => string
}

export class Owners {
  readonly #options: OwnersOptions

  constructor(options: OwnersOptions) {
    this.#options = options
  }

  /** The way to an owner; undefined: there is no such owner any more. */
  linkOf(owner: number): Link<Socket> | undefined {
    return this.#options.links[this.#options.workerOf(owner)]
  }

  /** False: the owner is gone, nobody was told. */
  emit(
    owner: number,
    kind: number,
    id: number,
    ud: number,
    payload?: Uint8Array | string,
  ): boolean {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    const link = this.linkOf(owner)
    link?.emit(kind, owner, id, ud, bytes)
    return link !== undefined
  }

  /** What went wrong. CLOSE, or the end of the socket, is up to the caller. */
  fail({ owner, id }: Socket, errno: number): void {
    this.emit(owner, EVENT.ERROR, id, 0, this.#options.errorText(errno))
  }

  /** @param sign 1: everything has left; -1: the socket is gone. */
  answerDrains({ owner, id, queue }: Socket, sign: 1 | -1): void {
    if (queue.drainsWanted === 0) return
    this.emit(owner, EVENT.DRAIN, id, sign * queue.drainsWanted)
    queue.drainsWanted = 0
  }

  /** Once: nothing more will come. */
  tellClose(socket: Socket): void {
    if (socket.heir !== 0) {
      // Somebody waits for a handover that will not come any more.
      this.emit(socket.heir, EVENT.ERROR, socket.id, 0, 'socket closed')
      socket.heir = 0
    }
    if (socket.closeTold) return
    socket.closeTold = true
    this.emit(socket.owner, EVENT.CLOSE, socket.id, 0)
  }
}
