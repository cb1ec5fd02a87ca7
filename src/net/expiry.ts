/** What is due when the deadline of a socket has passed. Runs on the socket thread only. */
import { acceptAgain } from './accept.ts'
import { EVENT } from './event.ts'
import type { SocketServer } from './server.ts'
import { SLOT } from './slots.ts'
import type { Socket } from './socket.ts'
import { STATE } from './state.ts'
import { endStarving, flush } from './tcp.ts'
import { flushDatagrams } from './udp.ts'

/** An idle timeout is looked at in so many steps: it is noticed at most one of them late. */
const IDLE_STEPS = 8

/** A pause for want of something, the linger of a close, or a step of the idle timeout is over. */
export function expire(server: SocketServer, socket: Socket): void {
  server.setDeadline(socket, 0)
  if (server.stateOf(socket) === STATE.LISTEN) acceptAgain(server, socket)
  else if (socket.starved) flushAgain(server, socket)
  else if (socket.closing) server.free(socket)
  else checkIdle(server, socket)
}

/** There may be memory now for what waits. */
function flushAgain(server: SocketServer, socket: Socket): void {
  endStarving(server, socket)
  if (socket.udp === undefined) flush(server, socket)
  else flushDatagrams(server, socket)
}

function checkIdle(server: SocketServer, socket: Socket): void {
  const { idleTimeoutMs } = socket.settings
  if (idleTimeoutMs === 0) return
  const { cells } = server.slots
  const now = server.clock.now() | 0
  // Unsigned differences: the cells wrap around after 49 days.
  const sinceRead = (now - cells[socket.at + SLOT.readAt]!) >>> 0
  const sinceWrite = (now - cells[socket.at + SLOT.writeAt]!) >>> 0
  const idleMs = Math.min(sinceRead, sinceWrite)
  if (idleMs < idleTimeoutMs) {
    const stepMs = Math.ceil(idleTimeoutMs / IDLE_STEPS)
    server.setDeadline(socket, Math.ceil((idleTimeoutMs - idleMs) / stepMs) * stepMs)
    return
  }
  server.emit(socket.owner, EVENT.ERROR, socket.id, 0, `idle for ${idleTimeoutMs} ms`)
  server.free(socket)
}
