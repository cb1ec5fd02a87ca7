/** What the poller reports of each socket, and what the workers see of that. */
import { SOCKETS_MAX } from '../../base/limits.ts'
import { INTEREST, type Poller } from '../../os/poll/poller.ts'
import { TRAIT } from '../slots.ts'
import type { Socket } from './socket.ts'

export interface WatchingOptions {
  readonly poller: Poller
  readonly errorText: (errno: number) => string
  readonly setTraits: (socket: Socket, mask: number, bits: number) => void
}

const tagOf = ({ id }: Socket): number => id & (SOCKETS_MAX - 1)

export class Watching {
  readonly #options: WatchingOptions

  constructor(options: WatchingOptions) {
    this.#options = options
  }

  /** Choose what the poller reports of a socket. */
  watch(socket: Socket, interest: number): void {
    const result = this.tryWatch(socket, interest)
    if (result < 0) throw new Error(`watch: ${this.#options.errorText(result)}`)
  }

  /** No more of this. One that is not watched has hung up, and the poller would go on saying so. */
  ignore(socket: Socket, interest: number): void {
    if (socket.polled) this.watch(socket, socket.interest & ~interest)
  }

  /** Returns an errno: of a new descriptor that the poller does not take, a file for example. */
  tryWatch(socket: Socket, interest: number): number {
    if (socket.polled && socket.interest === interest) return 0
    const { poller } = this.#options
    if (socket.polled) poller.change(socket.fd, tagOf(socket), interest)
    else {
      const result = poller.add(socket.fd, tagOf(socket), interest)
      if (result < 0) return result
      socket.polled = true
    }
    this.#show(socket, interest)
    return 0
  }

  unwatch(socket: Socket): void {
    if (!socket.polled) return
    this.#options.poller.remove(socket.fd, tagOf(socket))
    socket.polled = false
    this.#show(socket, 0)
  }

  #show(socket: Socket, interest: number): void {
    socket.interest = interest
    const isReading = (interest & INTEREST.read) !== 0 ? TRAIT.reading : 0
    const isWriting = (interest & INTEREST.write) !== 0 ? TRAIT.writing : 0
    this.#options.setTraits(socket, TRAIT.reading | TRAIT.writing, isReading | isWriting)
  }
}
