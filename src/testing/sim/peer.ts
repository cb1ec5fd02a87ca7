/** Another host at the far end of a connection: it sends what can be checked, and checks. */
import assert from 'node:assert/strict'
import { formatAddress } from '../../os/address.ts'
import { ERRNO, isAgain } from '../../os/errno.ts'
import type { SimEndpoint } from './endpoint.ts'
import { patternAt } from './stream.ts'

const SCRATCH = Buffer.alloc(128 * 1024)

/** What a SimPeer tells the socket at our end. */
export interface PeerSocket {
  readonly id: number
  readonly sent: { arrived(bytes: Buffer): void }
  peerSawEnd(): void
  peerSawReset(errno: number): void
}

export class SimPeer {
  readonly endpoint: SimEndpoint
  readonly address: string
  /** Which pattern it sends. */
  readonly shift: number
  /** The socket at our end, once somebody was told of it. */
  socket: PeerSocket | undefined
  /** Bytes that it sent. */
  sent = 0
  hasEnded = false
  /** It reset, vanished, or closed before the end: what was on the way may be lost. */
  isRough = false
  hasVanished = false
  #sawEnd = false

  constructor(endpoint: SimEndpoint, shift: number) {
    this.endpoint = endpoint
    this.shift = shift
    this.address = formatAddress(endpoint.local!)
  }

  /** Nothing more will happen here. */
  get isOver(): boolean {
    return this.endpoint.isClosed || this.endpoint.isReset
  }

  write(length: number): number {
    if (this.hasEnded || this.isOver) return 0
    const count = this.endpoint.write(patternAt(this.shift, this.sent, length), 0, length)
    if (count > 0) this.sent += count
    else if (!isAgain(count)) this.#failed(count)
    return Math.max(0, count)
  }

  read(length: number): number {
    if (this.#sawEnd || this.endpoint.isClosed || this.hasVanished) return 0
    const count = this.endpoint.read(SCRATCH, 0, Math.min(length, SCRATCH.length))
    if (count > 0) {
      assert.ok(this.socket !== undefined, `${this.address} got bytes before anybody knew of it`)
      this.socket.sent.arrived(SCRATCH.subarray(0, count))
    } else if (count === 0) {
      this.#sawEnd = true
      if (!this.isRough) this.socket?.peerSawEnd()
    } else if (!isAgain(count)) this.#failed(count)
    return Math.max(0, count)
  }

  #failed(errno: number): void {
    this.#sawEnd = true
    if (!this.isRough) this.socket?.peerSawReset(errno)
  }

  end(): void {
    if (this.isOver) return
    this.endpoint.sendFin()
    this.hasEnded = true
  }

  reset(): void {
    if (this.isOver) return
    this.isRough = true
    this.endpoint.sendReset()
  }

  /** Close, also when not everything was read. */
  close(): void {
    if (this.isOver) return
    if (!this.#sawEnd) this.isRough = true
    this.hasEnded = true
    this.endpoint.close()
  }

  /** Its cable is cut: it says nothing any more. */
  vanish(): void {
    this.isRough = true
    this.hasVanished = true
    this.hasEnded = true
  }

  /** From now on it takes what comes; if it has vanished, our system gives up on it. */
  behave(): void {
    this.endpoint.inbox.capacity = SCRATCH.length
    if (this.hasVanished && !this.isOver) this.endpoint.sendReset(-ERRNO.ETIMEDOUT)
  }

  /** The end of a run: read all there is, and answer the end with FIN. True: something happened. */
  finish(): boolean {
    if (this.hasVanished) return false
    const count = this.read(SCRATCH.length)
    if (!this.#sawEnd || this.isOver) return count > 0
    this.close()
    return true
  }
}
