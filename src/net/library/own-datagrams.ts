/** What a program sends from the UDP sockets of its own loop. */
import { checkInteger } from '../../base/check.ts'
import { DATAGRAM_BYTES_MAX } from '../../base/limits.ts'
import { compactAddress } from '../../os/compact.ts'
import type { Socket } from '../server/socket.ts'
import { enqueueDatagram } from '../server/udp.ts'
import { PROTOCOL } from '../slots.ts'
import type { UdpAddress } from '../udp-address.ts'
import type { OwnLoop } from './own-loop.ts'

/** In front of a datagram for the usual peer. */
const NO_ADDRESS = Buffer.of(0)

export class OwnDatagrams {
  readonly #loop: OwnLoop

  constructor(loop: OwnLoop) {
    this.#loop = loop
  }

  /** To the usual peer. @returns False when it was dropped. */
  send(socket: Socket, bytes: Uint8Array, free: (() => void) | undefined): boolean {
    const hasPeer = socket.udp?.peer !== undefined
    const isSent = hasPeer && this.#enqueue(socket, NO_ADDRESS, bytes)
    if (free !== undefined) this.#loop.callbacks.giveBack(free) // it has left, or is a copy
    this.#loop.callbacks.run()
    return isSent
  }

  /** @returns False when it was dropped. */
  sendTo(socket: Socket | undefined, to: UdpAddress, bytes: Uint8Array): boolean {
    const address = socket && this.#addressFor(socket, to)
    return address !== undefined && this.#enqueue(socket!, address, bytes)
  }

  /** Choose the usual peer. @returns False: that socket does not reach it. */
  connect(socket: Socket | undefined, to: UdpAddress): boolean {
    const address = socket && this.#addressFor(socket, to)
    if (address !== undefined) this.#loop.order('peer', socket!.id, 0, 0, address)
    return address !== undefined
  }

  #enqueue(socket: Socket, address: Uint8Array, bytes: Uint8Array): boolean {
    checkInteger('send', 'data.length', bytes.length, 0, DATAGRAM_BYTES_MAX)
    const { sockets, callbacks } = this.#loop
    const { id, at, closing } = socket
    if (closing || sockets.slots.queuedOf(id) + bytes.length > sockets.slots.limitOf(id))
      return false
    sockets.settle(at, -1, -bytes.length)
    enqueueDatagram(sockets, socket, Buffer.concat([address, bytes]))
    callbacks.run()
    return true
  }

  /** `to` as a datagram of this socket has it; undefined: it cannot go there. */
  #addressFor(socket: Socket, to: UdpAddress): Uint8Array | undefined {
    if (socket.udp === undefined) return undefined
    const isIPv6 = this.#loop.sockets.slots.protocolOf(socket.id) === PROTOCOL.udp6
    if (isIPv6 === (to.family === 6)) return to.bytes
    return isIPv6 ? compactAddress({ family: 4, host: to.host, port: to.port }, 6) : undefined
  }
}
