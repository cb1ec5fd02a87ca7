/** A look at one socket that does not wait for the poller. Runs on the socket thread only. */
import { INTEREST } from '../../os/poll/poller.ts'
import { STATE } from '../state.ts'
import { acceptAll } from './accept.ts'
import { connected } from './connect.ts'
import { readSocket } from './ready.ts'
import type { Socket } from './socket.ts'
import type { Sockets } from './sockets.ts'
import { discard, flush } from './tcp.ts'
import { flushDatagrams } from './udp.ts'

/**
 * What happened meanwhile, of which the poller has not told yet: the process may have been stopped,
 * or more sockets be ready than one wait tells of. Nobody is cut for that. False: that was its end.
 */
export function look(sockets: Sockets, socket: Socket): boolean {
  const { interest, udp } = socket
  const state = sockets.stateOf(socket)
  if (state === STATE.CONNECTING) {
    if (sockets.os.peerAddress(socket.fd) !== undefined) connected(sockets, socket)
  } else if (state === STATE.LISTEN) {
    if ((interest & INTEREST.read) !== 0) acceptAll(sockets, socket)
  } else {
    if ((interest & INTEREST.write) !== 0) {
      if (udp === undefined) flush(sockets, socket)
      else flushDatagrams(sockets, socket)
    }
    if ((socket.interest & INTEREST.read) !== 0 && isThere(sockets, socket)) {
      if (socket.closing) discard(sockets, socket)
      else readSocket(sockets, socket)
    }
  }
  return isThere(sockets, socket)
}

const isThere = (sockets: Sockets, socket: Socket): boolean => sockets.find(socket.id) === socket
