/** What leaves one connection: frames at once, large messages part by part when nothing waits. */
import { Queue } from '../base/queue.ts'
import { PART_BYTES } from './request-frames.ts'

/** What an outgoing needs of its connection. */
export interface OutgoingSocket {
  readonly isOpen: boolean
  readonly bufferedAmount: number
  write(frame: Uint8Array, options?: { readonly priority: 'low' }): boolean
  drain(): Promise<void>
}

/** A message that leaves in parts, behind those that were given before. */
export interface Large {
  /** Stands in front of the parts. */
  readonly begin: Uint8Array
  readonly message: Uint8Array
  readonly part: (bytes: Uint8Array, isLast: boolean) => Uint8Array
  /** The last part was handed on: from now on the peer may have all of it. */
  readonly gone?: () => void
  /** Nobody wants it any more: asked before its begin. */
  readonly isDropped?: () => boolean
}

/** So many bytes of parts wait in the socket; the rest waits here, where small frames pass it. */
const WINDOW_BYTES = 256 * 1024
const LOW = { priority: 'low' } as const

export class Outgoing {
  readonly #socket: OutgoingSocket
  readonly #large = new Queue<Large>()
  /** Of the first one, sent so far. */
  #at = 0
  #bytes = 0
  #isDraining = false

  constructor(socket: OutgoingSocket) {
    this.#socket = socket
  }

  /** Bytes that have not left. */
  get waiting(): number {
    return this.#bytes + this.#socket.bufferedAmount
  }

  /** Write a frame now, in front of the parts that wait. False: the connection has ended. */
  send(frame: Uint8Array): boolean {
    if (!this.#socket.isOpen) return false
    this.#socket.write(frame)
    return true
  }

  /** The bytes are kept until they have left. False: the connection has ended. */
  sendLarge(large: Large): boolean {
    if (!this.#socket.isOpen) return false
    this.#large.push(large)
    this.#bytes += large.message.length
    this.#pump()
    return true
  }

  /** Resolves when all that was given by now has left, or the connection has ended. */
  async drained(): Promise<void> {
    while (this.#socket.isOpen && this.waiting > 0) {
      try {
        await this.#socket.drain()
      } catch {
        return
      }
    }
  }

  #pump(): void {
    if (this.#isDraining) return
    const socket = this.#socket
    while (this.#large.length > 0 && socket.isOpen) {
      if (socket.bufferedAmount >= WINDOW_BYTES) {
        this.#isDraining = true
        const goOn = (): void => {
          this.#isDraining = false
          this.#pump()
        }
        // The connection has ended: there is nothing more to send.
        socket.drain().then(goOn, () => {})
        return
      }
      this.#sendPart(this.#large.peek()!)
    }
  }

  #sendPart(large: Large): void {
    const { message } = large
    const at = this.#at
    if (at === 0) {
      if (large.isDropped?.()) {
        this.#bytes -= message.length
        this.#large.shift()
        return
      }
      this.#socket.write(large.begin, LOW)
    }
    const end = Math.min(message.length, at + PART_BYTES)
    const isLast = end === message.length
    this.#socket.write(large.part(message.subarray(at, end), isLast), LOW)
    this.#bytes -= end - at
    this.#at = isLast ? 0 : end
    if (!isLast) return
    this.#large.shift()
    large.gone?.()
  }
}
