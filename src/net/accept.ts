/** How a listener takes connections. Runs on the socket thread only. */
import { ACCEPTS_PER_EVENT_MAX, SHORTAGE_PAUSE_MS } from '../base/limits.ts'
import { formatAddress } from '../os/address.ts'
import { ERRNO, isAgain } from '../os/errno.ts'
import { INTEREST } from '../os/poll/poller.ts'
import { EVENT } from './event.ts'
import type { SocketServer } from './server.ts'
import { SLOT } from './slots.ts'
import { Socket } from './socket.ts'
import { TOTAL } from './totals.ts'

/** accept(2) failed with its client alone: the next one may do better. */
const CLIENT_GONE: ReadonlySet<number> = new Set([-ERRNO.ECONNABORTED, -ERRNO.EPROTO, -ERRNO.EINTR])

/** Take everybody who waits at a listener, within reason. */
export function acceptAll(server: SocketServer, listener: Socket): void {
  if (server.linkOf(listener.owner) === undefined) {
    server.free(listener)
    return
  }
  if (server.areAcceptsHeld) {
    pauseAccepting(server, listener)
    return
  }
  for (let round = 0; round < ACCEPTS_PER_EVENT_MAX; round++) {
    const fd = server.os.accept(listener.fd)
    if (fd < 0) {
      const isFull = fd === -ERRNO.EMFILE || fd === -ERRNO.ENFILE
      // Linux says EMFILE also when nobody waits; the second try tells.
      const reason = isFull ? refuseOne(server, listener, fd) : fd
      if (reason === 0 || CLIENT_GONE.has(reason)) continue
      if (!isAgain(reason)) pauseAccepting(server, listener)
      return
    }
    const id = server.slots.reserve()
    if (id < 0) {
      server.os.close(fd)
      server.totals.add(TOTAL.refused, 1)
      server.emit(listener.owner, EVENT.REFUSE, listener.id, 0, 'all socket slots are in use')
      continue
    }
    const socket = new Socket(id, server.slots.at(id), listener.owner, listener.settings)
    server.adopt(socket, fd)
    server.add(socket)
    server.move(socket, 'accept')
    server.totals.add(TOTAL.accepted, 1)
    server.configure(socket, undefined)
    server.slots.floats[(listener.at + SLOT.bytesIn) >> 1]! += 1
    const peer = server.os.peerAddress(fd)
    const text = peer === undefined ? '' : formatAddress(peer)
    if (!server.emit(listener.owner, EVENT.ACCEPT, listener.id, id, text)) {
      // The owner died since it was looked at: nobody would ever close this connection.
      server.free(socket)
      return
    }
  }
}

/**
 * Out of descriptors: give the reserved one up to take one client and close it at once. Returns 0
 * when somebody was refused; else why accepting cannot go on.
 */
function refuseOne(server: SocketServer, listener: Socket, errno: number): number {
  if (server.reserveFd < 0) return errno
  server.os.close(server.reserveFd)
  const fd = server.os.accept(listener.fd)
  if (fd >= 0) {
    server.os.close(fd)
    server.totals.add(TOTAL.refused, 1)
    server.emit(listener.owner, EVENT.REFUSE, listener.id, 0, server.os.errorText(errno))
  }
  server.reserveFd = server.os.reserveFd()
  return server.reserveFd < 0 ? errno : Math.min(fd, 0)
}

/** The poller would say "readable" again and again: look at the clock instead. */
function pauseAccepting(server: SocketServer, listener: Socket): void {
  server.watch(listener, INTEREST.none)
  server.setDeadline(listener, SHORTAGE_PAUSE_MS)
  if (server.reserveFd < 0) server.reserveFd = server.os.reserveFd()
}

/** The pause is over: accept again, unless the owner has paused too. */
export function acceptAgain(server: SocketServer, listener: Socket): void {
  if (server.reserveFd < 0) server.reserveFd = server.os.reserveFd()
  if (listener.reading) server.watch(listener, INTEREST.read)
}
