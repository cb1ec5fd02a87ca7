/** The kernel has no memory for what a socket writes. It will have some later. */
import { SHORTAGE_PAUSE_MS } from '../../base/limits.ts'
import { INTEREST } from '../../os/poll/poller.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'

/** The poller would say "writable" again and again: look at the clock instead. */
export function starve(sockets: Sockets, socket: Socket): void {
  socket.starved = true
  sockets.watching.ignore(socket, INTEREST.write)
  sockets.setDeadline(socket, SHORTAGE_PAUSE_MS)
}

/** What waited for memory is written again, or has left: another deadline counts now. */
export function endStarving(sockets: Sockets, socket: Socket): void {
  if (!socket.starved) return
  socket.starved = false
  sockets.setDeadline(socket, lifeMs(socket))
}

/** How long a socket lives from now on when nothing happens; 0: for ever. */
const lifeMs = ({ closing, settings }: Socket): number =>
  closing ? settings.lingerMs : settings.idleTimeoutMs
