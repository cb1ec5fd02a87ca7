/** How a listener takes connections. Runs on the socket thread only. */
import { ACCEPTS_PER_EVENT_MAX, SHORTAGE_PAUSE_MS } from '../../base/limits.ts'
import { formatAddress } from '../../os/address.ts'
import { ERRNO, isAgain } from '../../os/errno.ts'
import { INTEREST } from '../../os/poll/poller.ts'
import { EVENT } from '../event.ts'
import type { SocketSettings } from '../settings.ts'
import { SLOT } from '../slots.ts'
import { TOTAL } from '../totals.ts'
import { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'

/** accept(2) failed with its client alone: the next one may do better. */
const CLIENT_GONE: ReadonlySet<number> = new Set([-ERRNO.ECONNABORTED, -ERRNO.EPROTO, -ERRNO.EINTR])

/** Take everybody who waits at a listener, within reason. */
export function acceptAll(sockets: Sockets, listener: Socket): void {
  if (sockets.owners.linkOf(listener.owner) === undefined) {
    sockets.free(listener)
    return
  }
  if (sockets.areAcceptsHeld) {
    pauseAccepting(sockets, listener)
    return
  }
  for (let round = 0; round < ACCEPTS_PER_EVENT_MAX; round++) {
    const fd = sockets.os.accept(listener.fd)
    if (fd < 0) {
      const isFull = fd === -ERRNO.EMFILE || fd === -ERRNO.ENFILE
      // Linux says EMFILE also when nobody waits; the second try tells.
      const reason = isFull ? refuseOne(sockets, listener, fd) : fd
      if (reason === 0 || CLIENT_GONE.has(reason)) continue
      if (!isAgain(reason)) pauseAccepting(sockets, listener)
      return
    }
    const socket = accepted(sockets, fd, listener.owner, listener.settings)
    if (socket === undefined) {
      const reason = 'all socket slots are in use'
      sockets.owners.emit(listener.owner, EVENT.REFUSE, listener.id, 0, reason)
      continue
    }
    sockets.slots.floats[(listener.at + SLOT.bytesIn) >> 1]! += 1
    const peer = sockets.os.peerAddress(fd)
    const text = peer === undefined ? '' : formatAddress(peer)
    if (!sockets.owners.emit(listener.owner, EVENT.ACCEPT, listener.id, socket.id, text)) {
      // The owner died since it was looked at: nobody would ever close this connection.
      sockets.free(socket)
      return
    }
  }
}

/**
 * A connection that nobody reads before `owner` starts it, or somebody else does.
 *
 * @param fd It is closed when there is no slot for it, and undefined returned.
 */
export function accepted(
  sockets: Sockets,
  fd: number,
  owner: number,
  settings: SocketSettings,
): Socket | undefined {
  const id = sockets.slots.reserve()
  if (id < 0) {
    sockets.os.close(fd)
    sockets.totals.add(TOTAL.refused, 1)
    return undefined
  }
  const socket = new Socket(id, sockets.slots.at(id), owner, settings)
  sockets.adopt(socket, fd)
  sockets.add(socket)
  sockets.move(socket, 'accept')
  sockets.totals.add(TOTAL.accepted, 1)
  sockets.configure(socket, undefined)
  return socket
}

/**
 * Out of descriptors: give the reserved one up to take one client and close it at once. Returns 0
 * when somebody was refused; else why accepting cannot go on.
 */
function refuseOne(sockets: Sockets, listener: Socket, errno: number): number {
  if (!sockets.spare.giveUp()) return errno
  const fd = sockets.os.accept(listener.fd)
  if (fd >= 0) {
    sockets.os.close(fd)
    sockets.totals.add(TOTAL.refused, 1)
    sockets.owners.emit(listener.owner, EVENT.REFUSE, listener.id, 0, sockets.os.errorText(errno))
  }
  return sockets.spare.takeBack() ? Math.min(fd, 0) : errno
}

/** The poller would say "readable" again and again: look at the clock instead. */
function pauseAccepting(sockets: Sockets, listener: Socket): void {
  sockets.watching.watch(listener, INTEREST.none)
  sockets.setDeadline(listener, SHORTAGE_PAUSE_MS)
  sockets.spare.takeBack()
}

/** The pause is over: accept again, unless the owner has paused too. */
export function acceptAgain(sockets: Sockets, listener: Socket): void {
  sockets.spare.takeBack()
  if (listener.reading) sockets.watching.watch(listener, INTEREST.read)
}
