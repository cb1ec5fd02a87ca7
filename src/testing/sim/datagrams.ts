/** UDP as a system keeps it: sockets with a mailbox each, and hosts that send and receive. */
import { ERRNO } from '../../os/errno.ts'
import type { SocketAddress } from '../../os/os.ts'
import { READY } from '../../os/poll/poller.ts'
import type { Pollable } from './endpoint.ts'
import type { SimFaults } from './faults.ts'

const { EAGAIN, ECONNREFUSED, ENOBUFS } = ERRNO
const DATAGRAMS_MAX = 16

export interface SimDatagram {
  readonly from: SocketAddress
  readonly bytes: Buffer
}

/** Takes what our side sends to it. */
export type Receive = (from: SocketAddress, bytes: Buffer) => void

export class SimMailbox implements Pollable {
  readonly local: SocketAddress
  /** What came and was not read. */
  readonly inbox: SimDatagram[] = []
  /** What the program read, for whoever wants to check what it does with it. */
  readonly handedOut: SimDatagram[] = []
  /** Datagrams that the program is rid of: sent, lost on the way, or refused. */
  doneWith = 0
  activeAt = 0
  closedAt = 0
  readonly #hosts: ReadonlyMap<number, Receive>
  readonly #faults: SimFaults

  constructor(local: SocketAddress, hosts: ReadonlyMap<number, Receive>, faults: SimFaults) {
    this.local = local
    this.#hosts = hosts
    this.#faults = faults
  }

  ready(): number {
    return READY.write | (this.inbox.length > 0 ? READY.read : 0)
  }

  /** Somebody sent this to us. With a full mailbox it is lost. */
  arrive(datagram: SimDatagram): void {
    if (this.inbox.length < DATAGRAMS_MAX) this.inbox.push(datagram)
  }

  receive(): SimDatagram | undefined {
    const datagram = this.inbox.shift()
    if (datagram !== undefined) this.handedOut.push(datagram)
    return datagram
  }

  send(to: SocketAddress, bytes: Uint8Array): number {
    if (this.#faults.hits('sendAgain')) return -EAGAIN
    if (this.#faults.hits('sendNoBuffers')) return -ENOBUFS
    if (this.#faults.hits('sendRefused')) return -ECONNREFUSED
    if (!this.#faults.hits('datagramLost')) {
      this.#hosts.get(to.port)?.(this.local, Buffer.from(bytes))
    }
    return bytes.length
  }

  close(): void {}
}
