/** UDP as a system keeps it: sockets with a mailbox each, and hosts that send and receive. */
import { ERRNO } from '../../os/errno.ts'
import type { SocketAddress } from '../../os/os.ts'
import { READY } from '../../os/poll/poller.ts'
import type { Pollable } from './endpoint.ts'
import type { FaultChooser } from './faults.ts'

const { EAGAIN, ECONNREFUSED, ENOBUFS } = ERRNO

export interface SimDatagram {
  readonly from: SocketAddress
  readonly bytes: Buffer
}

/** Takes a datagram to where it goes, or loses it. */
export type Deliver = (from: SimMailbox, to: SocketAddress, bytes: Buffer) => void

export class SimMailbox implements Pollable {
  local: SocketAddress
  /** What came and was not read. */
  readonly inbox: SimDatagram[] = []
  /** Datagrams that the program is rid of: sent, lost on the way, or refused. */
  doneWith = 0
  activeAt = 0
  closedAt = 0
  readonly #datagramsMax: number
  readonly #deliver: Deliver
  readonly #faults: FaultChooser

  /** @param datagramsMax What it holds of what was not read. */
  constructor(local: SocketAddress, datagramsMax: number, deliver: Deliver, faults: FaultChooser) {
    this.local = local
    this.#datagramsMax = datagramsMax
    this.#deliver = deliver
    this.#faults = faults
  }

  ready(): number {
    return READY.write | (this.inbox.length > 0 ? READY.read : 0)
  }

  /** Somebody sent this to us. With a full mailbox it is lost. */
  arrive(datagram: SimDatagram): void {
    if (this.inbox.length < this.#datagramsMax) this.inbox.push(datagram)
  }

  receive(): SimDatagram | undefined {
    return this.inbox.shift()
  }

  send(to: SocketAddress, bytes: Uint8Array): number {
    if (this.#faults.hits('sendAgain')) return -EAGAIN
    if (this.#faults.hits('sendNoBuffers')) return -ENOBUFS
    if (this.#faults.hits('sendRefused')) return -ECONNREFUSED
    if (!this.#faults.hits('datagramLost')) this.#deliver(this, to, Buffer.from(bytes))
    return bytes.length
  }

  close(): void {}
}
