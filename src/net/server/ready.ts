/** What happens when the poller says that a socket is ready: which kind it is decides. */
import { READY } from '../../os/poll/poller.ts'
import { STATE } from '../state.ts'
import { acceptAll } from './accept.ts'
import { connected } from './connect.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'
import { discard, flush, hungUp, readable } from './tcp.ts'
import { flushDatagrams, readDatagrams } from './udp.ts'

/** @param ready Bits of READY. */
export function becameReady(sockets: Sockets, socket: Socket, ready: number): void {
  const state = sockets.stateOf(socket)
  if (state === STATE.LISTEN) acceptAll(sockets, socket)
  else if (state === STATE.CONNECTING) connected(sockets, socket)
  else if (socket.udp !== undefined) {
    if ((ready & READY.write) !== 0) flushDatagrams(sockets, socket)
    if ((ready & ~READY.write) !== 0 && socket.fd >= 0) readSocket(sockets, socket)
  } else {
    if ((ready & READY.write) !== 0) flush(sockets, socket)
    if ((ready & ~READY.write) === 0 || socket.fd < 0) return
    if (socket.closing) discard(sockets, socket)
    else if (socket.reading && !socket.stalled) readSocket(sockets, socket)
    else if ((ready & (READY.error | READY.hangup)) !== 0) hungUp(sockets, socket)
  }
}

/** Take what the kernel has for a socket. */
export function readSocket(sockets: Sockets, socket: Socket): void {
  if (socket.udp === undefined) readable(sockets, socket)
  else if (socket.reading && !socket.stalled && !socket.closing) readDatagrams(sockets, socket)
}
