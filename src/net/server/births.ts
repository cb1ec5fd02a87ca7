/** How a socket begins, in the slot that its thread reserved. Runs on the socket thread only. */
import { hostOf, portOf } from '../../os/address.ts'
import { ERRNO } from '../../os/errno.ts'
import { INTEREST } from '../../os/poll/poller.ts'
import type { ConnectPayload } from '../commands.ts'
import { EVENT } from '../event.ts'
import { PROTOCOL, TRAIT } from '../slots.ts'
import { STATE } from '../state.ts'
import { connectNext } from './connect.ts'
import { Datagrams } from './datagrams.ts'
import { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'

/** The slot is in RESERVE, so a send that overtook this order may have made the socket already. */
function reserved(sockets: Sockets, id: number, owner: number): Socket {
  const known = sockets.find(id)
  if (known !== undefined) return known
  const socket = new Socket(id, sockets.slots.at(id), owner, sockets.settings)
  sockets.add(socket)
  sockets.configure(socket, undefined)
  return socket
}

/** For an order that came before the one that opens the socket. */
export function newborn(sockets: Sockets, id: number): Socket | undefined {
  return sockets.slots.stateOf(id) === STATE.RESERVE ? reserved(sockets, id, 0) : undefined
}

export function beginListening(sockets: Sockets, id: number, fd: number, owner: number): void {
  const socket = reserved(sockets, id, owner)
  sockets.setOwner(socket, owner)
  sockets.adopt(socket, fd)
  // A stream had been sent to it, as nobody knew yet what it would be.
  sockets.dropQueue(socket)
  sockets.move(socket, 'listen')
  // Whoever is accepted inherits it: a system call less for each.
  sockets.os.keepAlive(fd, true)
  const local = sockets.os.localAddress(fd)
  sockets.owners.emit(owner, EVENT.OPEN, id, portOf(local), hostOf(local))
}

export function beginConnecting(
  sockets: Sockets,
  id: number,
  owner: number,
  wanted: ConnectPayload,
): void {
  const socket = reserved(sockets, id, owner)
  sockets.setOwner(socket, owner)
  socket.connecting = wanted
  sockets.move(socket, 'connect')
  connectNext(sockets, socket, 0)
}

export function beginUdp(sockets: Sockets, id: number, fd: number, owner: number): void {
  const socket = reserved(sockets, id, owner)
  sockets.setOwner(socket, owner)
  const isIPv6 = sockets.os.localAddress(fd)?.family === 6
  sockets.setTraits(socket, TRAIT.protocol, isIPv6 ? PROTOCOL.udp6 : PROTOCOL.udp4)
  // As of a listener.
  sockets.dropQueue(socket)
  socket.udp = new Datagrams()
  sockets.adopt(socket, fd)
  sockets.move(socket, 'udp')
  socket.reading = true
  sockets.watching.watch(socket, INTEREST.read)
  sockets.setDeadline(socket, socket.settings.idleTimeoutMs)
  sockets.owners.emit(owner, EVENT.OPEN, id, portOf(sockets.os.localAddress(fd)), 'udp')
}

export function beginBound(sockets: Sockets, id: number, fd: number, owner: number): void {
  const socket = reserved(sockets, id, owner)
  sockets.setOwner(socket, owner)
  const refusal = borrow(sockets, socket, fd)
  if (refusal !== undefined) {
    sockets.owners.emit(owner, EVENT.ERROR, id, 0, refusal)
    socket.closeTold = true
    sockets.free(socket)
    return
  }
  sockets.setTraits(socket, TRAIT.protocol, PROTOCOL.file)
  sockets.move(socket, 'bind')
  socket.reading = true
  sockets.setDeadline(socket, socket.settings.idleTimeoutMs)
  sockets.owners.emit(owner, EVENT.OPEN, id, 0, 'binding')
}

/**
 * Wait for a descriptor that is somebody else's. What carries no bytes is left as it is: who read a
 * descriptor by which Node.js wakes a thread would keep that thread asleep.
 *
 * @returns Why it cannot be.
 */
function borrow(sockets: Sockets, socket: Socket, fd: number): string | undefined {
  const { os, watching } = sockets
  const carries = os.carriesBytes(fd)
  if (carries === 0) return 'it is no socket, pipe or terminal, or one of Node.js itself'
  if (carries < 0) return os.errorText(carries)
  const changed = os.setNonBlocking(fd, true)
  socket.borrowed = changed === 1 ? 'blocking' : 'as it was'
  sockets.adopt(socket, fd)
  const result = changed < 0 ? changed : watching.tryWatch(socket, INTEREST.read)
  if (result === -ERRNO.EEXIST) return `descriptor ${fd} is bound already`
  if (result === -ERRNO.EPERM) return 'the system cannot wait for it, as it is always ready'
  return result < 0 ? os.errorText(result) : undefined
}
