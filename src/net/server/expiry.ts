/** What is due when the deadline of a socket has passed. Runs on the socket thread only. */

import { FIN_WAIT_MS } from '../../base/limits.ts'
import { EVENT } from '../event.ts'
import { SLOT } from '../slots.ts'
import { STATE } from '../state.ts'
import { acceptAgain } from './accept.ts'
import { look } from './look.ts'
import { endStarving } from './shortage.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'
import { flush } from './tcp.ts'
import { flushDatagrams } from './udp.ts'

/** An idle timeout is looked at in so many steps: it is noticed at most one of them late. */
const IDLE_STEPS = 8

/** A pause for want of something, the linger of a close, or a step of the idle timeout is over. */
export function expire(sockets: Sockets, socket: Socket): void {
  if (sockets.stateOf(socket) === STATE.LISTEN) acceptAgain(sockets, socket)
  else if (socket.starved) flushAgain(sockets, socket)
  else if (socket.closing) endLinger(sockets, socket)
  else checkIdle(sockets, socket)
}

/** There may be memory now for what waits. */
function flushAgain(sockets: Sockets, socket: Socket): void {
  endStarving(sockets, socket)
  if (socket.udp === undefined) flush(sockets, socket)
  else flushDatagrams(sockets, socket)
}

function endLinger(sockets: Sockets, socket: Socket): void {
  const { lingerMs } = socket.settings
  // What can still leave does; the wait for the peer's FIN may begin, or be over.
  if (!look(sockets, socket) || sockets.hasDeadline(socket)) return
  const leftMs = (socket.finSent ? FIN_WAIT_MS : lingerMs) - ranForMs(sockets)
  if (leftMs > 0) sockets.setDeadline(socket, Math.ceil(leftMs))
  else sockets.free(socket)
}

function checkIdle(sockets: Sockets, socket: Socket): void {
  const { idleTimeoutMs } = socket.settings
  if (idleTimeoutMs === 0) return
  if (idleLeftMs(sockets, socket) <= 0 && !look(sockets, socket)) return
  // It wrote, and found no memory: then it has a deadline of its own.
  if (socket.starved) return
  const stepMs = Math.ceil(idleTimeoutMs / IDLE_STEPS)
  const leftMs = idleLeftMs(sockets, socket)
  if (leftMs > 0) sockets.setDeadline(socket, Math.ceil(leftMs / stepMs) * stepMs)
  // Something came for which its owner has no room.
  else if (socket.stalled) sockets.setDeadline(socket, stepMs)
  else {
    sockets.owners.emit(socket.owner, EVENT.ERROR, socket.id, 0, `idle for ${idleTimeoutMs} ms`)
    sockets.free(socket)
  }
}

function idleLeftMs(sockets: Sockets, { at, settings }: Socket): number {
  const { cells } = sockets.slots
  const readAt = cells[at + SLOT.readAt]!
  const writeAt = cells[at + SLOT.writeAt]!
  // Behind the cells: neither a write nor a stop of the process in between is overlooked.
  const ranMs = ranForMs(sockets)
  const now = sockets.running.seenAt | 0
  // Unsigned differences: the cells wrap around after 49 days.
  const sinceRead = (now - readAt) >>> 0
  const sinceWrite = (now - writeAt) >>> 0
  return settings.idleTimeoutMs - Math.min(sinceRead, sinceWrite, ranMs)
}

/** How long the process has run without a stop. */
function ranForMs({ running }: Sockets): number {
  running.now()
  return running.forMs
}
